import { inParallel } from '../../engine/parallel.ts';
import type { RunOfHost } from '../../engine/transaction/survey.ts';
import { visibleLine } from '../../report/visible.ts';
import type { RunOptions } from '../options/options.ts';
import type { OpenRun } from '../run/open.ts';
import { boundSets, isPerhapsKept, perhapsKept } from './bound-sets.ts';
import { isOpen, runOn, type SurveyedHost, takeBackNow, withSurvey } from './runs-on-hosts.ts';

/**
 * `--break-lock`: ends other runs on the hosts of this one, and says what they were doing. What one of them has changed
 * goes back first. False where that failed: then nothing may be built upon it. Hosts that cannot be reached are left to
 * the run, which says why.
 */
export async function breakLocks(opened: OpenRun, { forks }: RunOptions): Promise<boolean> {
  const hosts = new Map(opened.project.plays.flatMap((play) => play.hosts.map((host) => [host.host, host])));
  return withSurvey(opened, [...hosts.values()], forks, async (surveyed) => {
    let isClear = true;
    await inParallel(surveyed, forks, async (host) => {
      const lock = host.survey?.lock ?? null;
      const run = lock === null ? undefined : runOn(host, lock);
      if (run === undefined) return;
      const say = (text: string) => opened.terminal.stderr(`[${host.host.host}] ${opened.redact(text)}\n`);
      say(`--break-lock: ${whatItDoes(run)}`);
      if (!(await clear(host, run, surveyed, say))) isClear = false;
    });
    return isClear;
  });
}

async function clear(
  host: SurveyedHost,
  run: RunOfHost,
  surveyed: readonly SurveyedHost[],
  say: (text: string) => void,
): Promise<boolean> {
  // Of a controller that died between two confirmations: to go back here would leave the ends different.
  const [set] = boundSets(run.id, { surveyed, record: null });
  if (set !== undefined && isPerhapsKept(run.id, set)) {
    say(perhapsKept(set).message);
    return false;
  }
  if (run.state === 'verified' && set !== undefined && set.confirmed.length > 0) {
    say(`the run ${run.id} is confirmed on another end: it is confirmed here as well`);
    return host.settle(run.id).confirm();
  }
  if (!isOpen(run)) {
    const own = host.settle(run.id);
    if (run.state === 'confirmed') return own.confirm();
    await own.abandon();
    return true;
  }
  const { state, error } = await takeBackNow(host, run.id);
  if (error !== null) say(`the run ${run.id} could not be taken back: ${error.message}`);
  else
    say(state === 'unchanged' ? `the run ${run.id} had changed nothing` : `the state before the run ${run.id} is back`);
  return error === null;
}

/** `the run 2026… of anna@desk, here since 2026-…: it has proven its changes`. */
export function whatItDoes({ id, owner, state, last }: RunOfHost): string {
  const since = Number(owner.get('since') ?? Number.NaN);
  const when = Number.isFinite(since) ? `, here since ${new Date(since * 1000).toISOString()}` : '';
  const what = WHAT[state] ?? state;
  const text = `the run ${id} of ${owner.get('who') ?? 'somebody'}${when}: ${what}${last === '' ? '' : ` (last: ${last})`}`;
  return visibleLine(text);
}

const WHAT: Readonly<Record<string, string>> = {
  prepared: 'it is prepared and has changed nothing',
  running: 'it is changing this host',
  verified: 'it has proven its changes, and is about to confirm them',
  awaiting: 'it waits for a person to confirm it',
  confirmed: 'it is confirmed',
  restored: 'its old state is back',
  'restore-failed': 'its old state could not be put back entirely',
};
