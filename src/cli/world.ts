import { onHost, type Rendering } from '../engine/sh.ts';
import { findHost } from '../inventory/inventory.ts';
import { renderedVars } from '../inventory/rendered-vars.ts';
import type { Target } from '../model/host.ts';
import { perspectives } from '../model/tunnel.ts';
import { localTransport } from '../transport/local.ts';
import { transportFor } from '../transport/pick.ts';
import { sshTransport } from '../transport/ssh.ts';
import type { Transport } from '../transport/transport.ts';
import { UsageFault } from './exit.ts';
import type { Project } from './load.ts';
import type { RunOptions } from './options.ts';
import { askSecret, type Terminal } from './terminal.ts';

/** What a run works on: the real hosts, or their stand-ins. */
export interface World {
  readonly transport: Transport;
  target(target: Target): Target;
  rendering(host: string): Rendering;
  close(): Promise<void>;
}

export async function openWorld(project: Project, options: RunOptions, terminal: Terminal): Promise<World> {
  if (options.lab !== undefined) return rehearsal(options.lab, project, terminal);
  const ssh = sshTransport({
    defaultUser: terminal.user,
    home: terminal.home,
    env: terminal.env,
    acceptNewHostKeys: options.acceptNewHostKeys === true,
    ask: terminal.interactive ? (question) => askSecret(terminal, question) : null,
  });
  return {
    transport: transportFor({ ssh, local: localTransport({ env: terminal.env, cwd: terminal.cwd }) }),
    target: (target) => target,
    rendering: () => onHost,
    close: async () => {},
  };
}

/** Every host of the inventory as a stand-in on this machine. */
async function rehearsal(directory: string, project: Project, terminal: Terminal): Promise<World> {
  const { startLab } = await import('../lab/lab.ts');
  const lab = await startLab({ directory, hosts: labHosts(project) }).catch((fault: unknown) => {
    throw new UsageFault(`the lab cannot start: ${fault instanceof Error ? fault.message : String(fault)}`);
  });
  return {
    transport: sshTransport({
      defaultUser: terminal.user,
      home: terminal.home,
      env: {},
      identityFiles: [lab.identityFile],
      knownHostsFiles: [lab.knownHostsFile],
      acceptNewHostKeys: false,
      ask: null,
    }),
    target: lab.target,
    rendering: lab.rendering,
    close: lab.stop,
  };
}

function labHosts({ inventory, tunnels, plays, extraVars }: Project) {
  const names = new Set([...inventory.hosts.keys(), ...plays.flatMap(({ hosts }) => hosts.map(({ host }) => host))]);
  const addresses = new Map<string, string[]>();
  for (const { src } of tunnels.flatMap((tunnel) => [...perspectives(tunnel)])) {
    const known = addresses.get(src.host) ?? [];
    if (!known.includes(src.address)) addresses.set(src.host, [...known, src.address]);
  }
  return [...names].map((name) => {
    const release =
      findHost(inventory, name) === undefined ? undefined : renderedVars(inventory, name, extraVars).lab_release;
    return {
      name,
      ...(release === undefined ? {} : { release: String(release) }),
      addresses: addresses.get(name) ?? [],
    };
  });
}
