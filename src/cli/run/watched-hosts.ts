import { randomBytes } from 'node:crypto';
import type { Link } from '../../engine/link.ts';
import { inParallel } from '../../engine/parallel.ts';
import type { CompiledHost } from '../../model/task.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { HostFaults } from './ask-hosts.ts';
import type { OpenRun } from './open.ts';
import { timer } from './timer.ts';

/** Ways to hosts that stay open, for who looks again and again. */
export interface WatchedHosts {
  /** Asks all at once, each over its own way; one that was lost is opened anew the next time. */
  ask(question: (host: CompiledHost, link: Link, nonce: string) => Promise<void>): Promise<HostFaults>;
  close(): Promise<void>;
}

/** `patience`: seconds for an answer over an open way; null: as long as it is open. */
export function watchHosts(
  { link, stop }: Pick<OpenRun, 'link' | 'stop'>,
  hosts: readonly CompiledHost[],
  forks: number,
  patience: number | null,
): WatchedHosts {
  const open = new Map<CompiledHost, { readonly link: Link; readonly nonce: string }>();
  const close = async () => {
    const links = [...open.values()];
    open.clear();
    await Promise.all(links.map((way) => way.link.close().catch(() => {})));
  };
  const forget = stop.onRequest(() => void close());
  return {
    ask: async (question) => {
      const faults = new Map<string, { code: string; message: string }>();
      await inParallel(hosts, forks, async (host) => {
        if (stop.requested) return;
        try {
          const nonce = randomBytes(12).toString('hex');
          const way = open.get(host) ?? { link: await link(host, nonce), nonce };
          open.set(host, way);
          await inTime(question(host, way.link, way.nonce), patience);
        } catch (fault) {
          if (!(fault instanceof ConnectFault)) throw fault;
          faults.set(host.host, { code: fault.code, message: fault.message });
          const lost = open.get(host);
          open.delete(host);
          await lost?.link.close().catch(() => {});
        }
      });
      return faults;
    },
    close: async () => {
      forget();
      await close();
    },
  };
}

/** A host that went away without a word is only known to be gone when its keepalives are over. */
async function inTime(answer: Promise<void>, seconds: number | null): Promise<void> {
  if (seconds === null) return answer;
  let cancel = () => {};
  const over = new Promise<never>((_, reject) => {
    cancel = timer(seconds * 1000, () =>
      reject(new ConnectFault('lost', `has not answered within ${seconds} seconds`)),
    );
  });
  try {
    await Promise.race([answer, over]);
  } finally {
    cancel();
  }
}
