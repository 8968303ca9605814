import type { Step } from './batch.ts';
import type { TaskStatus } from './result.ts';

/** What is known, at any moment, of how far a host has come; for when the connection to it is lost. */
export interface LastKnown {
  /** The host is read, for the first time or to prove what was done. */
  reading(): void;
  /** These are on their way to the host. */
  sent(steps: readonly Step[]): void;
  begun(step: Step): void;
  ended(step: Step, status: TaskStatus): void;
  /** Begun, and not heard to have ended; of several only the last can still run. */
  readonly open: readonly Step[];
  readonly running: Step | null;
  /** It may have run though nobody saw it: it was sent, and not seen to begin. */
  isUnseen(id: string): boolean;
  /** Something was sent that changes the host. */
  readonly hasSent: boolean;
  /** The host is told that its changes stay. */
  settling(): void;
  readonly isSettling: boolean;
  /** What was seen last, what is not known, and what comes of it. */
  whenLost(): string;
}

export function lastKnown(command: 'check' | 'apply'): LastKnown {
  let steps: readonly Step[] = [];
  let unseen: readonly Step[] = [];
  let isReading = true;
  let hasSent = false;
  let isSettling = false;
  const open = new Set<Step>();
  let last: { readonly step: Step; readonly status: TaskStatus | null } | null = null;

  const seen = (): string => {
    if (last === null && unseen.length === 0) return `It was lost ${AS_READ}; nothing of this play was begun there`;
    if (last === null) {
      return `It was lost after ${count(steps.length)} were sent; that none was seen to begin does not tell that none did`;
    }
    const { step, status } = last;
    if (status === null) {
      const after = unseen.length === 0 ? '' : ', nor whether the tasks after it began';
      return `The last task known to have begun is ${name(step)}; it is not known whether it ended${after}`;
    }
    const ended = `The last task known to have begun is ${name(step)}, and it had ended (${status})`;
    if (isReading) return `${ended}; it was lost ${AS_READ} again, so what was done is not proven`;
    const [next] = unseen;
    return next === undefined || (status === 'failed' && !step.task.ignoreErrors)
      ? `${ended}; none was to come after it`
      : `${ended}; it is not known whether ${name(next)} began, which comes after it`;
  };
  return {
    reading: () => {
      isReading = true;
      unseen = [];
    },
    sent: (batch) => {
      isReading = false;
      hasSent = true;
      steps = batch;
      unseen = batch;
      last = null;
    },
    begun: (step) => {
      open.add(step);
      last = { step, status: null };
      unseen = steps.slice(steps.indexOf(step) + 1);
    },
    ended: (step, status) => {
      open.delete(step);
      // A task's end is told on both streams, which SSH does not order: the next one may be known to run by then.
      if (last === null || steps.indexOf(step) >= steps.indexOf(last.step)) last = { step, status };
    },
    get open() {
      return [...open];
    },
    get running() {
      return last?.status === null ? last.step : null;
    },
    isUnseen: (id) => unseen.some(({ task }) => task.id === id),
    get hasSent() {
      return hasSent;
    },
    settling: () => {
      isSettling = true;
    },
    get isSettling() {
      return isSettling;
    },
    whenLost: () => {
      if (command === 'check') return `${seen()}. Run it again`;
      if (!hasSent) return `${seen()}. Run it again: what may have been prepared there, the host clears away by itself`;
      return isSettling ? `All was done and proven; ${PERHAPS_KEPT}` : `${seen()}. ${GOES_BACK}`;
    },
  };
}

const AS_READ = 'while the host was read';

const GOES_BACK =
  'What was changed there and is not confirmed, the host puts back by itself when nobody comes back to it (--confirm-timeout). Run check to see how it is then';

const PERHAPS_KEPT =
  'it is not known whether the host heard that its changes stay: without that it puts the old state back by itself (--confirm-timeout). Run check to see how it is then';

function name({ task }: Step): string {
  return `"${task.name}"`;
}

function count(tasks: number): string {
  return tasks === 1 ? 'one task' : `${tasks} tasks`;
}
