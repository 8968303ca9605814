import type { StopSignal } from '../../engine/host-run.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from './terminal.ts';

/** The first SIGINT stops after the running tasks; the second leaves at once. */
export function stopOnInterrupt(terminal: Terminal, onStop: () => void): { signal: StopSignal; forget(): void } {
  const callbacks = new Set<() => void>();
  let requested = false;
  const forget = terminal.onInterrupt(() => {
    if (requested) {
      terminal.exitNow(EXIT.interrupted, '\nipsec-play: left at once; tasks on hosts may still be running\n');
    }
    requested = true;
    onStop();
    for (const callback of [...callbacks]) callback();
  });
  return {
    forget,
    signal: {
      get requested() {
        return requested;
      },
      onRequest: (callback) => {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    },
  };
}
