import { closest, distance } from 'fastest-levenshtein';

/** The candidate that `word` was most likely meant to be, where one is near enough to be worth a question. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const names = [...candidates].filter((name) => name !== word);
  if (names.length === 0) return undefined;
  const lower = word.toLowerCase();
  const same = names.find((name) => name.toLowerCase() === lower);
  if (same !== undefined) return same;
  const nearest = closest(word, names);
  return distance(word, nearest) <= tolerance(word.length) ? nearest : undefined;
}

/** `did you mean "x"?`, or undefined where nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const nearest = nearestName(word, candidates);
  return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

/** Two letters that changed places count as two. */
function tolerance(length: number): number {
  return length <= 3 ? 1 : Math.max(2, Math.floor(length / 3));
}
