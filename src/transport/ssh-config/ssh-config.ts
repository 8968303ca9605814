import type { Target } from '../../model/host.ts';
import type { SshSettings } from '../ssh-settings.ts';
import { ConnectFault } from '../transport.ts';
import { given, readArguments } from './arguments.ts';
import { evaluator } from './evaluate.ts';
import { type Effective, explain } from './explain.ts';
import type { Lookup } from './foresee.ts';
import { lookedUp } from './looked-up.ts';
import { proxyResolver } from './proxy.ts';
import { sshRunner } from './run-ssh.ts';
import type { Surroundings } from './settings.ts';
import { type ConfigSource, openSource } from './source.ts';
import { userInfoOrNull } from './tokens.ts';

export interface SshConfigOptions {
  /** The user's home: `~`, and where the defaults are. */
  readonly home: string;
  /** Who logs in where nobody says anything else. */
  readonly user: string;
  /** The environment of `ssh -G`, of `Match exec`, and of `${NAME}` in paths. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Instead of ~/.ssh/config and /etc/ssh/ssh_config, as `ssh -F`; `none`: no file. It goes before `-F` of the inventory. */
  readonly configFile?: string | undefined;
  /** The project's own known_hosts, beside those of the user; new keys go there where the user has none. */
  readonly projectKnownHosts?: string | undefined;
  readonly acceptNewHostKeys: boolean;
  /** Instead of the default key files. */
  readonly identityFiles?: readonly string[] | undefined;
  /** Instead of all other known_hosts files. */
  readonly knownHostsFiles?: readonly string[] | undefined;
  /** Seconds, from the command line: for jump hosts. A target has its own. */
  readonly connectTimeout?: number | undefined;
}

/** How hosts are reached, by command line, inventory, ssh_config(5) and defaults. */
export interface SshConfig {
  /** Rejects with a {@link ConnectFault} and nothing else. The same jump host is the same object for all hosts behind it. */
  settingsOf(target: Target): Promise<SshSettings>;
  /** The same for people: each setting, and where it was said. Rejects as `settingsOf` does. */
  explain(target: Target, origins: TargetOrigins): Promise<readonly Effective[]>;
}

/** Where the fields of a target were said: `FILE:LINE`, `--user`. */
export interface TargetOrigins {
  of(field: keyof Target): string | undefined;
  /** For each word of `sshArguments`. */
  ofArgument(index: number): string;
}

/** Nothing is read before the first host is asked for, and each file once. */
export function sshConfig(options: SshConfigOptions): SshConfig {
  const { home, user, env } = options;
  const sources = new Map<string | undefined, ConfigSource | ConnectFault>();
  const sourceOf = (configFile: string | undefined) => {
    const known = sources.get(configFile) ?? open({ home, env, configFile });
    sources.set(configFile, known);
    if (known instanceof ConnectFault) throw known;
    return known;
  };
  // Without an entry in the password database ssh refuses everything.
  const ssh = userInfoOrNull() === null ? null : sshRunner({ ...env, HOME: home });
  const evaluate = evaluator({ sourceOf, env, home, ssh });
  const surroundings: Surroundings = { ...options, home, user, env };
  const resolve = proxyResolver(evaluate, surroundings);

  const look = async (target: Target, origins: TargetOrigins) => {
    const lookup = lookupOf(target, origins, options.configFile, sourceOf);
    return { lookup, ...(await resolve(target, lookup, [target.name])) };
  };
  return {
    settingsOf: async (target) => (await look(target, NOWHERE)).settings,
    explain: async (target, origins) => {
      const { lookup, settings, evaluated } = await look(target, origins);
      return explain({ target, lookup, settings, evaluated, surroundings, origins });
    },
  };
}

const NOWHERE: TargetOrigins = { of: () => undefined, ofArgument: () => 'inventory' };

function open(place: Parameters<typeof openSource>[0]): ConfigSource | ConnectFault {
  try {
    return openSource(place);
  } catch (fault) {
    if (fault instanceof ConnectFault) return fault;
    throw fault;
  }
}

/** Command line and inventory go before the options of ssh in the inventory, and these before the files. */
function lookupOf(
  target: Target,
  origins: TargetOrigins,
  configFile: string | undefined,
  sourceOf: (configFile: string | undefined) => ConfigSource,
): Lookup {
  const said = readArguments(target.sshArguments ?? [], origins.ofArgument);
  const file = configFile ?? said.configFile;
  const { user, port } = target;
  return {
    ...lookedUp(target, sourceOf(file).lines),
    configFile: file,
    given: [
      ...(user === undefined ? [] : [given('user', user, origins.of('user'))]),
      ...(port === undefined ? [] : [given('port', String(port), origins.of('port'))]),
      ...said.directives,
    ],
  };
}
