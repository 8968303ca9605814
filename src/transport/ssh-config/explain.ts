import type { Target } from '../../model/host.ts';
import type { SshProxy, SshSettings } from '../ssh-settings.ts';
import { firstOf } from './applied.ts';
import type { Evaluated } from './evaluate.ts';
import type { Lookup } from './foresee.ts';
import type { Surroundings } from './settings.ts';
import type { TargetOrigins } from './ssh-config.ts';

/** A setting that is in force, and where it was said: `FILE:LINE`, an option, `default`. */
export interface Effective {
  readonly name: string;
  readonly value: string | number | boolean | readonly string[];
  readonly from: string;
}

interface Decided {
  readonly target: Target;
  readonly lookup: Lookup;
  readonly settings: SshSettings;
  readonly evaluated: Evaluated;
  readonly surroundings: Surroundings;
  readonly origins: TargetOrigins;
}

/** Each setting of a host for people, in the order in which they matter. */
export function explain({ target, lookup, settings, evaluated, surroundings, origins }: Decided): readonly Effective[] {
  const { values, directives } = evaluated;
  const said = (field: keyof Target) => (target[field] === undefined ? undefined : (origins.of(field) ?? 'inventory'));
  const of = (...keywords: readonly string[]) => {
    const lines = keywords.flatMap((keyword) =>
      values.has(keyword) ? [firstOf(directives, keyword)?.from ?? 'ssh'] : [],
    );
    return lines.length === 0 ? undefined : [...new Set(lines)].join(', ');
  };
  const row = (name: string, value: Effective['value'] | null | undefined, ...from: readonly (string | undefined)[]) =>
    value === null || value === undefined
      ? []
      : [{ name, value, from: from.find((each) => each !== undefined) ?? 'default' }];

  const hostNameFrom = lookup.hostName === null ? firstOf(directives, 'hostname')?.from : undefined;
  const keysFrom = [
    said('privateKeyFile'),
    ...directives.flatMap(({ keyword, from }) => (keyword === 'identityfile' ? [from] : [])),
  ].filter((from) => from !== undefined);
  const keys = settings.namedIdentityFiles.length > 0 ? settings.namedIdentityFiles : settings.defaultIdentityFiles;
  const filesFrom =
    surroundings.knownHostsFiles !== undefined
      ? []
      : [
          surroundings.projectKnownHosts === undefined ? undefined : 'the project',
          of('userknownhostsfile'),
          of('globalknownhostsfile'),
        ].filter((from) => from !== undefined);
  const { algorithms } = settings;
  const believing = settings.acceptNewHostKeys;
  return [
    ...row('address', settings.hostName, hostNameFrom, origins.of('address'), 'the name of the host'),
    ...row('port', settings.port, firstOf(directives, 'port')?.from),
    ...row('user', settings.user, firstOf(directives, 'user')?.from),
    ...row('identity files', keys, keysFrom.length === 0 ? undefined : [...new Set(keysFrom)].join(', ')),
    ...row('identities only', settings.identitiesOnly || null, of('identitiesonly')),
    ...row(
      'agent',
      settings.agentSocket ?? 'none',
      of('identityagent'),
      settings.agentSocket === null ? undefined : 'SSH_AUTH_SOCK',
    ),
    ...row('methods', settings.authMethods, of(...METHODS)),
    ...row('proxy jump', jumps(settings.proxy), of('proxyjump')),
    ...row('proxy command', settings.proxy?.kind === 'command' ? settings.proxy.command : null, of('proxycommand')),
    ...row('host key alias', settings.hostKeyAlias, of('hostkeyalias')),
    ...row('known hosts', settings.knownHostsFiles, filesFrom.length === 0 ? undefined : filesFrom.join(', ')),
    ...row(
      'accept new host keys',
      believing,
      surroundings.acceptNewHostKeys ? '--accept-new-host-keys' : of('stricthostkeychecking'),
    ),
    ...row('timeout', settings.connectTimeout, said('connectTimeout'), of('connecttimeout')),
    ...row(
      'keepalive',
      `${settings.keepalive.count} x ${settings.keepalive.interval} s`,
      of('serveraliveinterval', 'serveralivecountmax'),
    ),
    ...row('profile', settings.profile, said('sshProfile')),
    ...row('key exchange', algorithms.kex, of('kexalgorithms')),
    ...row('host key algorithms', algorithms.hostKey, of('hostkeyalgorithms')),
    ...row('ciphers', algorithms.cipher, of('ciphers')),
    ...row('macs', algorithms.mac, of('macs')),
    ...row('address family', settings.addressFamily === 0 ? null : settings.addressFamily, of('addressfamily')),
    ...row('bind address', settings.bindAddress, of('bindaddress')),
  ];
}

const METHODS = [
  'preferredauthentications',
  'pubkeyauthentication',
  'kbdinteractiveauthentication',
  'passwordauthentication',
];

/** The first hop first, as ProxyJump has them. */
function jumps(proxy: SshProxy | null): readonly string[] | null {
  if (proxy?.kind !== 'jump') return null;
  const { via } = proxy;
  const name = via.hostName.includes(':') ? `[${via.hostName}]` : via.hostName;
  const address = via.port === 22 ? via.hostName : `${name}:${via.port}`;
  return [...(jumps(via.proxy) ?? []), `${via.name} (${via.user}@${address})`];
}
