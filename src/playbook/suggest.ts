import { didYouMean } from '../lang/did-you-mean.ts';

/** What to write in place of an unknown word: the one probably meant, else all there are. */
export function knownWords(word: string, known: readonly string[]): string {
  const question = didYouMean(word, known);
  if (question !== undefined) return question;
  return known.length === 0 ? 'there is none' : `known are: ${abridged(known)}`;
}

/** A list for people, cut where it gets long. */
function abridged(words: readonly string[], most = 12): string {
  return words.length <= most ? words.join(', ') : `${words.slice(0, most).join(', ')} and ${words.length - most} more`;
}
