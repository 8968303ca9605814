import type { VaultFault } from '../../lang/vaulted.ts';

/** A text of Ansible Vault, taken apart as far as that goes without a password. */
export interface Envelope {
  /** The vault id in the header: a hint at the password, no more. */
  readonly id: string | null;
  /** The same text as the library reads it: no id, one line of header, nothing around. */
  readonly canonical: string;
  /** Ansible's salts have this length, but for one that the user chose: it is cut off, if nothing opens the text. */
  readonly usualSalt: boolean;
}

/**
 * Checks the form of a text, so that only what is whole is ever decrypted. As Ansible, it is lenient about blanks around
 * lines and about the version; as strict as Ansible about the rest.
 */
export function parseEnvelope(text: string): Envelope | VaultFault {
  const [header = '', ...lines] = text.trim().split(/\r\n|\r|\n/);
  const [mark, version = '', cipher, id] = header.split(';').map((part) => part.trim());
  if (mark !== MARK || cipher === undefined) return damaged('its first line is no header of Ansible Vault');
  if (!/^1\.[12]$/.test(version) || cipher !== CIPHER) {
    return damaged('its header names a format that is not known here; known are 1.1 and 1.2 with AES256');
  }
  const hex = lines.map((line) => line.trim()).join('');
  const parts = unhex(hex)?.toString('latin1').split('\n');
  if (hex === '' || parts === undefined) return damaged(INCOMPLETE);
  const [salt, hmac, ciphertext, ...more] = parts.map(unhex);
  if (!salt || !hmac || !ciphertext || more.length > 0 || salt.length === 0) return damaged(INCOMPLETE);
  if (hmac.length !== HMAC_BYTES) return damaged('its checksum is cut off');
  if (ciphertext.length === 0 || ciphertext.length % BLOCK_BYTES !== 0) return damaged(INCOMPLETE);
  return {
    id: id === undefined || id === '' ? null : id,
    canonical: `${MARK};1.1;${CIPHER}\n${hex}`,
    usualSalt: salt.length === SALT_BYTES,
  };
}

export function damaged(why: string, otherwise = ''): VaultFault {
  const fix = `the text as ansible-vault made it, which version control may have${otherwise}`;
  return { code: 'vault-damaged', why, fix };
}

const MARK = '$ANSIBLE_VAULT';
const CIPHER = 'AES256';
const SALT_BYTES = 32;
/** HMAC-SHA-256. */
const HMAC_BYTES = 32;
/** AES pads to it. */
const BLOCK_BYTES = 16;
export const INCOMPLETE = 'something is missing from it, or a character was changed';

function unhex(text: string): Buffer | undefined {
  return /^(?:[0-9a-fA-F]{2})*$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}
