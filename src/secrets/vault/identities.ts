import { toBytes } from '../../model/content.ts';
import { reveal, Secret } from '../../model/secret.ts';

/** A vault password under the name that texts may ask for it by. */
export interface Identity {
  readonly id: string;
  /** Bytes, one character each: a password need not be text. */
  readonly password: Secret;
}

/** The name that Ansible gives to a password without one. Texts do not mention it. */
export const DEFAULT_ID = 'default';

/** A password that somebody typed. */
export function typedPassword(text: Secret): Secret {
  return text.map((typed) => toBytes(typed).replace(BLANK_AROUND, ''));
}

/** The password in a file: as Ansible, without the blanks around it. */
export function passwordInFile(bytes: Buffer): Secret {
  return new Secret(bytes.toString('latin1').replace(BLANK_AROUND, ''));
}

/** The password that a program printed: as Ansible, without the ends of lines around it. */
export function printedPassword(bytes: Buffer): Secret {
  return new Secret(bytes.toString('latin1').replace(/^[\r\n]+|[\r\n]+$/g, ''));
}

export function passwordBytes({ password }: Identity): Buffer {
  return Buffer.from(reveal(password), 'latin1');
}

/** What Python's bytes.strip() takes off. */
const BLANK_AROUND = /^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g;
