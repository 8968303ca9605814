import type { SshSession } from './ssh-handshake.ts';
import type { SshSettings } from './ssh-settings.ts';
import { ConnectFault } from './transport.ts';

/** The connections to jump hosts, each shared by all hosts behind it for as long as the run lasts. */
export interface Bastions {
  /** Connects where there is no connection yet, or none any more. Resolves when a handshake may go through it. */
  through(jumpHost: SshSettings): Promise<Passage>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface Passage {
  readonly session: SshSession;
  /** To be called when the handshake is over, well or not: the next one may begin. */
  done(): void;
}

/** `connect` makes a connection; it rejects with a {@link ConnectFault}. */
export function bastions(connect: (jumpHost: SshSettings) => Promise<SshSession>): Bastions {
  const known = new Map<SshSettings, Bastion>();

  const open = (jumpHost: SshSettings): Bastion => {
    const bastion: Bastion = { session: connect(jumpHost), isOpen: false, turns: turns(NEW_AT_A_TIME) };
    known.set(jumpHost, bastion);
    const forget = () => {
      if (known.get(jumpHost) === bastion) known.delete(jumpHost);
    };
    bastion.session.then(
      ({ client }) => {
        bastion.isOpen = true;
        client.once('close', forget);
      },
      // A refusal is for the whole run: to be refused again for each host behind it ends in a ban.
      (fault) => {
        if (!(fault instanceof ConnectFault) || fault.passing) forget();
      },
    );
    return bastion;
  };

  const through = async (jumpHost: SshSettings): Promise<Passage> => {
    const bastion = known.get(jumpHost) ?? open(jumpHost);
    const session = await bastion.session;
    await bastion.turns.take();
    if (session.cause() === null) return { session, done: bastion.turns.give };
    // It broke while others had their turn.
    bastion.turns.give();
    if (known.get(jumpHost) === bastion) known.delete(jumpHost);
    return through(jumpHost);
  };

  return {
    through,
    close: async () => {
      const all = [...known].sort(([one], [other]) => hopsBefore(other) - hopsBefore(one));
      known.clear();
      // From the far end, as each is reached through those before it.
      for (const [, { session, isOpen }] of all) {
        const closed = session.then((opened) => opened.close()).catch(() => {});
        // One that is still being connected to would keep an interrupted run waiting.
        if (isOpen) await closed;
      }
    },
  };
}

interface Bastion {
  readonly session: Promise<SshSession>;
  isOpen: boolean;
  readonly turns: ReturnType<typeof turns>;
}

function hopsBefore({ proxy }: SshSettings): number {
  return proxy?.kind === 'jump' ? 1 + hopsBefore(proxy.via) : 0;
}

/** Through one jump host many hosts see the same address; sshd begins to drop what is not logged in yet at ten (MaxStartups). */
const NEW_AT_A_TIME = 8;

function turns(count: number): { take(): Promise<void>; give(): void } {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    take: async () => {
      if (free === 0) return new Promise((resolve) => waiting.push(resolve));
      free -= 1;
    },
    give: () => {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}
