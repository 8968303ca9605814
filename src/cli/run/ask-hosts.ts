import { randomBytes } from 'node:crypto';
import type { Link } from '../../engine/link.ts';
import { inParallel } from '../../engine/parallel.ts';
import type { CompiledHost } from '../../model/task.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { OpenRun } from './open.ts';

/** By host: why nothing could be seen there. */
export type HostFaults = ReadonlyMap<string, { readonly code: string; readonly message: string }>;

/** Opens a way to each host, all at the same time, and closes it after `ask`. A stop closes all of them. */
export async function askHosts(
  { link, stop }: Pick<OpenRun, 'link' | 'stop'>,
  hosts: readonly CompiledHost[],
  forks: number,
  ask: (host: string, link: Link, nonce: string) => Promise<void>,
): Promise<HostFaults> {
  const faults = new Map<string, { code: string; message: string }>();
  const links = new Set<Link>();
  const forget = stop.onRequest(() => {
    for (const open of links) void open.close().catch(() => {});
  });
  await inParallel(hosts, forks, async (host) => {
    if (stop.requested) return;
    const nonce = randomBytes(12).toString('hex');
    try {
      const open = await link(host, nonce);
      links.add(open);
      try {
        await ask(host.host, open, nonce);
      } finally {
        links.delete(open);
        await open.close().catch(() => {});
      }
    } catch (fault) {
      if (!(fault instanceof ConnectFault)) throw fault;
      faults.set(host.host, { code: fault.code, message: fault.message });
    }
  });
  forget();
  return faults;
}
