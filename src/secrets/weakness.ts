import { parseManualKey } from '../model/manual-key.ts';
import { reveal, type Secret } from '../model/secret.ts';

/** Shorter ones are guessed from one recorded IKE negotiation (aggressive mode gives away all that is needed). */
const SHORTEST = 20;
/** A hexadecimal key holds two digits a byte. */
const SHORTEST_BYTES = 16;

/**
 * What makes a psk, or the master of derived ones, easy to guess: `is made of common words`; null when nothing does. It
 * says no for random keys of every usual form, and tells nothing of the key but the kind of its weakness.
 */
export function pskWeakness(psk: Secret): string | null {
  const text = reveal(psk);
  const hexadecimal = /^0x(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text.slice(2), 'hex') : null;
  if (hexadecimal) {
    if (hexadecimal.length < SHORTEST_BYTES) return `has fewer than ${SHORTEST_BYTES} bytes`;
    return bytesWeakness(hexadecimal);
  }
  return textWeakness(text) ?? (text.length < SHORTEST ? `has fewer than ${SHORTEST} characters` : null);
}

/** The same of a manual key, whose length is given by its algorithm. */
export function manualKeyWeakness(key: Secret): string | null {
  const parsed = parseManualKey(reveal(key));
  if ('fault' in parsed) return null;
  return parsed.form === 'text' ? textWeakness(reveal(key)) : bytesWeakness(parsed.bytes);
}

function textWeakness(text: string): string | null {
  const letters = text.toLowerCase();
  if (isWords(letters)) return 'is made of common words';
  const items = [...letters];
  if (new Set(items).size === 1) return 'repeats itself';
  if (counts(items.map((char) => char.charCodeAt(0)))) return 'counts up or down';
  if (repeats(items)) return 'repeats itself';
  if (text.length >= 12 && new Set(letters).size < 8) return 'has few different characters';
  return null;
}

function bytesWeakness(bytes: Buffer): string | null {
  const digits = [...bytes.toString('hex')];
  if (bytes.every((byte) => byte === bytes[0])) return 'is one byte over and over';
  const values = digits.map((digit) => Number.parseInt(digit, 16));
  if (counts(values, 16) || strides(bytes)) return 'counts up or down';
  if (repeats([...bytes])) return 'repeats itself';
  if (bytes.length >= SHORTEST_BYTES && new Set(digits).size < 6) return 'has few different digits';
  return null;
}

/** True for a beginning that comes again until the end, at least twice. */
function repeats(items: readonly unknown[]): boolean {
  for (let period = 1; period <= items.length / 2; period += 1)
    if (items.every((item, index) => index < period || item === items[index - period])) return true;
  return false;
}

/** True when nearly all neighbours are the same or one apart: `abcdef`, `112233`, and round and round in `modulus`. */
function counts(numbers: readonly number[], modulus = Number.POSITIVE_INFINITY): boolean {
  const near = numbers.filter((number, index) => {
    const step = Math.abs(number - (numbers[index - 1] ?? Number.NaN));
    return step <= 1 || step === modulus - 1;
  });
  return numbers.length >= 6 && near.length >= 0.8 * (numbers.length - 1);
}

/** True when nearly all bytes are as far apart: `01 02 03`, `00 11 22`. */
function strides(bytes: Buffer): boolean {
  const steps = new Map<number, number>();
  for (let index = 1; index < bytes.length; index += 1) {
    const step = ((bytes[index] ?? 0) - (bytes[index - 1] ?? 0)) & 0xff;
    steps.set(step, (steps.get(step) ?? 0) + 1);
  }
  return bytes.length >= 5 && Math.max(...steps.values()) >= 0.8 * (bytes.length - 1);
}

/** True when hardly anything is left of a text without well-known words, numbers and punctuation. */
function isWords(text: string): boolean {
  const forms = [text, text.replace(/[^a-z]+$/, '').replace(/[013457@$!]/g, (char) => LEET[char] ?? char)];
  return forms.some((form) => {
    const rest = form.replace(WORDS, '');
    return rest !== form && rest.replace(/[^a-z]/g, '').length <= 2;
  });
}

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

/** What people write into examples and leave there. The longer ones first. */
const WORDS = new RegExp(
  (
    'foobarbaz administrator preshared changeme letmein password passwort passwd qwertyuiop qwertz asdfghjkl zxcvbnm ' +
    'iloveyou whatever example sample default private network gateway internet company secret welcome tunnel router ' +
    'racoon redhat centos fedora master monkey dragon shadow server remote office branch simple foobar shared ' +
    'qwerty linux linix llnux admin value ipsec hello guest vpnkey site test temp demo user root pass word cisco ' +
    'key psk vpn foo bar baz lan wan net the and my'
  )
    .split(' ')
    .join('|'),
  'g',
);
