import type { HostState } from '../model/host-state.ts';
import type { Step } from './batch.ts';
import type { HostRun } from './host-run.ts';
import type { Ledger } from './ledger.ts';
import type { Link } from './link.ts';
import type { View } from './read-host.ts';
import { runInTime } from './time-limit.ts';
import { timed } from './trace.ts';
import { holding } from './transaction/holding.ts';
import { type HostTransaction, WENT_BACK } from './transaction/host-transaction.ts';

/** Brings a batch to the host, waits for its turn, makes it and tells of it; false when the host must go no further. */
export async function makeBatch(
  run: HostRun,
  link: Link,
  change: HostTransaction,
  book: Ledger,
  { view, state, batch }: { readonly view: View; readonly state: HostState; readonly batch: readonly Step[] },
): Promise<boolean> {
  const isFirst = !change.isOpen;
  const fault = await change.prepare(batch, state, view.facts);
  if (fault !== null) {
    book.hostFault(fault);
    return false;
  }
  if (isFirst) {
    const { member, aside } = run.transaction;
    const trouble = await holding(
      run,
      change,
      timed(run.trace, 'wait until all are prepared', aside(member.prepared())),
    );
    if (trouble !== null) {
      book.held(trouble);
      return false;
    }
  }
  if (run.stop.requested) return false;
  const forget = run.stop.onRequest(() => void link.terminate().catch(() => {}));
  const begun = new Set<Step>();
  const ended = new Set<Step>();
  const stepOf = (id: string) => change.stepOf(id, batch);
  book.sent(batch);
  const { member } = run.transaction;
  // It may be cut off before it can tell.
  const forgetBegun = member.isCarried ? run.limits.timer(SURELY_BEGUN, () => member.begun()) : () => {};
  let watched: Step | null = null;
  try {
    const { value, overrun } = await runInTime(link, run.limits.timer, (watch) =>
      change.commit(() => ({
        step: 'commit',
        begin: (id) => {
          const step = stepOf(id);
          if (step === undefined || begun.has(step)) return;
          begun.add(step);
          member.begun();
          book.begun(step);
          watched = step;
          const seconds = limitOf(step, run);
          watch.start(seconds, () => book.overdue(step, seconds ?? 0));
        },
        end: (frame) => {
          const step = stepOf(frame.id);
          const [last] = [...ended].slice(-1);
          if (frame.id === 'changed' && last !== undefined) {
            book.changedMeanwhile(last, frame.stdout.trim().slice(run.rendering.root.length));
          }
          if (step === undefined || ended.has(step)) return;
          ended.add(step);
          // Its end is told on both streams, and the next one may have begun by then.
          if (watched === step) watch.pause();
          book.ended(step, frame);
        },
      })),
    );
    if (overrun !== null) book.overran(overrun);
    if (value === 'gone') book.scriptEnded();
    if (value === 'refused') book.hostFault({ code: 'went-back', message: WENT_BACK });
  } finally {
    forget();
    forgetBegun();
  }
  return !book.stopsHere();
}

/** Milliseconds after which a script that was sent off has begun. */
const SURELY_BEGUN = 3000;

/** Seconds; a task's own `timeout` of 0 means none. */
function limitOf({ task }: Step, { limits }: HostRun): number | null {
  return (task.timeout ?? limits.command) || null;
}
