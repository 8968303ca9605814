import type { SshProxy, SshSettings } from '../ssh-settings.ts';
import { ConnectFault } from '../transport.ts';
import { firstOf, saidAt } from './applied.ts';
import { given } from './arguments.ts';
import type { Evaluate, Evaluated } from './evaluate.ts';
import type { Lookup } from './foresee.ts';
import { jumpLoop } from './jump-loop.ts';
import { type Hop, hopsOf } from './proxy-jump.ts';
import { directSettings, type Said, type Surroundings } from './settings.ts';
import { expandCommand, isSafeInCommand, localUser, type TokenValues } from './tokens.ts';

/** Completes settings by how the host is come to; jump hosts are looked up as hosts of their own. */
export type Resolve = (said: Said, lookup: Lookup, aliases?: readonly string[]) => Promise<Resolved>;

export interface Resolved {
  readonly settings: SshSettings;
  readonly evaluated: Evaluated;
}

/** A host on the way, as it is told apart in a circle. */
interface Stop {
  readonly text: string;
  readonly ids: readonly string[];
  /** Where it was said through whom it is reached. */
  readonly from: string | undefined;
}

/** Deeper than any network, and the end of names that grow with each jump (`ProxyJump jump.%h`). */
const MOST_HOPS = 16;

export function proxyResolver(evaluate: Evaluate, surroundings: Surroundings): Resolve {
  /** Jump hosts, each once. */
  const hosts = new Map<string, SshSettings>();

  /** ssh logs in as the user of the password database where nobody says whom; here that is $USER. */
  const withUser = async (lookup: Lookup): Promise<Evaluated> => {
    const evaluated = await evaluate(lookup);
    if (surroundings.user === localUser() || firstOf(evaluated.directives, 'user') !== undefined) return evaluated;
    return evaluate({ ...lookup, given: [...lookup.given, given('user', surroundings.user, 'default')] });
  };

  const resolve = async (
    said: Said,
    lookup: Lookup,
    names: readonly string[],
    trail: readonly Stop[],
    through?: readonly Hop[],
  ) => {
    const evaluated = await withUser(lookup);
    const { tokens, ...direct } = directSettings(said, lookup, evaluated, surroundings);
    const ids = [lookup.host, ...names].map((name) => `${name.toLowerCase()}:${direct.port}`);
    const here: Stop = { text: said.name, ids, from: firstOf(evaluated.directives, 'proxyjump')?.from };
    refuseCircle(trail, here, lookup);
    const proxy = await proxyOf(evaluated, tokens, lookup.configFile, [...trail, here], through);
    return { settings: { ...direct, proxy }, evaluated };
  };

  /** The last of these hops, reached through those before it. */
  const jump = async (
    hops: readonly Hop[],
    configFile: string | undefined,
    trail: readonly Stop[],
  ): Promise<SshSettings> => {
    const hop = hops[hops.length - 1] as Hop;
    const lookup: Lookup = {
      host: hop.host,
      hostName: null,
      configFile,
      given: [
        ...(hop.user === undefined ? [] : [given('user', hop.user, `ProxyJump ${hop.text}`)]),
        ...(hop.port === undefined ? [] : [given('port', String(hop.port), `ProxyJump ${hop.text}`)]),
      ],
    };
    const { settings } = await resolve(
      { name: hop.text },
      lookup,
      [],
      trail,
      hops.length > 1 ? hops.slice(0, -1) : undefined,
    );
    // However it is written. Those before it are such objects already.
    const key = JSON.stringify({ ...settings, name: '' });
    const known = hosts.get(key) ?? settings;
    hosts.set(key, known);
    return known;
  };

  const proxyOf = async (
    evaluated: Evaluated,
    tokens: TokenValues,
    configFile: string | undefined,
    trail: readonly Stop[],
    through?: readonly Hop[],
  ): Promise<SshProxy | null> => {
    if (through !== undefined) return { kind: 'jump', via: await jump(through, configFile, trail) };
    const jumps = evaluated.values.get('proxyjump')?.[0];
    if (jumps !== undefined) {
      const hops = hopsOf(expanded('ProxyJump', jumps, tokens, evaluated));
      const wrong = hops.find(({ host, port = 1 }) => host === '' || host.startsWith('-') || port < 1 || port > 65_535);
      if (wrong) throw badProxy(`ProxyJump ${jumps}: "${wrong.text}" is no [user@]host[:port]`, evaluated, 'proxyjump');
      return hops.length === 0 ? null : { kind: 'jump', via: await jump(hops, configFile, trail) };
    }
    const command = evaluated.values.get('proxycommand')?.[0];
    if (command === undefined) return null;
    if (evaluated.values.get('proxyusefdpass')?.[0] === 'yes') {
      throw badProxy('ProxyUseFdpass is not supported', evaluated, 'proxyusefdpass');
    }
    return { kind: 'command', command: expanded('ProxyCommand', command, tokens, evaluated) };
  };

  return (said, lookup, aliases = []) => resolve(said, lookup, aliases, []);
}

/** ssh puts names into the command as they are; so these must not mean anything to a shell. */
function expanded(keyword: string, text: string, tokens: TokenValues, { directives }: Evaluated): string {
  const place = saidAt(directives, keyword.toLowerCase());
  if (text.includes('%')) {
    const unsafe = [tokens.hostName, tokens.lookedUp, tokens.user, tokens.hostKeyAlias ?? ''].find(
      (each) => !isSafeInCommand(each),
    );
    if (unsafe !== undefined) {
      throw new ConnectFault(
        'ssh-config',
        `${keyword} would put ${JSON.stringify(unsafe)} into a command of a shell${place}`,
        'Write it into the command yourself, in quotes, instead of %h, %n or %r.',
      );
    }
  }
  const done = expandCommand(text, tokens);
  if (done !== null) return done;
  throw new ConnectFault(
    'ssh-config',
    `${keyword} ${text} has a token that is not supported${place}`,
    'Those are %%, %h, %n, %p, %r, %k.',
  );
}

function refuseCircle(trail: readonly Stop[], here: Stop, { host }: Lookup): void {
  const at = trail.findIndex(({ ids }) => ids.some((id) => here.ids.includes(id)));
  if (at === -1 && trail.length < MOST_HOPS) return;
  const path = [...trail.slice(Math.max(at, 0)), here].map(({ text }) => text);
  const places = trail.flatMap(({ from }) => from ?? []);
  throw jumpLoop({ path, places, host, what: at === -1 ? `there are more than ${MOST_HOPS} jump hosts` : undefined });
}

function badProxy(message: string, { directives }: Evaluated, keyword: string): ConnectFault {
  return new ConnectFault('ssh-config', `${message}${saidAt(directives, keyword)}`, 'Correct that line.');
}
