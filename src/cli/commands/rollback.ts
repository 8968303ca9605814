import { inParallel } from '../../engine/parallel.ts';
import { exitCodeOf } from '../../engine/result.ts';
import { earlierState } from '../../engine/transaction/earlier-state.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { endRotationBack, rotationBack } from '../rotate/back.ts';
import { rotationJournals, writeJournal } from '../rotate/journal.ts';
import { settleRotation } from '../rotate/settle.ts';
import { runName } from '../run/records.ts';
import { type BoundSet, boundSets, isPerhapsKept, perhapsKept } from '../settle/bound-sets.ts';
import { keepEverywhere } from '../settle/keep-everywhere.ts';
import { openRecorded, type RecordedRun } from '../settle/open-recorded.ts';
import { planRollback } from '../settle/plan-rollback.ts';
import { codeOf, noteOutcome, reportSettled, standOf } from '../settle/report.ts';
import { idsOn, isOpen, runOn, type Settled, type SurveyedHost, takeBackNow } from '../settle/runs-on-hosts.ts';
import { agrees, asksFirst, finish, hasChanges } from './run-playbook.ts';

/**
 * Takes a run back. Where it is not confirmed, its hosts go back now. Where it is, that is a run of its own, planned,
 * guarded and proven as any other, with both ends of each tunnel together.
 */
export async function rollbackRun(name: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const code = await openRecorded(name, options, terminal, (recorded) => rollbackRecorded(recorded, terminal));
  // The keys of a rotation that was cut off are nowhere any more, or nobody knows: its journal is for the latter.
  const cut = rotationJournals(terminal).read(runName(name));
  return cut === null || code !== EXIT.done ? code : settleRotation(cut, options, terminal);
}

async function rollbackRecorded(recorded: RecordedRun, terminal: Terminal): Promise<number> {
  const { run, surveyed, options } = recorded;
  const known = surveyed.filter((host) => idsOn(host, run).length > 0 || host.fault !== null);
  const ids = [...new Set(known.flatMap((host) => idsOn(host, run)))].sort(lastFirst);
  if (known.some((host) => idsOn(host, run).some((id) => isOpenOn(host, id)))) {
    const hosts = new Map<string, Settled>();
    // Of several plays the last is undone first.
    for (const id of ids) for (const set of boundSets(id, recorded)) await settleSet(id, set, recorded, hosts);
    const code = codeOf(hosts);
    const kept = [...hosts].flatMap(([name, { state }]) => (state === 'confirmed' ? [name] : []));
    const report = (summary: string, exitCode: number, outcome: 'rolled back' | null = null) =>
      reportSettled({ command: 'rollback', run, summary, hosts, outcome }, exitCode, options, terminal);
    if (code !== EXIT.done) return report(`the run ${run} could not be taken back everywhere`, code);
    if (kept.length === 0) return report(`the run ${run} is taken back`, code, 'rolled back');
    const again = `ipsec-play rollback ${run} once more takes it back there, on all ends together`;
    return report(`the run ${run} is confirmed on ${kept.join(', ')}: ${again}`, EXIT.failed);
  }
  const confirmed = known.filter((host) => idsOn(host, run).some((id) => runOn(host, id)?.state === 'confirmed'));
  if (confirmed.length === 0) {
    const hosts = new Map<string, Settled>(known.map((host) => [host.host.host, standOf(host, run)]));
    const code = codeOf(hosts) || EXIT.failed;
    const summary = `there is nothing of the run ${run} to take back: only the last runs of a host are kept, and what was not confirmed is back already`;
    return reportSettled({ command: 'rollback', run, summary, hosts, outcome: null }, code, options, terminal);
  }
  return takeBackConfirmed(recorded, terminal);
}

/**
 * Takes a set back that is confirmed nowhere. Where it is, all of it was proven, and only some hosts were not told yet:
 * they are confirmed, so that what follows finds all ends alike.
 */
async function settleSet(
  id: string,
  set: BoundSet,
  { options }: RecordedRun,
  hosts: Map<string, Settled>,
): Promise<void> {
  for (const { host, fault } of set.silent) hosts.set(host.host, { state: 'unknown', error: fault });
  for (const { host } of set.confirmed) hosts.set(host.host, { state: 'confirmed', error: null });
  if (isPerhapsKept(id, set)) {
    for (const { host } of set.open) hosts.set(host.host, { state: 'verified', error: perhapsKept(set) });
    return;
  }
  const isKept = (host: SurveyedHost) =>
    set.confirmed.length > 0 && ['verified', 'awaiting'].includes(runOn(host, id)?.state ?? '');
  const runs = set.open.filter(isKept).map((host) => ({ host: host.host.host, own: host.settle(id) }));
  const kept = await keepEverywhere(runs, options.forks, (name, found) => hosts.set(name, found));
  await inParallel(set.open, options.forks, async (host) => {
    const name = host.host.host;
    if (!isKept(host)) hosts.set(name, await takeBackNow(host, id));
    else if (kept !== 'kept') hosts.set(name, { state: 'verified', error: NOT_KEPT });
  });
}

const NOT_KEPT = {
  code: 'not-confirmed',
  message: 'confirmed on another end, and not here yet: confirm it first, then roll it back',
};

const lastFirst = (one: string, other: string) => other.localeCompare(one, 'en', { numeric: true });

async function takeBackConfirmed(recorded: RecordedRun, terminal: Terminal): Promise<number> {
  const { run, opened, options } = recorded;
  const settings = {
    plays: planRollback(recorded),
    modules: new Map([[earlierState.name, earlierState]]),
    rollbackOf: run,
  };
  const playbook = `rollback ${run}`;
  const rotation = rotationBack(run, opened.id, opened.terminal);
  const through = async (agreed?: ReadonlyMap<string, string>) => {
    if (rotation !== null) writeJournal(rotation, opened.terminal);
    const outcome = await opened.pass('apply', { ...settings, ...(agreed === undefined ? {} : { agreed }) });
    const code = finish('apply', playbook, options, outcome, opened.terminal);
    if (code === EXIT.done) {
      noteOutcome(run, 'rolled back', terminal);
      const forward = recorded.record?.rollbackOf ?? null;
      if (forward !== null) noteOutcome(forward, 'confirmed', terminal);
    }
    if (rotation === null) return code;
    const isWritten = await endRotationBack(rotation, code === EXIT.done, options, terminal);
    return isWritten ? code : EXIT.failed;
  };
  if (!asksFirst(options, opened.terminal)) return through();
  const foreseen = await opened.pass('check', settings);
  const code = exitCodeOf('check', foreseen);
  if (code !== EXIT.pending || !hasChanges(foreseen)) return code;
  if (await opened.waitFor(() => agrees(opened.terminal, foreseen))) return through(foreseen.digests);
  terminal.stderr('Nothing was changed.\n');
  return opened.stop.requested ? EXIT.interrupted : EXIT.done;
}

function isOpenOn(host: RecordedRun['surveyed'][number], id: string): boolean {
  const found = runOn(host, id);
  return found !== undefined && isOpen(found);
}
