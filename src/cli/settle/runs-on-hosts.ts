import { randomBytes } from 'node:crypto';
import type { Link } from '../../engine/link.ts';
import { inParallel } from '../../engine/parallel.ts';
import { type Settlement, settlement } from '../../engine/transaction/settlement.ts';
import { type RunOfHost, type Survey, surveyHost } from '../../engine/transaction/survey.ts';
import type { CompiledHost } from '../../model/task.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { OpenRun } from '../run/open.ts';
import { timer } from '../run/timer.ts';

/** A host that can be asked what became of runs, and told what is to become of them. */
export interface SurveyedHost {
  readonly host: CompiledHost;
  /** Null where it could not be reached, or not be read. */
  readonly survey: Survey | null;
  readonly fault: { readonly code: string; readonly message: string } | null;
  /** How a run on it comes to its end. */
  settle(run: string): Settlement;
  /** Asks again. */
  again(): Promise<Survey>;
}

/** Asks all hosts at once, lets `work` decide, and closes the ways to them. */
export async function withSurvey<T>(
  { link, rendering }: Pick<OpenRun, 'link' | 'rendering'>,
  hosts: readonly CompiledHost[],
  forks: number,
  work: (surveyed: readonly SurveyedHost[]) => Promise<T>,
): Promise<T> {
  const links: Link[] = [];
  const surveyed = new Map<string, SurveyedHost>();
  try {
    await inParallel(hosts, forks, async (host) => {
      const nonce = randomBytes(12).toString('hex');
      try {
        const open = await link(host, nonce);
        links.push(open);
        const again = () => surveyHost(open, nonce, rendering(host.host));
        const survey = await again();
        surveyed.set(host.host, {
          host,
          survey: survey.isDenied ? null : survey,
          fault: survey.isDenied ? DENIED : null,
          settle: (run) => settlement({ id: run, rendering: rendering(host.host) }, nonce, open),
          again,
        });
      } catch (fault) {
        if (!(fault instanceof ConnectFault)) throw fault;
        const { code, message } = fault;
        surveyed.set(host.host, {
          host,
          survey: null,
          fault: { code, message },
          settle: unreachable,
          again: unreachable,
        });
      }
    });
    return await work(hosts.flatMap(({ host }) => surveyed.get(host) ?? []));
  } finally {
    await Promise.all(links.map((open) => open.close().catch(() => {})));
  }
}

export const DENIED = { code: 'become', message: 'only root can see the runs of this host: become root (-b)' };

function unreachable(): never {
  throw new Error('a host that was not reached is told something');
}

/** The run of that name on a host, if it knows it. */
export function runOn({ survey }: SurveyedHost, run: string): RunOfHost | undefined {
  return survey?.runs.find(({ id }) => id === run);
}

/** The runs that it is on a host: of several plays each has one. */
export function idsOn({ survey }: SurveyedHost, run: string): readonly string[] {
  return (survey?.runs ?? [])
    .map(({ id }) => id)
    .filter((id) => id === run || (/^-\d+$/.test(id.slice(run.length)) && id.startsWith(run)));
}

/** States in which the old state comes back unless something is done. */
export function isOpen({ state }: RunOfHost): boolean {
  return ['prepared', 'running', 'verified', 'awaiting', 'unknown'].includes(state);
}

/** What came of it on one host; the words of the documents and messages. */
export interface Settled {
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Waits for the way back to come to its end, as long as somebody goes it. */
async function settledState(host: SurveyedHost, run: string): Promise<string> {
  for (let idle = 0; ; ) {
    const found = (await host.again()).runs.find(({ id }) => id === run);
    if (found === undefined) return 'none';
    if (!isOpen(found) && !found.isBusy) return found.state;
    idle = found.isBusy || found.isKept ? 0 : idle + 1;
    if (idle === 5) return found.state;
    await new Promise<void>((resolve) => void timer(400, resolve));
  }
}

/** Puts the old state back where something was changed, clears what was only prepared, and looks at what came of it. */
export async function takeBackNow(host: SurveyedHost, run: string): Promise<Settled> {
  try {
    const own = host.settle(run);
    // It may have begun since it was asked.
    if (runOn(host, run)?.state === 'prepared' && (await own.abandon())) return { state: 'unchanged', error: null };
    const fault = await own.turnBack();
    const state = fault === null ? await settledState(host, run) : 'unknown';
    if (fault !== null || !['restored', 'none'].includes(state)) {
      const message = `the old state is not back (${state}): /var/lib/ipsec-play/runs/${run}/err on the host says why`;
      return { state, error: fault ?? { code: 'restore-failed', message } };
    }
    await own.abandon();
    return { state: 'restored', error: null };
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    return { state: 'unknown', error: { code: fault.code, message: fault.message } };
  }
}
