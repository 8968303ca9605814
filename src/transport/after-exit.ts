/**
 * When a process has exited but something it started keeps its outputs open (a daemon that inherited them), they never
 * close. Then silence is the end: `done` is called when nothing was heard for a while after the exit.
 */
export function afterExit(done: () => void): AfterExit {
  let timer: NodeJS.Timeout | null = null;
  return {
    exited: () => {
      timer ??= setTimeout(done, SILENCE);
    },
    heard: () => {
      timer?.refresh();
    },
    cancel: () => {
      if (timer !== null) clearTimeout(timer);
    },
  };
}

export interface AfterExit {
  exited(): void;
  heard(): void;
  cancel(): void;
}

/** Milliseconds. */
const SILENCE = 2000;
