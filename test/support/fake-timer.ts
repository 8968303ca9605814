import type { Timer } from '../../src/engine/time-limit.ts';

/** A timer that goes off when it is told to. */
export function fakeTimer() {
  const pending = new Set<{ ms: number; callback: () => void }>();
  const timer: Timer = (ms, callback) => {
    const entry = { ms, callback };
    pending.add(entry);
    return () => void pending.delete(entry);
  };
  return {
    timer,
    /** Milliseconds of those that run. */
    get running() {
      return [...pending].map(({ ms }) => ms).sort((a, b) => a - b);
    },
    fire: (ms: number) => {
      const entry = [...pending].find((each) => each.ms === ms);
      if (entry === undefined) throw new Error(`no timer of ${ms} ms runs`);
      pending.delete(entry);
      entry.callback();
    },
  };
}

/** Real time. */
export const realTimer: Timer = (ms, callback) => {
  const handle = setTimeout(callback, ms);
  return () => clearTimeout(handle);
};
