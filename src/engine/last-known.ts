import type { Step } from './apply.ts';
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
  /** What was seen last, what is not known, and what to do. */
  whenLost(): string;
}

export function lastKnown(command: 'check' | 'apply'): LastKnown {
  let steps: readonly Step[] = [];
  let unseen: readonly Step[] = [];
  let isReading = true;
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
    whenLost: () => `${seen()}. ${command === 'check' ? 'Run it again' : NEXT}`,
  };
}

const AS_READ = 'while the host was read';

const NEXT =
  'Run check to see how the host is now, then apply: what is done is found in order, what was begun is brought to its end';

function name({ task }: Step): string {
  return `"${task.name}"`;
}

function count(tasks: number): string {
  return tasks === 1 ? 'one task' : `${tasks} tasks`;
}
