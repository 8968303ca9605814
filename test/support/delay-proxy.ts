import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A long way to a server: what is sent arrives later, in each direction. */
export interface DelayProxy {
  readonly port: number;
  /** Milliseconds each way, for connections from now on. */
  delay(oneWay: number): void;
  /**
   * How many round trips had to follow each other since the last time, those of TCP's handshake included. It is no matter
   * of time: a message counts as an answer to all that had arrived before it was sent, and a round trip is one that had
   * to wait for an answer. The delay only sees to it that what nobody waits for crosses on its way. What comes later on a
   * connection that the client has ended does not count.
   */
  roundTrips(): number;
  close(): Promise<void>;
}

/**
 * There is no `tc netem` in every kernel, and it needs root. Proxies that get the same clock count together: a message
 * to one host may have waited for an answer of another.
 */
export async function delayProxyTo(
  port: number,
  oneWay: number,
  host = '127.0.0.1',
  here: Clock = { time: 0 },
): Promise<DelayProxy> {
  const ways = new Set<Way>();
  let told = 0;
  let delay = oneWay;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const way = lay(near, { port, host }, delay, here);
    ways.add(way);
    near.on('close', () => ways.delete(way));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    delay: (next) => {
      delay = next;
    },
    roundTrips: () => {
      const count = here.time - told;
      told = here.time;
      for (const way of ways) way.forgetIfEnded();
      return count;
    },
    close: async () => {
      for (const way of ways) way.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A clock of messages (Lamport's), of whoever makes all these connections: what is sent bears it, what is received sets it forward. */
interface Clock {
  time: number;
}

interface Way {
  cut(): void;
  /** Nobody hears its answers any more. */
  forgetIfEnded(): void;
}

function lay(near: Socket, server: { port: number; host: string }, delay: number, here: Clock): Way {
  // TCP's handshake takes one round trip.
  const there: Clock = { time: here.time + 1 };
  let far: Socket | null = null;
  let heard = here;
  const cut = () => {
    near.destroy();
    far?.destroy();
  };
  // The server accepts with the third packet of the handshake; what the client sends comes on its heels.
  setTimeout(() => {
    if (near.destroyed) return;
    here.time = Math.max(here.time, there.time);
    far = connect({ ...server, noDelay: true, allowHalfOpen: true });
    carry(
      near,
      far,
      delay,
      () => here.time + 1,
      () => there,
      cut,
    );
    carry(
      far,
      near,
      delay,
      () => there.time,
      () => heard,
      cut,
    );
  }, delay * 2);
  near.on('error', cut);
  return {
    cut,
    forgetIfEnded: () => {
      if (near.readableEnded) heard = { time: 0 };
    },
  };
}

/** Timers of one length go off in the order in which they were set. */
function carry(
  from: Socket,
  to: Socket,
  delay: number,
  stamp: () => number,
  hearing: () => Clock,
  cut: () => void,
): void {
  const send = (deliver: () => void) => {
    const sent = stamp();
    setTimeout(() => {
      const clock = hearing();
      clock.time = Math.max(clock.time, sent);
      deliver();
    }, delay);
  };
  from.on('data', (chunk) => send(() => to.write(chunk)));
  from.on('end', () => send(() => to.end()));
  from.on('error', cut);
  from.on('close', () => setTimeout(() => to.destroy(), delay));
}
