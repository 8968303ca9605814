import type { HostRun } from '../host-run.ts';
import type { HostTransaction } from './host-transaction.ts';
import { holdEvery } from './keeper.ts';

/** Waits, and tells the host from time to time that somebody is there. */
export async function holding<T>(run: HostRun, change: HostTransaction, promise: Promise<T>): Promise<T> {
  for (;;) {
    let forget = () => {};
    const pause = new Promise<null>((resolve) => {
      forget = run.limits.timer(holdEvery(run.transaction.patience), () => resolve(null));
    });
    const outcome = await Promise.race([promise.then((value) => ({ value })), pause]);
    forget();
    if (outcome !== null) return outcome.value;
    await change.hold();
  }
}
