import { inParallel } from '../../engine/parallel.ts';
import { EXIT, UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Overlay } from '../project/load.ts';
import { openRun } from '../run/open.ts';
import { extraVarsOf } from '../run/recorder.ts';
import { type RunRecord, runName, runRecords } from '../run/records.ts';
import { type BoundSet, boundSets, isPerhapsKept, perhapsKept } from './bound-sets.ts';
import { keepEverywhere, orSilence } from './keep-everywhere.ts';
import { asRecorded, openRecorded, type RecordedRun } from './open-recorded.ts';
import { codeOf, reportSettled } from './report.ts';
import { runOn, type Settled, type SurveyedHost, takeBackNow } from './runs-on-hosts.ts';

/**
 * Brings a run whose controller has died to its end: where all hosts that its changed tunnels bind together have made and
 * proven their changes they are confirmed, anywhere else the old state comes back. `overlay`: what the run was made by, where
 * that does not stand in the files.
 */
export async function finishRun(
  name: string,
  given: RunOptions,
  terminal: Terminal,
  overlay?: Overlay,
): Promise<number> {
  const record = runRecords(terminal).read(runName(name));
  if (record === null) {
    const fix = `ipsec-play rollback ${name}, which asks the hosts; ipsec-play history lists the runs of this directory`;
    throw new UsageFault(`there is no record of the run ${name} here, which tells what it was to do`, fix);
  }
  if (extraVarsOf(given, record.run) !== record.extraVars) {
    throw new UsageFault('the run had other extra variables', 'the same -e as then, in the same order');
  }
  return openRecorded(name, given, terminal, async (recorded) => {
    // Whoever goes on from here must not be overtaken by the hosts' own way back.
    await inParallel(unsettled(recorded), given.forks, async (host) => {
      // One that does not hear it goes back, or cannot be told of anything else either.
      await orSilence(async () => {
        for (const id of idsOf(host, recorded)) await host.settle(id).hold();
        return null;
      });
    });
    const inOrder = await hostsInOrder(record, given, terminal, overlay);
    return settleAll(recorded, record, inOrder, terminal);
  });
}

async function settleAll(
  recorded: RecordedRun,
  record: RunRecord,
  inOrder: ReadonlySet<string>,
  terminal: Terminal,
): Promise<number> {
  const { run, options } = recorded;
  const hosts = new Map<string, Settled>();
  const reasons: string[] = [];
  for (const { id } of record.plays) {
    for (const set of boundSets(id, recorded)) {
      for (const { host, fault } of set.silent) hosts.set(host.host, { state: 'unknown', error: fault });
      for (const { host } of set.confirmed) hosts.set(host.host, { state: 'confirmed', error: null });
      const trouble = await settleSet(id, set, recorded, inOrder, hosts);
      if (trouble === null) continue;
      await takeSetBack(id, set, recorded, hosts);
      const isBack = [...set.open, ...set.back].some(({ host }) => hosts.get(host.host)?.state === 'restored');
      if (isBack) reasons.push(trouble);
    }
  }
  const states = new Set([...hosts.values()].map(({ state }) => state));
  const code = codeOf(hosts) || (reasons.length > 0 ? EXIT.failed : EXIT.done);
  const kept = states.has('confirmed') ? 'its proven changes are confirmed' : null;
  const back = reasons.length > 0 ? `the old state is back, because ${[...new Set(reasons)].join('; ')}` : null;
  const said = [kept, back].filter((each) => each !== null).join('; elsewhere ');
  const summary = `the run ${run}: ${said === '' ? 'nothing was left to do' : said}`;
  const outcome =
    codeOf(hosts) !== EXIT.done
      ? null
      : kept !== null && back === null
        ? 'confirmed'
        : back === null
          ? 'in sync'
          : 'went back';
  return reportSettled({ command: 'resume', run, summary, hosts, outcome }, code, options, terminal);
}

/** The hosts of the run by the plays' runs on them; those that know nothing of it were not changed. */
function unsettled({ surveyed, run, record }: RecordedRun): readonly SurveyedHost[] {
  return surveyed.filter((host) => host.fault !== null || idsOf(host, { run, record }).length > 0);
}

function idsOf({ survey }: SurveyedHost, { run, record }: Pick<RecordedRun, 'run' | 'record'>): readonly string[] {
  const own = new Set([run, ...(record?.plays.map(({ id }) => id) ?? [])]);
  return (survey?.runs ?? []).map(({ id }) => id).filter((id) => own.has(id));
}

/** Brings a set to its end; else what is in the way, where all of it has to go back. */
async function settleSet(
  id: string,
  set: BoundSet,
  recorded: RecordedRun,
  inOrder: ReadonlySet<string>,
  hosts: Map<string, Settled>,
): Promise<string | null> {
  if (set.confirmed.length > 0 && set.back.length === 0) {
    // One of them is for good: that was decided when all had proven their changes, so the others are kept as well.
    return set.open.length === 0 ? null : confirmOpen(id, set, recorded, hosts);
  }
  if (isPerhapsKept(id, set)) {
    for (const { host } of set.open) hosts.set(host.host, { state: 'verified', error: perhapsKept(set) });
    return null;
  }
  return obstacle(id, set, inOrder) ?? confirmOpen(id, set, recorded, hosts);
}

/** What keeps the changes of a set from being confirmed. */
function obstacle(
  id: string,
  { open, back, silent, unchanged }: BoundSet,
  inOrder: ReadonlySet<string>,
): string | null {
  const [lost] = silent;
  if (lost !== undefined) return `${lost.host.host} cannot be reached`;
  const old = unchanged.find(({ host }) => !inOrder.has(host.host));
  if (old !== undefined) return `${old.host.host} was not changed`;
  for (const host of [...open, ...back]) {
    const name = host.host.host;
    const state = runOn(host, id)?.state ?? 'none';
    if (!['verified', 'awaiting', 'running'].includes(state)) return `${name} ${STRAY[state] ?? `is ${state}`}`;
    if (!inOrder.has(name)) return `${name} had not come to its end`;
  }
  return null;
}

const STRAY: Readonly<Record<string, string>> = {
  prepared: 'was not changed yet',
  restored: 'had gone back by itself',
  'restore-failed': 'could not be put back entirely',
};

/** Confirms what of a set is not yet; else what is in the way, where all of it has to go back. */
async function confirmOpen(
  id: string,
  { open }: BoundSet,
  { options }: RecordedRun,
  hosts: Map<string, Settled>,
): Promise<string | null> {
  const runs = open.map((host) => ({ host: host.host.host, own: host.settle(id) }));
  const kept = await keepEverywhere(runs, options.forks, (name, found) => hosts.set(name, found));
  if (kept === 'went back') return 'one of them went back at the last moment';
  for (const { host } of runs) {
    if (kept === 'not told' && hosts.get(host)?.error == null) hosts.set(host, { state: 'verified', error: NOT_TOLD });
  }
  return null;
}

const NOT_TOLD = {
  code: 'not-confirmed',
  message:
    'another end fell silent before both were told that all is proven: resume it again, else the old state comes back',
};

async function takeSetBack(
  id: string,
  { open, back, confirmed }: BoundSet,
  { run, options }: RecordedRun,
  hosts: Map<string, Settled>,
): Promise<void> {
  await inParallel([...open, ...back], options.forks, async (host) => {
    hosts.set(host.host.host, await takeBackNow(host, id));
  });
  const message = `it is confirmed here, and another end went back: ipsec-play rollback ${run}`;
  for (const { host } of confirmed) {
    hosts.set(host.host, { state: 'confirmed', error: { code: 'went-back', message } });
  }
}

/** The hosts on which a check of the same playbook finds nothing left to do. */
async function hostsInOrder(
  record: RunRecord,
  given: RunOptions,
  terminal: Terminal,
  overlay: Overlay | undefined,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  if (record.rollbackOf !== null) return found;
  const options: RunOptions = {
    ...asRecorded(given, record),
    tags: record.tags,
    skipTags: record.skipTags,
    ...(record.limit === null ? {} : { limit: record.limit }),
    ...(record.shard == null ? {} : { shard: record.shard }),
  };
  const more = overlay === undefined ? {} : { overlay };
  await openRun({ command: null, playbook: record.playbook, options, terminal, ...more }, async ({ pass }) => {
    const { hosts } = await pass('check', { silent: true });
    for (const [name, { status }] of hosts) if (status === 'ok') found.add(name);
    return EXIT.done;
  });
  return found;
}
