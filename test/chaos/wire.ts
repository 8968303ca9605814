import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A network cable between the controller and a host: it can be cut. */
export interface Wire {
  readonly port: number;
  /** Connections break; new ones can be made at once. */
  cut(): void;
  /** Connections break, and none can be made for so long. */
  outage(ms: number): void;
  /** Nothing arrives any more, and nobody is told; after so long the connections break. */
  silence(ms: number): void;
  /** As it was at first. */
  mend(): void;
  close(): Promise<void>;
}

export async function wireTo(port: number): Promise<Wire> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let refusing = false;
  let timer: NodeJS.Timeout | undefined;
  const server = createServer({ noDelay: true }, (near) => {
    near.on('error', () => {});
    if (refusing) {
      near.destroy();
      return;
    }
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    const pair = [near, far] as const;
    pairs.add(pair);
    far.on('error', () => {});
    near.on('close', () => far.destroy());
    far.on('close', () => {
      near.destroy();
      pairs.delete(pair);
    });
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const [near, far] of pairs) {
      near.destroy();
      far.destroy();
    }
  };
  const mend = () => {
    clearTimeout(timer);
    refusing = false;
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    outage: (ms) => {
      refusing = true;
      cut();
      timer = setTimeout(mend, ms);
    },
    silence: (ms) => {
      for (const [near, far] of pairs) {
        near.unpipe();
        far.unpipe();
        near.pause();
        far.pause();
      }
      timer = setTimeout(cut, ms);
    },
    mend,
    close: async () => {
      mend();
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
