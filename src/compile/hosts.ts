import { type Diagnostic, error, hasErrors } from '../lang/diagnostic.ts';
import type { Batch, HostOrder, Play } from '../playbook/play.ts';
import type { Report } from './report.ts';

/** The hosts that a pattern chooses, in the order of the inventory. */
export type SelectHosts = (pattern: string) => {
  readonly hosts: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
};

/** The hosts of each play, in the order of its run. */
export interface ChosenHosts {
  readonly all: readonly (readonly string[])[];
  /** Those of them that --limit names, in all shards. */
  readonly named: readonly (readonly string[])[];
  /** Those of these that are in the shard; without one, all of them. */
  readonly limited: readonly (readonly string[])[];
  /** Whether --limit names the host; without it, it names all. */
  isLimited(host: string): boolean;
}

/** The hosts of each play, in the order of its run, narrowed to `limit`. */
export function hostsOfPlays(
  plays: readonly Play[],
  limit: string | undefined,
  select: SelectHosts,
  report: Report,
  isInShard?: (host: string) => boolean,
): readonly (readonly string[])[] {
  return chooseHosts(plays, limit, select, report, isInShard).limited;
}

/**
 * A pattern that chooses nobody is a mistake; a play that the limit leaves without hosts is none, as long as another one
 * has some. A shard without hosts is none either.
 */
export function chooseHosts(
  plays: readonly Play[],
  limit: string | undefined,
  select: SelectHosts,
  report: Report,
  isInShard?: (host: string) => boolean,
): ChosenHosts {
  const allowed = limit === undefined ? null : limited(limit, select, report);
  const chosen = plays.map((play) => ordered(inPlay(play, select, report), play.order));
  const narrowed = allowed === null ? chosen : chosen.map((hosts) => hosts.filter((host) => allowed.has(host)));
  if (
    allowed !== null &&
    allowed.size > 0 &&
    chosen.some((hosts) => hosts.length > 0) &&
    narrowed.every((hosts) => hosts.length === 0)
  ) {
    const fix = `the plays run on: ${[...new Set(plays.map(({ hosts }) => hosts.pattern))].join('; ')}`;
    report.add(error('limit-outside-plays', `no play runs on the hosts that --limit "${limit}" leaves`, { fix }));
  }
  return {
    all: chosen,
    named: narrowed,
    limited: isInShard === undefined ? narrowed : narrowed.map((hosts) => hosts.filter(isInShard)),
    isLimited: (host) => allowed?.has(host) ?? true,
  };
}

/** Sizes of the batches of a play; empty: all hosts at once. A share is rounded down, to one host at least. */
export function batchSizes(serial: readonly Batch[], hosts: number): readonly number[] {
  return serial.map((batch) =>
    'hosts' in batch ? batch.hosts : Math.max(1, Math.floor((hosts * batch.percent) / 100)),
  );
}

function limited(limit: string, select: SelectHosts, report: Report): ReadonlySet<string> {
  const { hosts, diagnostics } = select(limit);
  for (const diagnostic of diagnostics) report.add(diagnostic);
  if (hosts.length === 0 && !hasErrors(diagnostics)) {
    report.add(
      error('limit-matches-nothing', `--limit "${limit}" matches no host`, { fix: 'see `ipsec-play inventory list`' }),
    );
  }
  return new Set(hosts);
}

function inPlay({ hosts: { pattern, span } }: Play, select: SelectHosts, report: Report): readonly string[] {
  // reported when the playbook was read
  if (pattern.trim() === '' || pattern.includes('{{')) return [];
  const { hosts, diagnostics } = select(pattern);
  for (const diagnostic of diagnostics)
    report.add(diagnostic.span === undefined ? { ...diagnostic, span } : diagnostic);
  if (hosts.length === 0 && !hasErrors(diagnostics)) {
    report.add(
      error('hosts-match-nothing', `"${pattern}" matches no host`, { span, fix: 'see `ipsec-play inventory list`' }),
    );
  }
  return hosts;
}

function ordered(hosts: readonly string[], order: HostOrder): readonly string[] {
  if (order === 'inventory') return hosts;
  if (order === 'reverse_inventory') return [...hosts].reverse();
  const sorted = [...hosts].sort();
  return order === 'sorted' ? sorted : sorted.reverse();
}
