import type { Target } from '../model/host.ts';
import { ConnectFault, type Connection, type ConnectStep, type Transport } from './transport.ts';

export interface RetryOptions {
  /** The end of the run was asked for: no further attempt. */
  readonly stop?: {
    readonly requested: boolean;
    /** Returns how to take it back. */
    onRequest(callback: () => void): () => void;
  };
  /** Of each attempt that failed and is followed by another, in `seconds`. */
  readonly onRetry?: (target: Target, fault: ConnectFault, attempt: number, seconds: number) => void;
  /** Milliseconds that stand for a second of waiting; for tests. */
  readonly second?: number;
}

/** A transport that tries again, as often as the target says, where the fault may pass ({@link ConnectFault.passing}). */
export function withRetries(transport: Transport, options: RetryOptions = {}): Transport {
  const { stop, onRetry, second = 1000 } = options;
  return {
    connect: async (target, step) => {
      const attempts = 1 + (target.retries ?? 0);
      for (let attempt = 1; ; attempt += 1) {
        const outcome = await attemptAt(transport, target, step);
        if (!(outcome instanceof ConnectFault)) return outcome;
        const isLast = attempt >= attempts || !outcome.passing || stop?.requested === true;
        if (isLast) throw attempt === 1 ? outcome : after(attempt, outcome);
        const seconds = Math.min(2 ** (attempt - 1), LONGEST);
        onRetry?.(target, outcome, attempt, seconds);
        step?.('wait before the next attempt');
        await pause(seconds * second, stop);
        if (stop?.requested) throw attempt === 1 ? outcome : after(attempt, outcome);
      }
    },
  };
}

/** Seconds; the waits before it are 1, 2, 4, 8. */
const LONGEST = 15;

async function attemptAt(
  transport: Transport,
  target: Target,
  step: ConnectStep | undefined,
): Promise<Connection | ConnectFault> {
  try {
    return await transport.connect(target, step);
  } catch (fault) {
    if (fault instanceof ConnectFault) return fault;
    throw fault;
  }
}

function after(attempts: number, { code, message, fix, passing }: ConnectFault): ConnectFault {
  return new ConnectFault(code, `${message} (after ${attempts} attempts)`, fix, { passing });
}

function pause(milliseconds: number, stop: RetryOptions['stop']): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    const takeBack = stop?.onRequest(done);
    function done(): void {
      clearTimeout(timer);
      takeBack?.();
      resolve();
    }
  });
}
