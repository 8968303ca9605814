import type { FileDiff } from '../../engine/module.ts';
import type { TaskResult } from '../../engine/result.ts';
import { type EarlierStateArgs, earlierState } from '../../engine/transaction/earlier-state.ts';
import type { RunOfHost } from '../../engine/transaction/survey.ts';
import { type Content, toBytes } from '../../model/content.ts';
import { ALWAYS_DUE, type CompiledHost, type CompiledPlay, known, type Task } from '../../model/task.ts';
import type { PlayOnHost } from '../run/records.ts';
import type { RecordedRun } from './open-recorded.ts';
import type { SurveyedHost } from './runs-on-hosts.ts';

/**
 * The plays that take a confirmed run back: one for each of its own, the last first. Hosts that its changed tunnels bind
 * together go back together; where nobody has recorded them, all hosts do.
 */
export function planRollback(recorded: RecordedRun): readonly CompiledPlay[] {
  const { run, record, surveyed } = recorded;
  const ids = new Set(surveyed.flatMap(({ survey }) => (survey?.runs ?? []).map(({ id }) => id)));
  const own = [...ids].filter(
    (id) => id === run || (id.startsWith(`${run}-`) && /^\d+$/.test(id.slice(run.length + 1))),
  );
  const last = (one: string, other: string) => other.localeCompare(one, 'en', { numeric: true });
  return own.sort(last).map((id) => {
    const play = record?.plays.find((each) => each.id === id);
    const concerned = surveyed.filter((host) => isConcerned(host, id, play?.hosts, recorded));
    const bound = boundTogether(concerned, play?.hosts ?? null, id);
    return {
      name: `Back to the state before the run ${id}`,
      serial: [],
      hosts: concerned.map((host) => compiled(host, id, bound.get(host.host.host) ?? null, recorded)),
    };
  });
}

/** It has the run, or it should have: then its task says that there is nothing left to go back to. */
function isConcerned(
  { host: { host }, survey, fault }: SurveyedHost,
  id: string,
  hosts: Readonly<Record<string, PlayOnHost>> | undefined,
  { record }: RecordedRun,
): boolean {
  if (survey?.runs.some((each) => each.id === id)) return true;
  if (hosts !== undefined && hosts[host] === undefined) return false;
  return fault !== null || record?.hosts[host]?.status === 'changed';
}

function compiled(surveyed: SurveyedHost, id: string, tunnel: string | null, recorded: RecordedRun): CompiledHost {
  const { host, survey } = surveyed;
  const found = survey?.runs.find((each) => each.id === id);
  const own = recorded.record?.plays.find((each) => each.id === id)?.play;
  const results = (recorded.record?.hosts[host.host]?.tasks ?? []).filter(
    ({ status, play }) => status === 'changed' && (own === undefined || play === own),
  );
  const args: EarlierStateArgs = {
    run: id,
    paths: found?.paths ?? [],
    later: found === undefined ? new Map() : laterRuns(found, survey?.runs ?? []),
    diff: backwards(results, id),
    disruptive: disruption(results, recorded.record !== null),
    root: recorded.opened.rendering(host.host).root,
  };
  const task: Task = {
    id: `back-${id}`,
    name: `The state before the run ${id}`,
    module: earlierState.name,
    args: known({ ...args }),
    tunnel,
    ...ALWAYS_DUE,
    span: null,
  };
  return { ...host, tasks: [task] };
}

/** For each path the last run that has touched it after this one, and still stands. */
function laterRuns(run: RunOfHost, runs: readonly RunOfHost[]): ReadonlyMap<string, string> {
  const later = runs.slice(runs.indexOf(run) + 1).filter(({ state, by }) => state === 'confirmed' && by === null);
  return new Map(later.flatMap(({ id, paths }) => paths.map((path): [string, string] => [path, id])));
}

/** What the run has changed, as its record shows it, the other way round. */
function backwards(results: readonly TaskResult[], id: string): readonly FileDiff[] {
  const shown = (text: string | null): Content | null => (text === null ? null : [toBytes(text)]);
  const diffs = results
    .flatMap(({ diff }) => diff)
    .map(({ path, before, after }): FileDiff => ({ path, before: shown(after), after: shown(before) }));
  return diffs.length > 0 ? diffs.reverse() : [{ path: `run ${id}`, before: ['made'], after: ['taken back'] }];
}

function disruption(results: readonly TaskResult[], isRecorded: boolean): string | null {
  const said = results.flatMap(({ disruptive }) => disruptive ?? []);
  if (!isRecorded) return 'what the run had brought up goes down, and what was up before comes up';
  const causes = new Set(said.flatMap((text) => text.replace(DISRUPTED, '').split('; ')));
  return said.length === 0 ? null : `${BACK}${[...causes].join('; ')}`;
}

const BACK = 'takes back what did this: ';
const DISRUPTED = new RegExp(`^${BACK}`);

/** The same name for all hosts that changed tunnels lead to from each other: the engine takes it for one tunnel. */
function boundTogether(
  hosts: readonly SurveyedHost[],
  recorded: Readonly<Record<string, PlayOnHost>> | null,
  id: string,
): ReadonlyMap<string, string> {
  const names = hosts.map(({ host }) => host.host);
  if (recorded === null) return new Map(names.map((name) => [name, `run ${id}`]));
  const bound = new Map<string, string>();
  for (const first of names) {
    if (bound.has(first)) continue;
    const set = new Set([first]);
    const tunnels = new Set<string>();
    for (const name of set) {
      for (const tunnel of recorded[name]?.tunnels ?? []) {
        tunnels.add(tunnel);
        for (const other of names) if (recorded[other]?.tunnels.includes(tunnel)) set.add(other);
      }
    }
    if (tunnels.size > 0) for (const name of set) bound.set(name, [...tunnels].sort().join(', '));
  }
  return bound;
}
