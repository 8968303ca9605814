import { reveal, type Secret } from '../../../model/secret.ts';

/** Why a value cannot be carried, and what to do. Neither text holds any of it. */
export interface Obstacle {
  readonly why: string;
  readonly fix: string;
}

/**
 * Why a psk cannot be carried by both the keys file, which a shell sources, and psk.txt, into which `ifup` copies it with
 * `echo` and out of which racoon reads it; or null when it can. Strict where old shells differ.
 */
export function pskObstacle(psk: Secret): Obstacle | null {
  const key = reveal(psk);
  const fix =
    'choose another key: letters, digits and most punctuation are fine, such as the output of `openssl rand -hex 24`';
  const character = forbiddenCharacter(key);
  if (character !== null) return { why: `holds ${character}`, fix };
  if (/^ | $/.test(key)) return { why: 'begins or ends with a blank, which psk.txt cannot hold', fix };
  if (/^0x/.test(key) && !/^0x([0-9A-Fa-f]{2})+$/.test(key)) {
    return {
      why: 'begins with 0x, which racoon reads as hexadecimal, and is none',
      fix: 'write an even number of hexadecimal digits after 0x',
    };
  }
  // racoon reads psk.txt in lines of at most 1023 bytes: the address, two blanks, the key, the end of the line
  if (key.length > 1000)
    return { why: 'is too long for a line of psk.txt', fix: 'use a key of at most 1000 characters' };
  return null;
}

/** The same for a manual text key on its way through the keys file and a here-document to setkey. */
export function manualKeyObstacle(secret: Secret): Obstacle | null {
  const character = forbiddenCharacter(reveal(secret));
  return character === null ? null : { why: `holds ${character}`, fix: 'write the key as hexadecimal digits after 0x' };
}

function forbiddenCharacter(key: string): string | null {
  if (key.includes('\0')) return 'a NUL byte, which no shell can carry';
  if (/[\r\n]/.test(key)) return 'the end of a line, which ends the key there';
  if (key.includes('\t')) return 'a tab, which the scripts may turn into a blank';
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(key)) return 'a control character';
  if (key.includes('\\')) return 'a backslash, which some shells change when they copy it';
  if (/[^\x20-\x7e]/.test(key)) return 'a character outside ASCII, for which grep drops lines of psk.txt';
  return null;
}
