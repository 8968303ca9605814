import type { StopSignal } from './host-run.ts';
import type { Problem } from './result.ts';
import type { TimeLimits } from './time-limit.ts';

/** A reason to stop: somebody's wish, or that the time of the whole run is over. */
export interface RunStop extends StopSignal {
  /** What is to be said of a host that is not at its end; null as long as the time is not over. */
  readonly overtime: Problem | null;
}

/** Adds the time limit of the whole run to what else may stop it. */
export function withOvertime(
  stop: StopSignal,
  { total, spent, timer }: TimeLimits,
  onOver: (why: string) => void,
): { readonly stop: RunStop; forget(): void } {
  const callbacks = new Set<() => void>();
  let overtime: Problem | null = null;
  const over = (seconds: number) => {
    const why = `the ${seconds} s of --total-timeout are over`;
    overtime = { code: 'total-timeout', message: why };
    onOver(why);
    for (const callback of [...callbacks]) callback();
  };
  const forget = total === null ? () => {} : timer(Math.max(0, total - spent) * 1000, () => over(total));
  return {
    forget,
    stop: {
      get requested() {
        return stop.requested || overtime !== null;
      },
      get overtime() {
        return overtime;
      },
      onRequest: (callback) => {
        callbacks.add(callback);
        const forgetStop = stop.onRequest(callback);
        return () => {
          callbacks.delete(callback);
          forgetStop();
        };
      },
    },
  };
}
