import { addFinalPass, applyConfig, type Decide, type Directive, firstOf } from './applied.ts';
import { HEEDED, RAW } from './keywords.ts';
import { matchesHostLine } from './patterns.ts';
import { hopsOf } from './proxy-jump.ts';
import type { ConfigSource } from './source.ts';

/** Who is looked up in the configuration, and what goes before it. */
export interface Lookup {
  readonly host: string;
  /** Goes before HostName. */
  readonly hostName: string | null;
  /** As of `-o`; they go before the configuration. */
  readonly given: readonly Directive[];
  readonly configFile: string | undefined;
}

export interface Foreseen {
  readonly applied: readonly Directive[];
  /** Two lookups with the same key have the same answer, but for the name itself. */
  readonly key: string;
}

/**
 * Which lines will hold for a host, without asking ssh, so that hosts for which the same lines hold are asked for once.
 * `null` where only ssh can tell: `Match` with conditions, host names that are made canonical.
 */
export function foresee(source: ConfigSource, lookup: Lookup): Foreseen | null {
  const { lines } = source;
  const matches = lines.filter(({ keyword }) => keyword === 'match');
  if (matches.some(({ rest }) => !HOSTLESS_MATCH.test(rest))) return null;
  const said = [...lookup.given, ...lines];
  if (said.some(({ keyword, rest }) => keyword === 'canonicalizehostname' && !/^"?(no|false)"?$/i.test(rest)))
    return null;

  const applied: Directive[] = [];
  applyAll(source, decideBy(lookup.host, false), applied);
  if (matches.some(({ rest }) => /\bfinal\b/i.test(rest))) {
    const first = firstOf(applied, 'hostname')?.words[0] ?? '%h';
    const final = (lookup.hostName ?? first.replaceAll('%h', lookup.host)).toLowerCase();
    const added: Directive[] = [];
    applyAll(source, decideBy(final, true), added);
    addFinalPass(applied, added);
  }
  const alone = isAlone(lookup, [...lookup.given, ...applied]);
  const own = alone ? [lookup.host, lookup.hostName] : [lookup.hostName !== null];
  const given = lookup.given.map(({ keyword, rest }) => [keyword, rest]);
  return { applied, key: JSON.stringify([lookup.configFile, own, given, applied.map(({ from }) => from)]) };
}

/** Whether nothing that holds for the host is of any importance. */
export function saysNothing(directives: readonly Directive[]): boolean {
  return directives.every(({ keyword }) => !HEEDED.has(keyword));
}

/** Its answer may depend on its name: by tokens, by a jump host that it may be itself, or because ssh refuses the name. */
function isAlone({ host, hostName }: Lookup, directives: readonly Directive[]): boolean {
  if (!/^[\w.:-]+$/.test(host)) return true;
  const heeded = directives.filter(({ keyword }) => HEEDED.has(keyword));
  if (heeded.some(({ keyword, rest }) => /[%$]/.test(rest) && !RAW.has(keyword))) return true;
  const jump = firstOf(heeded, 'proxyjump');
  const names = [host, hostName, firstOf(heeded, 'hostname')?.words[0]].map((name) => name?.toLowerCase());
  return jump !== undefined && hopsOf(jump.words[0] ?? '').some((hop) => names.includes(hop.host.toLowerCase()));
}

function applyAll(source: ConfigSource, decide: Decide, applied: Directive[]): void {
  for (const tree of source.trees) applyConfig(tree, decide, applied);
}

function decideBy(host: string, final: boolean): Decide {
  return ({ keyword, words, rest }) =>
    keyword === 'host' ? matchesHostLine(host, words) : final || !/\b(final|canonical)\b/i.test(rest);
}

/** The same for every host. */
const HOSTLESS_MATCH = /^(all|final|final all)$/i;
