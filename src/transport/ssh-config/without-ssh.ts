import { spawnSync } from 'node:child_process';
import SSHConfig from 'ssh-config';
import { ConnectFault } from '../transport.ts';
import { resolveAlgorithms } from './algorithm-lists.ts';
import { addFinalPass, applyConfig, type Decide, type Directive, firstOf } from './applied.ts';
import { matchWords, quoteWord } from './config-text.ts';
import type { Evaluated } from './evaluate.ts';
import type { Lookup } from './foresee.ts';
import { HEEDED } from './keywords.ts';
import { matchesHostLine, matchesList } from './patterns.ts';
import type { ConfigSource } from './source.ts';
import { expandCommand, localUser } from './tokens.ts';

interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/**
 * As `ssh -G` would tell it, where there is no ssh. Which blocks hold is decided here, since the package knows neither
 * `Include` nor negated criteria; it reads the values. Host names are not made canonical.
 */
export function evaluateWithoutSsh(lookup: Lookup, source: ConfigSource, surroundings: Surroundings): Evaluated {
  let applied: Directive[] = [...lookup.given];
  const pass = (host: string, final: boolean, hostName: string | null) => {
    let wantsFinal = false;
    const state = { lookup: { ...lookup, hostName }, host, final, applied, ...surroundings };
    const decide: Decide = (line) => {
      if (line.keyword === 'host') return matchesHostLine(host, line.words);
      wantsFinal ||= /\bfinal\b/i.test(line.rest);
      return matches(line.rest, `${line.file} line ${line.line}`, state);
    };
    for (const tree of source.trees) applyConfig(tree, decide, applied);
    return wantsFinal;
  };
  const wantsFinal = pass(lookup.host, false, lookup.hostName);
  const hostName = nameOf(lookup, applied);
  if (wantsFinal) {
    const first = applied.length;
    pass(hostName, true, hostName);
    const [before, added] = [applied.slice(0, first), applied.slice(first)];
    applied = before;
    addFinalPass(applied, added);
  }

  const values = new Map<string, readonly string[]>();
  const heeded = applied.filter(({ keyword }) => HEEDED.has(keyword) && keyword !== ignoredProxy(applied));
  for (const [keyword, value] of Object.entries(computed(heeded, lookup.host))) {
    if (keyword === 'hostname' || keyword === 'host') continue;
    const plain = normal(keyword, value, firstOf(heeded, keyword)?.from ?? '');
    if (plain.length > 0) values.set(keyword, [...new Set(plain)]);
  }
  return { hostName, values, directives: applied };
}

/** Of these two the one that comes first counts; `ProxyJump none` leaves the other one alone. */
function ignoredProxy(applied: readonly Directive[]): string {
  if (firstOf(applied, 'proxyjump')?.words[0]?.toLowerCase() === 'none') return 'proxyjump';
  const first = applied.find(({ keyword }) => keyword === 'proxyjump' || keyword === 'proxycommand');
  return first?.keyword === 'proxyjump' ? 'proxycommand' : 'proxyjump';
}

/** The package's reading: the first value counts, IdentityFile adds up, quotes are gone. */
function computed(directives: readonly Directive[], host: string): Readonly<Record<string, string | string[]>> {
  const lines = directives.map(({ keyword, words, rest, from }) => {
    if (words.length === 0) throw fault(from, `no argument after keyword "${keyword}"`);
    return `  ${keyword} ${keyword === 'proxycommand' ? rest : words.map(quoteIfNeeded).join(' ')}`;
  });
  const values = SSHConfig.parse(`Host *\n${lines.join('\n')}\n`).compute(host, { ignoreCase: true, matchExec: false });
  // It splits commands into words and forgets quotes in them.
  const command = firstOf(directives, 'proxycommand');
  return command === undefined ? values : { ...values, proxycommand: command.rest };
}

function quoteIfNeeded(word: string): string {
  return /[\s#"]/.test(word) ? quoteWord(word) : word;
}

function nameOf({ host, hostName }: Lookup, applied: readonly Directive[]): string {
  const said = firstOf(applied, 'hostname')?.words[0] ?? '%h';
  return (hostName ?? said.replace(/%([h%])/g, (_, token) => (token === 'h' ? host : '%'))).toLowerCase();
}

interface MatchState extends Surroundings {
  readonly lookup: Lookup;
  readonly host: string;
  readonly final: boolean;
  readonly applied: readonly Directive[];
}

/** The criteria of a `Match` line; all must hold. */
function matches(rest: string, place: string, state: MatchState): boolean {
  const words = matchWords(rest);
  if (words.length === 0) throw fault(place, 'Bad Match condition');
  let holds = true;
  for (let at = 0; at < words.length; at += 1) {
    const written = (words[at] ?? '').toLowerCase();
    const negated = written.startsWith('!');
    const criterion = negated ? written.slice(1) : written;
    let met: boolean;
    if (criterion === 'all') met = true;
    else if (criterion === 'final' || criterion === 'canonical') met = state.final;
    else {
      at += 1;
      const value = words[at];
      if (value === undefined) throw fault(place, `Missing Match criteria for ${criterion}`);
      // ssh too runs a command only where all before it hold.
      met = criterion === 'exec' ? holds && runs(value, state) : meets(criterion, value, place, state);
    }
    holds &&= met !== negated;
  }
  return holds;
}

function meets(criterion: string, value: string, place: string, { lookup, host, applied }: MatchState): boolean {
  switch (criterion) {
    case 'host':
      return matchesList(nameOf({ ...lookup, host }, applied), value);
    case 'originalhost':
      return matchesList(lookup.host, value);
    case 'user':
      return matchesHostLine(userOf(applied), value.split(','));
    case 'localuser':
      return matchesHostLine(localUser(), value.split(','));
    default:
      throw fault(place, `without an ssh program, Match ${criterion} is not understood`);
  }
}

function runs(command: string, { lookup, host, applied, env, home }: MatchState): boolean {
  const port = Number(firstOf(applied, 'port')?.words[0] ?? 22);
  const hostName = nameOf({ ...lookup, host }, applied);
  const values = { home, hostName, lookedUp: lookup.host, port, user: userOf(applied), hostKeyAlias: null, env };
  const expanded = expandCommand(command, values);
  if (expanded === null) return false;
  return spawnSync(env.SHELL ?? '/bin/sh', ['-c', expanded], { env: { ...env }, stdio: 'ignore' }).status === 0;
}

function userOf(applied: readonly Directive[]): string {
  return firstOf(applied, 'user')?.words[0] ?? localUser();
}

/** As `ssh -G` prints a value; empty where it is the default. */
function normal(keyword: string, given: string | string[], from: string): readonly string[] {
  const values = [given].flat();
  const value = values[0] ?? '';
  const lower = value.toLowerCase();
  switch (keyword) {
    case 'port':
      if (!/^\d+$/.test(value) || Number(value) < 1 || Number(value) > 65_535)
        throw fault(from, `Bad port '${value}'.`);
      return value === '22' ? [] : [value];
    case 'connecttimeout':
    case 'serveraliveinterval':
      return seconds(value, from);
    case 'serveralivecountmax':
      if (!/^\d+$/.test(value)) throw fault(from, `integer value ${value} invalid.`);
      return value === '3' ? [] : [value];
    case 'identitiesonly':
      return choice(lower, { yes: ['yes'], true: ['yes'], no: [], false: [] }, from);
    case 'passwordauthentication':
    case 'kbdinteractiveauthentication':
    case 'pubkeyauthentication':
      return choice(lower, { yes: [], true: [], no: ['no'], false: ['no'], unbound: [], 'host-bound': [] }, from);
    case 'stricthostkeychecking':
      return choice(lower, STRICT, from);
    case 'addressfamily':
      return choice(lower, { any: [], inet: ['inet'], inet6: ['inet6'] }, from);
    case 'ciphers':
    case 'macs':
    case 'kexalgorithms':
    case 'hostkeyalgorithms':
      return [resolveAlgorithms(keyword, value)];
    case 'proxyjump':
    case 'proxycommand':
      return lower === 'none' ? [] : [value];
    case 'userknownhostsfile':
    case 'globalknownhostsfile':
      return [values.join(' ')];
    default:
      return values;
  }
}

const STRICT = { yes: ['true'], true: ['true'], no: ['false'], false: ['false'], off: ['false'], ask: [] };

function choice(value: string, choices: Readonly<Record<string, readonly string[]>>, from: string): readonly string[] {
  const chosen = value === 'accept-new' ? ['accept-new'] : choices[value];
  if (chosen === undefined) throw fault(from, `unsupported option "${value}".`);
  return chosen;
}

/** TIME FORMATS of sshd_config(5). */
function seconds(value: string, from: string): readonly string[] {
  if (value === 'none') return [];
  if (!/^(\d+[smhdw]?)+$/i.test(value)) throw fault(from, `invalid time value.`);
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  const total = [...value.matchAll(/(\d+)([smhdw]?)/gi)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units[unit?.toLowerCase() ?? ''] ?? 1),
    0,
  );
  return total === 0 ? [] : [String(total)];
}

function fault(from: string, message: string): ConnectFault {
  return new ConnectFault(
    'ssh-config',
    `the ssh configuration is not understood: ${from}: ${message}`,
    'Correct that line, or name another file with --ssh-config (none: no file at all).',
  );
}
