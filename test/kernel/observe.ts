import type { VerifyDocument } from '../../src/report/verdict-document.ts';
import type { Workspace } from '../support/fleet-workspace.ts';
import type { KernelLab } from './kernel-lab.ts';

/** What `verify` finds, and the cause of each tunnel that does not work. */
export async function verify(site: Workspace, ...options: readonly string[]) {
  const { code, stdout, stderr } = await site.run(['verify', '-o', 'json', ...options], LIMIT);
  if (stdout === '') throw new Error(stderr);
  const tunnels = Object.entries((JSON.parse(stdout) as VerifyDocument).tunnels);
  return { code, tunnels, causes: Object.fromEntries(tunnels.map(([name, { cause }]) => [name, cause?.code ?? null])) };
}

/** Milliseconds: all is slower in there, and the machine may be busy. */
export const LIMIT = { timeout: 600_000 };

/** Runs a command on each of these hosts, side by side. What they print. */
export function onEach(lab: KernelLab, commands: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return Promise.all(Object.entries(commands).map(([host, command]) => lab.said(host, command)));
}

/** The SPIs of the SAs with a peer in the kernel of a host. */
export async function spis(lab: KernelLab, host: string, peer: string): Promise<readonly string[]> {
  const state = await lab.said(host, 'ip xfrm state');
  return state
    .split(/^(?=src )/m)
    .filter((entry) => entry.split('\n', 1)[0]?.split(' ').includes(peer) && /^\t(auth|enc)/m.test(entry))
    .map((entry) => / spi (0x[0-9a-f]+)/.exec(entry)?.[1] ?? entry)
    .sort();
}
