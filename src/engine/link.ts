import { ConnectFault } from '../transport/transport.ts';
import type { ExchangeListener, Session } from './session.ts';

/** A session that can be replaced by a new one while what was begun on the host goes on. */
export interface Link extends Session {
  /**
   * Runs a script that may be sent again: where the connection is lost meanwhile, it is opened anew, with growing pauses,
   * for as long as the host has patience, and the script sent again. `heard` gives the listener of each attempt.
   */
  persist(script: string, heard?: () => Partial<ExchangeListener>): ReturnType<Session['run']>;
  /**
   * Leaves this connection and opens another one: the proof that the host can still be reached. What still ran over the
   * old one is given up.
   */
  renew(): Promise<void>;
}

export interface LinkOptions {
  open(): Promise<Session>;
  /** Milliseconds of trying to reach a host again. */
  readonly patience: number;
  readonly clock: () => number;
  sleep(ms: number): Promise<void>;
}

export async function openLink(options: LinkOptions): Promise<Link> {
  let session = await options.open();
  let opened = options.clock();
  /** Counts the connections, so that of two who want a new one only the later gets it. */
  let generation = 0;
  let since = 0;
  let pause = FIRST_PAUSE;

  const inTrouble = () => {
    since = options.clock();
    pause = FIRST_PAUSE;
  };
  /** Waits a while; false where the patience is over. */
  const again = async (): Promise<boolean> => {
    if (options.clock() - since + pause > options.patience) return false;
    await options.sleep(pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    return true;
  };
  const reopen = async (why: string): Promise<void> => {
    generation += 1;
    const mine = generation;
    // Nobody waits until the host has heard of it: that would be a round trip.
    void session.close().catch(() => {});
    for (;;) {
      try {
        const fresh = await options.open();
        if (generation !== mine) {
          await fresh.close().catch(() => {});
          throw new ConnectFault('lost', why);
        }
        session = fresh;
        opened = options.clock();
        return;
      } catch (fault) {
        if (!(fault instanceof ConnectFault)) throw fault;
        const mayPass = fault.passing || PASSING_MEANWHILE.includes(fault.code);
        if (generation !== mine || !mayPass || !(await again())) {
          throw new ConnectFault('lost', `${why}, and no new connection can be made: ${fault.message}`, fault.fix);
        }
      }
    }
  };

  return {
    run: (script, listener) => session.run(script, listener),
    persist: async (script, heard = () => ({})) => {
      for (let attempt = 1; ; attempt += 1) {
        const mine = generation;
        try {
          return await session.run(script, heard());
        } catch (fault) {
          if (!(fault instanceof ConnectFault) || fault.code !== 'lost' || generation !== mine) throw fault;
          // A connection that breaks as soon as it stands is no new beginning.
          if (attempt === 1 || options.clock() - opened > STEADY) inTrouble();
          else if (!(await again()) || generation !== mine) throw fault;
          await reopen(fault.message);
        }
      }
    },
    renew: () => {
      inTrouble();
      return reopen('the connection was closed on purpose');
    },
    answer: (line) => session.answer(line),
    terminate: () => session.terminate(),
    endTasks: () => session.endTasks(),
    close: () => session.close(),
    path: () => session.path(),
  };
}

/** Reads once more where the connection breaks meanwhile: a host whose network was restarted may need a while. */
export function steady(link: Link): Link {
  return { ...link, run: (script, heard) => link.persist(script, () => ({ ...heard, step: 're-read' })) };
}

/** Milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5000;
/** A connection that has stood as long as this was a good one. */
const STEADY = 10_000;

/** While a network starts anew these pass, too: a name server may be behind the tunnel, sshd may just be starting. */
const PASSING_MEANWHILE: readonly ConnectFault['code'][] = ['dns', 'lost'];
