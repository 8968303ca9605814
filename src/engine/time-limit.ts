import type { Problem } from './result.ts';
import type { Session } from './session.ts';

/** Calls back after so many milliseconds; gives how to forget that. */
export type Timer = (ms: number, callback: () => void) => () => void;

/** How long things may take, in seconds; null: as long as they do. */
export interface TimeLimits {
  /** One task, or reading a host once; a task's own `timeout` goes before it. */
  readonly command: number | null;
  /** The whole run. */
  readonly total: number | null;
  /** What of `total` is gone already: the plan was made and shown before. */
  readonly spent: number;
  readonly timer: Timer;
}

/** What became of what took too long: ended, or left running as far as is known. */
export type Overrun = 'ended' | 'left';

/** What is wrong with a host as a whole, without a fault of its connection. */
export class HostFault extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.message);
    this.name = 'HostFault';
    this.problem = problem;
  }
}

/** Watches one exchange. */
export interface Watch {
  /** Counts from now on; what is counted already is forgotten. */
  start(seconds: number | null, over: () => void): void;
  pause(): void;
  /** Ends what runs now. */
  expire(): void;
}

/**
 * Does something with a host under a watch. When the time is over, what runs there is ended, and `work` has a few seconds
 * to come to its end; then it is given up. Rejects as `work` does, where no time was over.
 */
export async function runInTime<T>(
  session: Pick<Session, 'endTasks'>,
  timer: Timer,
  work: (watch: Watch) => Promise<T>,
): Promise<{ readonly value: T | null; readonly overrun: Overrun | null }> {
  let forget: () => void = () => {};
  let giveUp: (overrun: Overrun) => void = () => {};
  const givenUp = new Promise<Overrun>((resolve) => {
    giveUp = resolve;
  });
  let overrun: Promise<Overrun> | null = null;

  const watch: Watch = {
    start: (seconds, over) => {
      forget();
      forget =
        seconds === null
          ? () => {}
          : timer(seconds * 1000, () => {
              over();
              watch.expire();
            });
    },
    pause: () => forget(),
    expire: () => {
      if (overrun !== null) return;
      forget();
      forget = timer(PATIENCE, () => giveUp('left'));
      overrun = session.endTasks().catch((): Overrun => 'left');
      void overrun.then((end) => {
        forget();
        if (end === 'left') giveUp(end);
        else forget = timer(LAST_WORDS, () => giveUp(end));
      });
    },
  };
  const running = work(watch).then(
    (value) => ({ value, fault: null }),
    (fault: unknown) => ({ value: null, fault }),
  );
  const outcome = await Promise.race([running, givenUp]);
  if (typeof outcome === 'string') return { value: null, overrun: outcome };
  const end = overrun === null ? null : await Promise.race([overrun, givenUp]);
  forget();
  // A shell that was told to stop reading has ended, which is no lost connection.
  if (end === null && outcome.fault !== null) throw outcome.fault;
  return { value: outcome.value, overrun: end };
}

/** Milliseconds to end a task on the host: five seconds from TERM to KILL, and the ways there and back. */
const PATIENCE = 20_000;

/** Milliseconds for the shell to say that what it ran has ended. */
const LAST_WORDS = 5000;
