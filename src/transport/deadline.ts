/**
 * A deadline that counts only time in which this process could work: an event loop that was busy with other hosts for
 * seconds charges a host for one short slice. It can be paused while a person is asked something.
 */
export function deadline(seconds: number, expired: () => void): Deadline {
  let left = seconds * 1000;
  let paused = 0;
  const timer = setInterval(() => {
    if (paused > 0) return;
    left -= SLICE;
    if (left > 0) return;
    clearInterval(timer);
    expired();
  }, SLICE);
  return {
    pause: () => {
      paused += 1;
    },
    resume: () => {
      paused -= 1;
    },
    cancel: () => clearInterval(timer),
  };
}

export interface Deadline {
  pause(): void;
  resume(): void;
  cancel(): void;
}

/** Milliseconds. An interval that is late is not made up for, so a late one costs one slice. */
const SLICE = 100;
