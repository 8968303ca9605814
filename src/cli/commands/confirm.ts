import { inParallel } from '../../engine/parallel.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { keepEverywhere, orSilence } from '../settle/keep-everywhere.ts';
import { openRecorded, type RecordedRun } from '../settle/open-recorded.ts';
import { codeOf, reportSettled, standOf } from '../settle/report.ts';
import { isOpen, runOn, type SurveyedHost, takeBackNow } from '../settle/runs-on-hosts.ts';

/**
 * Keeps what a run has changed, on all of its hosts or on none: first each is asked whether it still stands, then all are
 * told that the others do, and only then are they confirmed.
 */
export function confirmRun(name: string, options: RunOptions, terminal: Terminal): Promise<number> {
  return openRecorded(name, options, terminal, (recorded) => confirmRecorded(recorded, terminal));
}

async function confirmRecorded(recorded: RecordedRun, terminal: Terminal): Promise<number> {
  const { run, surveyed, options } = recorded;
  const hosts = concerned(recorded);
  const stands = new Map(hosts.map((host) => [host.host.host, standOf(host, run)]));
  const report = (summary: string, code: number, outcome: Parameters<typeof reportSettled>[0]['outcome'] = null) =>
    reportSettled({ command: 'confirm', run, summary, hosts: stands, outcome }, code, options, terminal);

  const silent = surveyed.filter(({ fault }) => fault !== null).map(({ host }) => host.host);
  if (silent.length > 0) {
    return report(`not confirmed: ${silent.join(', ')} cannot be asked${timeLeft(hosts, run)}`, EXIT.unreachable);
  }
  const states = new Set([...stands.values()].map(({ state }) => state));
  if (hosts.length === 0) return report(`no host knows the run ${run}: there is nothing to confirm`, EXIT.failed);
  if (states.size === 1 && states.has('confirmed'))
    return report(`the run ${run} is confirmed already`, EXIT.done, 'confirmed');
  const lost = hosts.filter(
    (host) => !['awaiting', 'verified', 'confirmed'].includes(stands.get(host.host.host)?.state ?? ''),
  );
  const standing = hosts.filter((host) => stands.get(host.host.host)?.state !== 'confirmed');
  const runs = standing.map((host) => ({ host: host.host.host, own: host.settle(run) }));
  const kept =
    lost.length > 0 ? 'went back' : await keepEverywhere(runs, options.forks, (name, found) => stands.set(name, found));
  if (kept === 'not told') {
    const silenced = hosts.filter(({ host }) => stands.get(host.host)?.error !== null).map(({ host }) => host.host);
    const why = `not confirmed: ${silenced.join(', ')} cannot be told; confirm it again, else the old state comes back`;
    return report(why, EXIT.unreachable);
  }
  if (kept === 'kept') {
    const names = hosts.map(({ host }) => host.host).join(', ');
    const code = codeOf(stands);
    if (code === EXIT.done) return report(`the run ${run} is confirmed on ${names}`, code, 'confirmed');
    return report(`the run ${run} stands on all of its hosts, but not all were told: confirm it again`, code);
  }
  await inParallel(hosts, options.forks, async (host) => {
    const name = host.host.host;
    const heard = await orSilence(async () => {
      const found = (await host.again()).runs.find(({ id }) => id === run);
      return found === undefined || !isOpen(found) ? { state: found?.state ?? 'none', error: null } : null;
    });
    stands.set(name, heard ?? (await takeBackNow(host, run)));
  });
  const isBack = [...stands.values()].every(({ state }) => ['restored', 'unchanged', 'none'].includes(state));
  const end = isBack ? 'the old state is back everywhere' : 'look at the hosts above';
  return report(
    `too late: the run ${run} does not stand on all of its hosts any more; ${end}`,
    EXIT.failed,
    isBack ? 'went back' : 'failed',
  );
}

/** The hosts that the run has changed, as its record says; without one those that know it. */
function concerned({ run, record, surveyed }: RecordedRun): readonly SurveyedHost[] {
  return surveyed.filter((host) => {
    if (runOn(host, run) !== undefined) return true;
    return record !== null && record.ended !== null && record.hosts[host.host.host]?.status === 'changed';
  });
}

function timeLeft(hosts: readonly SurveyedHost[], run: string): string {
  const left = hosts.flatMap((host) => runOn(host, run)?.remaining ?? []);
  return left.length === 0 ? '' : `; ${Math.min(...left)} s are left, then the old state comes back`;
}
