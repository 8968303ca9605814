import { hostname as localHostname, userInfo } from 'node:os';
import { resolve } from 'node:path';

/** What the tokens of ssh_config(5) stand for. */
export interface TokenValues {
  readonly home: string;
  /** %h */
  readonly hostName: string;
  /** %n: the name as it was looked up. */
  readonly lookedUp: string;
  readonly port: number;
  /** %r */
  readonly user: string;
  readonly hostKeyAlias: string | null;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A path with `~`, `${NAME}` and tokens; null where one of them has no value here. */
export function expandPath(path: string, values: TokenValues): string | null {
  let unset = false;
  const plain = path.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    unset ||= values.env[name] === undefined;
    return values.env[name] ?? '';
  });
  const expanded = expand(plain, tokens(values));
  if (expanded === null || unset) return null;
  if (expanded === '~' || expanded.startsWith('~/')) return `${values.home}${expanded.slice(1)}`;
  return resolve(expanded);
}

/** ProxyCommand and ProxyJump have these only, and put them in as they are. */
export function expandCommand(text: string, values: TokenValues): string | null {
  const { h, n, p, r, k } = tokens(values);
  return expand(text, { h, n, p, r, k });
}

/**
 * Names that mean something to a shell must not come into a command (ssh itself puts them in raw, and refuses some of
 * them only when they are typed).
 */
export function isSafeInCommand(text: string): boolean {
  return /^[\p{L}\p{N}._:%@+[\]/-]*$/u.test(text) && !text.startsWith('-');
}

function expand(text: string, tokens: Readonly<Record<string, string | undefined>>): string | null {
  let unknown = false;
  const expanded = text.replace(/%(.?)/gs, (_, token: string) => {
    if (token === '%') return '%';
    const value = tokens[token];
    if (value === undefined) unknown = true;
    return value ?? '';
  });
  return unknown ? null : expanded;
}

function tokens({ home, hostName, lookedUp, port, user, hostKeyAlias }: TokenValues) {
  const local = localHostname();
  return {
    d: home,
    h: hostName,
    k: hostKeyAlias ?? lookedUp,
    L: local.split('.')[0] ?? local,
    l: local,
    n: lookedUp,
    p: String(port),
    r: user,
    u: localUser(),
    i: String(userInfoOrNull()?.uid ?? ''),
  };
}

export function localUser(): string {
  return userInfoOrNull()?.username ?? '';
}

/** Null where the password database has no entry for this user, as in some containers. */
export function userInfoOrNull(): Identity | null {
  if (here === undefined) here = readIdentity();
  return here;
}

interface Identity {
  readonly username: string;
  readonly homedir: string;
  readonly uid: number;
}

/** Every host asks several times, and the answer is a file that is read. */
let here: Identity | null | undefined;

function readIdentity(): Identity | null {
  try {
    return userInfo();
  } catch {
    return null;
  }
}
