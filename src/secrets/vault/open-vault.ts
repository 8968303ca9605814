import type { VaultFault } from '../../lang/vaulted.ts';
import { reveal, Secret } from '../../model/secret.ts';
import { damaged, type Envelope, INCOMPLETE, parseEnvelope } from './envelope.ts';
import { DEFAULT_ID, type Identity, passwordBytes } from './identities.ts';
import { SealFault, type Vault } from './vault.ts';

export interface KeyedVault extends Vault {
  /** Whose password opened a text; null where none did. Of texts that were opened only. */
  identityOf(envelope: string): Identity | null;
  /** The id in a text's header. */
  idOf(envelope: string): string | null;
  /** Closes a text with a password of the caller's choice; the id `default` is not written down. */
  sealAs(text: Secret, identity: Identity): Promise<string>;
}

/**
 * Ansible Vault by the library `ansible-vault`. It gives undefined for another id, throws whatever comes for what is
 * damaged, and replaces what is no UTF-8 without a word: it only ever sees texts whose form was checked, without their
 * ids, and what it gives is checked again. (Its comparison of checksums takes no constant time. Nobody can measure it from
 * outside: what is compared is a file of the user's own.)
 */
export async function makeVault(identities: readonly Identity[]): Promise<KeyedVault> {
  const { Vault: Library } = await import('ansible-vault');
  const keys = identities.map((identity) => ({ identity, key: new Library(passwordOf(identity)) }));
  const outcomes = new Map<string, Outcome>();
  const running = new Map<string, Promise<void>>();

  /** As Ansible: the password that the header names goes first, the others follow in their order. */
  const inTurn = ({ id }: Envelope) => [
    ...keys.filter(({ identity }) => identity.id === id),
    ...keys.filter(({ identity }) => identity.id !== id),
  ];
  const openAsync = async (text: string): Promise<void> => {
    const envelope = parseEnvelope(text);
    if ('code' in envelope) {
      outcomes.set(text, { envelope });
      return;
    }
    for (const { identity, key } of inTurn(envelope)) {
      const plain = await key.decrypt(envelope.canonical, undefined).catch(() => undefined);
      if (plain !== undefined) {
        outcomes.set(text, { envelope, plain: new Secret(plain), identity });
        return;
      }
    }
    outcomes.set(text, { envelope });
  };
  const openSync = (text: string): Outcome => {
    const envelope = parseEnvelope(text);
    if ('code' in envelope) return { envelope };
    for (const { identity, key } of inTurn(envelope)) {
      const plain = attempt(() => key.decryptSync(envelope.canonical, undefined));
      if (plain !== undefined) return { envelope, plain: new Secret(plain), identity };
    }
    return { envelope };
  };
  const seal: KeyedVault['sealAs'] = (text, identity) => {
    if (!survives(reveal(text))) {
      const fix = 'UTF-8 text; binary files are not encrypted by ipsec-play';
      return Promise.reject(new SealFault('what is to be encrypted is not UTF-8 text', fix));
    }
    const id = identity.id === DEFAULT_ID ? '' : identity.id;
    return new Library(passwordOf(identity)).encrypt(reveal(text), id);
  };

  return {
    open: (text) => {
      const outcome = outcomes.get(text) ?? openSync(text);
      outcomes.set(text, outcome);
      return result(outcome, identities, outcomes);
    },
    openAll: async (texts) => {
      const started = [...new Set(texts)].map((text) => {
        if (outcomes.has(text)) return undefined;
        const work = running.get(text) ?? openAsync(text);
        running.set(text, work);
        return work;
      });
      await Promise.all(started);
    },
    identityOf: (text) => outcomes.get(text)?.identity ?? null,
    idOf: (text) => {
      const envelope = parseEnvelope(text);
      return 'code' in envelope ? null : envelope.id;
    },
    sealAs: seal,
    seal: async (text, id) => {
      const identity = identities.find((each) => id === undefined || each.id === id);
      if (identity !== undefined) return seal(text, identity);
      if (id === undefined) throw new SealFault('no vault password is given to encrypt with', NO_PASSWORD_FIX);
      throw new SealFault(`there is no vault password for the id ${quoted(id)}${known(identities)}`, idFix(id));
    },
    get opened() {
      return [...outcomes.values()].flatMap(({ plain }) => (plain === undefined ? [] : [plain]));
    },
  };
}

/** What came of trying all passwords on a text; nothing opened it where there is no `plain`. */
interface Outcome {
  readonly envelope: Envelope | VaultFault;
  readonly plain?: Secret;
  readonly identity?: Identity;
}

/** The library wants a string and hands it to Node's pbkdf2, which takes bytes as well: a password need not be text. */
function passwordOf(identity: Identity): { password: string } {
  return { password: passwordBytes(identity) as unknown as string };
}

function result(
  { envelope, plain }: Outcome,
  identities: readonly Identity[],
  outcomes: ReadonlyMap<string, Outcome>,
): Secret | VaultFault {
  if ('code' in envelope) return envelope;
  if (plain !== undefined) return survives(reveal(plain)) ? plain : notText();
  if (identities.length === 0) return noPassword(envelope.id);
  const { id, usualSalt } = envelope;
  if (!usualSalt) return damaged(INCOMPLETE);
  if (id !== null && !identities.some((each) => each.id === id)) {
    const why = `it is encrypted for the vault id ${quoted(id)}, and none of the given passwords opens it${known(identities)}`;
    return { code: 'vault-unknown-id', why, fix: idFix(id) };
  }
  const meant = identities.filter((each) => each.id === (id ?? each.id));
  const proven = [...outcomes.values()].some(({ identity }) => identity !== undefined && meant.includes(identity));
  if (proven && meant.length === 1) {
    const why = 'it was altered, or encrypted with another password: the given one opens other texts, but not this one';
    return damaged(why, '; or --vault-id LABEL@FILE with the other password');
  }
  const why =
    identities.length === 1
      ? 'the vault password is wrong, or the text was altered'
      : `no given vault password opens it${known(identities)}`;
  const fix = 'the password that it was encrypted with: --vault-password-file FILE, --vault-id LABEL@FILE, or -J';
  return { code: 'vault-wrong-password', why, fix };
}

export function noPassword(id: string | null): VaultFault {
  return {
    code: 'vault-no-password',
    why: 'no vault password is given',
    fix: id === null || id === DEFAULT_ID ? NO_PASSWORD_FIX : idFix(id),
  };
}

const NO_PASSWORD_FIX = '--vault-password-file FILE, or -J to be asked for it';

function idFix(id: string): string {
  return `--vault-id ${quoted(id)}@FILE, or @prompt in place of @FILE`;
}

function notText(): VaultFault {
  const why = 'what is encrypted in it is not UTF-8 text';
  return { code: 'vault-not-text', why, fix: 'text in UTF-8; `ansible-vault decrypt` still opens it' };
}

function known(identities: readonly Identity[]): string {
  return `; given are: ${[...new Set(identities.map(({ id }) => quoted(id)))].join(', ')}`;
}

/** An id as it may be shown: it stands in a file that anybody may have written. */
function quoted(id: string): string {
  if (/^[\w.-]{1,64}$/.test(id)) return id;
  // Neither control characters nor those that turn the order of a line around.
  return JSON.stringify(id.slice(0, 64)).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The library puts U+FFFD in place of each byte that is no UTF-8, so a text that has one may have been anything. */
function survives(text: string): boolean {
  return !text.includes('\ufffd') && Buffer.from(text, 'utf8').toString('utf8') === text;
}

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
