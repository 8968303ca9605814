import { join } from 'node:path';
import type { Target } from '../../model/host.ts';
import type { SshAlgorithms, SshSettings } from '../ssh-settings.ts';
import { ConnectFault } from '../transport.ts';
import { firstOf, saidAt } from './applied.ts';
import type { Evaluated } from './evaluate.ts';
import type { Lookup } from './foresee.ts';
import { expandPath, type TokenValues, userInfoOrNull } from './tokens.ts';

/** What does not come from the configuration, and goes before it, or after it. */
export interface Surroundings {
  readonly home: string;
  readonly user: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly projectKnownHosts?: string | undefined;
  readonly acceptNewHostKeys: boolean;
  readonly identityFiles?: readonly string[] | undefined;
  readonly knownHostsFiles?: readonly string[] | undefined;
  /** For jump hosts; a target has its own. */
  readonly connectTimeout?: number | undefined;
}

/** What the inventory and the command line say of one host; nothing of it for a jump host. */
export type Said = Pick<Target, 'name'> & Partial<Pick<Target, 'privateKeyFile' | 'connectTimeout' | 'sshProfile'>>;

/** How a host is reached, but for its proxy. */
export function directSettings(
  said: Said,
  lookup: Lookup,
  evaluated: Evaluated,
  surroundings: Surroundings,
): Omit<SshSettings, 'proxy'> & { readonly tokens: TokenValues } {
  const { hostName, values } = evaluated;
  const { home, env } = surroundings;
  const value = (keyword: string) => values.get(keyword)?.[0];
  const user = value('user') ?? firstOf(evaluated.directives, 'user')?.words[0] ?? surroundings.user;
  const port = Number(value('port') ?? DEFAULTS.port);
  const hostKeyAlias = value('hostkeyalias') ?? null;
  const tokens: TokenValues = { home, env, hostName, lookedUp: lookup.host, port, user, hostKeyAlias };
  const revoked = value('revokedhostkeys');
  if (revoked !== undefined && revoked !== 'none') {
    throw new ConnectFault(
      'ssh-config',
      `RevokedHostKeys ${revoked} is not supported, and a revoked key must not be believed` +
        saidAt(evaluated.directives, 'revokedhostkeys'),
      'Write these keys as @revoked lines into a known_hosts file, and RevokedHostKeys none for this host.',
    );
  }
  const named = [said.privateKeyFile, ...(values.get('identityfile') ?? [])].filter((path) => path !== undefined);
  const interval = Number(value('serveraliveinterval') ?? 0);
  const count = value('serveralivecountmax');
  return {
    tokens,
    name: said.name,
    hostName,
    port,
    user,
    hostKeyAlias,
    knownHostsFiles: knownHostsFiles(evaluated, tokens, surroundings),
    acceptNewHostKeys: surroundings.acceptNewHostKeys || BELIEVING.has(value('stricthostkeychecking') ?? ''),
    namedIdentityFiles: [
      ...new Set(named.filter((path) => path !== 'none').map((path) => pathOf('IdentityFile', path, tokens))),
    ],
    defaultIdentityFiles:
      named.length > 0 ? [] : (surroundings.identityFiles ?? DEFAULTS.keys).map((path) => pathOf('', path, tokens)),
    identitiesOnly: value('identitiesonly') === 'yes',
    agentSocket: agentSocket(evaluated, tokens),
    connectTimeout:
      said.connectTimeout ??
      surroundings.connectTimeout ??
      (Number(value('connecttimeout')) || DEFAULTS.connectTimeout),
    keepalive: { interval: interval || DEFAULTS.keepalive.interval, count: Number(count ?? DEFAULTS.keepalive.count) },
    profile: said.sshProfile ?? null,
    algorithms: algorithms(evaluated, said.sshProfile !== undefined),
    addressFamily: value('addressfamily') === 'inet' ? 4 : value('addressfamily') === 'inet6' ? 6 : 0,
    bindAddress: value('bindaddress') ?? null,
    ...authMethods(values),
  };
}

export const DEFAULTS = {
  port: 22,
  connectTimeout: 20,
  keepalive: { interval: 15, count: 3 },
  keys: ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'],
} as const;

/** Keys are verified whatever this says: `no` does not mean that a changed key is accepted. */
const BELIEVING: ReadonlySet<string> = new Set(['accept-new', 'false', 'no', 'off']);

const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];

function knownHostsFiles(evaluated: Evaluated, tokens: TokenValues, surroundings: Surroundings): readonly string[] {
  const { projectKnownHosts, knownHostsFiles: instead } = surroundings;
  if (instead !== undefined) return instead.map((path) => pathOf('', path, tokens));
  const ssh = (name: string) => join(tokens.home, '.ssh', name);
  const user = listedPaths('UserKnownHostsFile', evaluated, tokens) ?? [ssh('known_hosts'), ssh('known_hosts2')];
  const global = listedPaths('GlobalKnownHostsFile', evaluated, tokens) ?? GLOBAL_KNOWN_HOSTS;
  const project = projectKnownHosts === undefined ? [] : [projectKnownHosts];
  // The first one receives new keys: a file that is committed gets them by `hosts scan`, after a review.
  return [...new Set([...user.slice(0, 1), ...project, ...user.slice(1), ...global])];
}

/**
 * Files in one line. ssh prints them with tokens expanded, with the home of the password database, and without quotes:
 * so they are taken from the line itself, where ssh and we read the same in it.
 */
function listedPaths(name: string, { values, directives }: Evaluated, tokens: TokenValues): readonly string[] | null {
  const keyword = name.toLowerCase();
  const printed = values.get(keyword)?.[0];
  if (printed === undefined) return null;
  if (printed === 'none') return [];
  const written = firstOf(directives, keyword)?.words ?? [];
  const asSsh = written.map((path) => expandPath(path, { ...tokens, home: userInfoOrNull()?.homedir ?? tokens.home }));
  if (written.join(' ') === printed || asSsh.join(' ') === printed) {
    return written.map((path) => pathOf(name, path, tokens));
  }
  return printed.split(' ').map((path) => pathOf(name, path, tokens));
}

function pathOf(name: string, path: string, tokens: TokenValues): string {
  const expanded = expandPath(path, tokens);
  if (expanded !== null) return expanded;
  throw new ConnectFault(
    'ssh-config',
    `${name} ${path} has a token that is not supported, or a variable that is not set`,
    'Write the path in full.',
  );
}

/** SSH_AUTH_SOCK, `none`, `$NAME`, or a path. */
function agentSocket({ values, directives }: Evaluated, tokens: TokenValues): string | null {
  const printed = values.get('identityagent')?.[0];
  const written = firstOf(directives, 'identityagent')?.words[0] ?? printed;
  if (printed === undefined || written === undefined || written === 'SSH_AUTH_SOCK')
    return tokens.env.SSH_AUTH_SOCK || null;
  if (written === 'none') return null;
  const variable = /^\$(?:\{(\w+)\}|(\w+))$/.exec(written);
  if (variable) return tokens.env[variable[1] ?? variable[2] ?? ''] || null;
  return pathOf('IdentityAgent', written, tokens);
}

/**
 * What a machine's policy for all hosts says (/etc/crypto-policies of Red Hat) is not meant for one that the inventory
 * calls old.
 */
function algorithms({ values, directives }: Evaluated, isOld: boolean): SshAlgorithms {
  const forAll = (keyword: string) => firstOf(directives, keyword)?.from.startsWith('/etc/') === true;
  const list = (keyword: string) => (isOld && forAll(keyword) ? undefined : values.get(keyword)?.[0]?.split(','));
  const [kex, hostKey, cipher, mac] = [list('kexalgorithms'), list('hostkeyalgorithms'), list('ciphers'), list('macs')];
  return {
    ...(kex === undefined ? {} : { kex }),
    ...(hostKey === undefined ? {} : { hostKey }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(mac === undefined ? {} : { mac }),
  };
}

const METHODS = ['publickey', 'keyboard-interactive', 'password'] as const;

/** What may be tried, by PreferredAuthentications and the three that switch one of them off. */
function authMethods(values: Evaluated['values']): Pick<SshSettings, 'authMethods'> {
  const off = (keyword: string) => /^(no|false)$/.test(values.get(keyword)?.[0] ?? '');
  const forbidden: Readonly<Record<string, boolean>> = {
    publickey: off('pubkeyauthentication'),
    'keyboard-interactive': off('kbdinteractiveauthentication'),
    password: off('passwordauthentication'),
  };
  const preferred = values.get('preferredauthentications')?.[0]?.split(',');
  if (preferred === undefined && !Object.values(forbidden).includes(true)) return {};
  const known = METHODS.filter((method) => preferred === undefined || preferred.includes(method));
  const ordered =
    preferred === undefined ? known : [...known].sort((a, b) => preferred.indexOf(a) - preferred.indexOf(b));
  return { authMethods: ordered.filter((method) => forbidden[method] !== true) };
}
