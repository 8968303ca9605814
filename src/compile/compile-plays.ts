import { sortNaturally } from '../model/natural-order.ts';
import type { CompiledHost, CompiledPlay } from '../model/task.ts';
import type { Play } from '../playbook/play.ts';
import type { CompileInput } from './compile.ts';
import { compileHost } from './compile-host.ts';
import type { MakeTasks } from './compile-task.ts';
import { batchSizes, type ChosenHosts } from './hosts.ts';
import type { PreparedPlay } from './prepare.ts';
import { parts, type TunnelEnds } from './redundancy.ts';
import { redundancyGroup } from './redundancy-group.ts';
import type { Report } from './report.ts';
import { tunnelsOnly } from './tunnels-only.ts';
import { otherEnds, tunnelsOf, type Widened } from './widen.ts';

export interface PlaysContext {
  readonly input: CompileInput;
  readonly makeTunnels: (only?: ReadonlySet<string>) => MakeTasks;
  readonly report: Report;
}

/**
 * The tasks of each host of each play; of those at the other end of a tunnel of `--limit`, the tasks of that tunnel only.
 * A play becomes several where redundant hosts would otherwise be changed together.
 */
export function compilePlays(
  prepared: readonly PreparedPlay[],
  hosts: ChosenHosts,
  context: PlaysContext,
): { readonly plays: readonly CompiledPlay[]; readonly widened: readonly Widened[] } {
  const { input } = context;
  const compileShare = shareCompiler(prepared, hosts, context);
  const limited = hosts.limited.map((names, play) => names.map((host) => compileShare({ play, host })));
  const ends = otherEnds(limited.flat(), input.tunnels, hosts.isLimited);
  const plays = prepared.flatMap(({ play }, index) => {
    const own = new Map((limited[index] ?? []).map((compiled) => [compiled.host, compiled]));
    for (const { host, tunnels } of ends) {
      if (hosts.all[index]?.includes(host) !== true) continue;
      const compiled = compileShare({ play: index, host, only: tunnels, rest: false });
      if (compiled.tasks.length > 0) own.set(host, compiled);
    }
    const inOrder = (hosts.all[index] ?? []).flatMap((host) => own.get(host) ?? []);
    return inParts(inOrder, (host, only, part) => {
      const share = { play: index, host, only, rest: part.isFirst && hosts.isLimited(host) };
      return compileShare({ ...share, ...(part.number === 1 ? {} : { idSuffix: `/part${part.number}` }) });
    }).map((part, at) => compiledPlay(play, part, at));
  });
  const taken = new Set(plays.flatMap((play) => play.hosts.map(({ host }) => host)));
  return { plays, widened: ends.filter(({ host }) => taken.has(host)) };
}

/** What is compiled of a host in a play. */
interface Share {
  readonly play: number;
  readonly host: string;
  /** No other tunnels. */
  readonly only?: ReadonlySet<string>;
  /** False: nothing but the tunnels. */
  readonly rest?: boolean;
  readonly idSuffix?: string;
}

function shareCompiler(
  prepared: readonly PreparedPlay[],
  hosts: ChosenHosts,
  { input, makeTunnels, report }: PlaysContext,
): (share: Share) => CompiledHost {
  const groups = new Map<string, string | undefined>();
  /** What the tasks of a host register, by play. */
  const registered = new Map<string, Set<string>[]>();
  return ({ play, host, only, rest = true, idSuffix }) => {
    const whole = prepared[play];
    if (whole === undefined) throw new Error(`there is no play ${play}`);
    const vars = input.varsOf(host);
    if (!groups.has(host)) {
      const around = { facts: input.factNames, fixed: input.options.extraVars };
      groups.set(host, redundancyGroup(host, vars, around, report));
    }
    const byPlay = registered.get(host) ?? [];
    registered.set(host, byPlay);
    const later = new Set(byPlay.slice(0, play).flatMap((names) => [...(names ?? [])]));
    const compiled = compileHost(rest ? whole : tunnelsOnly(whole, vars), {
      host,
      later,
      facts: input.factNames,
      makeTunnels: makeTunnels(only),
      report,
      input,
      playHosts: hosts.named[play] ?? [],
      group: groups.get(host),
      ...(idSuffix === undefined ? {} : { idSuffix }),
    });
    byPlay[play] = new Set([...(byPlay[play] ?? []), ...later]);
    return compiled;
  };
}

/**
 * The hosts of a play, in several parts where redundant ones would be changed together. All that a host has to do beside
 * its tunnels is in the first part that it is in.
 */
function inParts(
  hosts: readonly CompiledHost[],
  compile: (host: string, only: ReadonlySet<string>, part: { number: number; isFirst: boolean }) => CompiledHost,
): readonly (readonly CompiledHost[])[] {
  const groupOf = new Map(hosts.map(({ host, redundancyGroup: group }) => [host, group]));
  const named = [...groupOf.values()].filter((group) => group !== undefined);
  if (new Set(named).size === named.length) return [hosts];
  const ends = new Map(hosts.map((host) => [host.host, tunnelsOf(host)]));
  const made = parts(tunnelEnds(ends), (host) => groupOf.get(host));
  if (made.length === 1) return [hosts];
  const own = (host: string, part: ReadonlySet<string>) =>
    new Set((ends.get(host) ?? []).filter((name) => part.has(name)));
  const firstOf = (host: string) =>
    Math.max(
      0,
      made.findIndex((part) => own(host, part).size > 0),
    );
  return made.map((part, at) =>
    hosts.flatMap(({ host }) => {
      const isFirst = firstOf(host) === at;
      const only = own(host, part);
      return isFirst || only.size > 0 ? [compile(host, only, { number: at + 1, isFirst })] : [];
    }),
  );
}

function tunnelEnds(tunnelsOfHosts: ReadonlyMap<string, readonly string[]>): readonly TunnelEnds[] {
  const ends = new Map<string, string[]>();
  for (const [host, names] of tunnelsOfHosts) {
    for (const name of names) ends.set(name, [...(ends.get(name) ?? []), host]);
  }
  const tunnels = [...ends].map(([name, hosts]) => ({ name, hosts }));
  return sortNaturally(tunnels, ({ name }) => name);
}

function compiledPlay(play: Play, hosts: readonly CompiledHost[], part: number): CompiledPlay {
  return {
    name: part === 0 ? play.name : `${play.name}, part ${part + 1}`,
    hosts,
    serial: batchSizes(play.serial, hosts.length),
    ...(play.anyErrorsFatal ? { anyErrorsFatal: true } : {}),
    ...(play.maxFailPercentage === undefined ? {} : { maxFailPercentage: play.maxFailPercentage }),
  };
}
