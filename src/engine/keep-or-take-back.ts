import type { HostState } from '../model/host-state.ts';
import type { HostRun } from './host-run.ts';
import type { Ledger } from './ledger.ts';
import { type Link, steady } from './link.ts';
import { readHost } from './read-host.ts';
import { HostFault } from './time-limit.ts';
import { timed } from './trace.ts';
import { differences } from './transaction/differences.ts';
import { holding } from './transaction/holding.ts';
import { type HostTransaction, WENT_BACK } from './transaction/host-transaction.ts';
import { proveTunnels } from './tunnel-proof.ts';

/**
 * Keeps the changes together with all others of the transaction, once the tunnels `raised` by it are proven; false where they have
 * to be taken back.
 */
export async function keep(
  run: HostRun,
  link: Link,
  change: HostTransaction,
  book: Ledger,
  raised: ReadonlySet<string>,
): Promise<boolean> {
  if (!change.isOpen) return true;
  const { member, aside } = run.transaction;
  // Where nothing has changed there is nothing for a person to say.
  const confirm = book.changedSomething ? run.transaction.confirm : 'auto';
  const trouble = await holding(run, change, timed(run.trace, 'wait until all are changed', aside(member.committed())));
  if (trouble !== null) {
    book.undoneFor(trouble);
    return false;
  }
  if (!(await proveTunnels(run, link, change, book, raised))) return false;
  book.settling();
  if (member.partners.length > 0 || confirm === 'manual') {
    if (!(await (confirm === 'manual' ? change.awaiting() : change.verified()))) {
      book.hostFault({ code: 'went-back', message: WENT_BACK });
      return false;
    }
    const late = await holding(run, change, timed(run.trace, 'wait until all are verified', aside(member.verified())));
    if (late !== null) {
      book.undoneFor(late);
      return false;
    }
  }
  if (confirm === 'manual') return true;
  if (await change.confirm()) return true;
  book.hostFault({ code: 'went-back', message: WENT_BACK });
  return false;
}

/** Clears away what was only prepared, or puts the old state back and proves it; true where it is as it was. */
export async function takeBack(
  run: HostRun,
  link: Link,
  change: HostTransaction,
  book: Ledger,
  initial: HostState,
): Promise<boolean> {
  if (!change.isCommitted) {
    await change.abandon();
    return true;
  }
  const why = run.redaction.redact(book.problem?.message ?? 'it was stopped');
  run.emit({ type: 'host-restoring', play: run.play, host: run.host.host, why });
  // What hangs there still has the connection.
  if (book.problem?.code === 'command-timeout') await link.renew();
  const fault = await change.goBack();
  if (change.isRisky) await link.renew();
  let isBack = false;
  try {
    const now = (await readHost(run, steady(link), book)).state;
    const left = differences(initial, now);
    isBack = fault === null && left.length === 0;
    book.wentBack(fault, left);
  } catch (unread) {
    if (!(unread instanceof HostFault)) throw unread;
    const message = `the old state was put back, but is not proven: ${unread.problem.message}`;
    book.wentBack(fault ?? { code: 'restore-failed', message }, []);
  }
  await change.abandon();
  return isBack;
}
