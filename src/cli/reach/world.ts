import { onHost, type Rendering } from '../../engine/sh.ts';
import { findHost } from '../../inventory/inventory.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import type { Target } from '../../model/host.ts';
import { perspectives } from '../../model/tunnel.ts';
import { visibleLine } from '../../report/visible.ts';
import { localTransport } from '../../transport/local.ts';
import { transportFor } from '../../transport/pick.ts';
import { sshTransport } from '../../transport/ssh.ts';
import { plainSettings } from '../../transport/ssh-config/plain-settings.ts';
import type { ConnectFault, Transport } from '../../transport/transport.ts';
import { type RetryOptions, withRetries } from '../../transport/with-retries.ts';
import { UsageFault } from '../exit.ts';
import { askSecret, type Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { sshConfigFor } from './ssh-config.ts';

/** What a run works on: the real hosts, or their stand-ins. */
export interface World {
  readonly transport: Transport;
  target(target: Target): Target;
  rendering(host: string): Rendering;
  close(): Promise<void>;
}

/** `stop`: the end of the run was asked for, so nothing is tried again. */
export async function openWorld(
  project: Project,
  options: RunOptions,
  terminal: Terminal,
  stop?: RetryOptions['stop'],
): Promise<World> {
  if (options.lab !== undefined) return rehearsal(options.lab, project, terminal);
  const ssh = sshTransport({
    settingsOf: sshConfigFor(options, terminal).settingsOf,
    ask: terminal.interactive ? (question) => askSecret(terminal, question) : null,
    env: terminal.env,
  });
  const said = ({ name }: Target, { message }: ConnectFault, attempt: number, seconds: number) =>
    terminal.stderr(`${visibleLine(`[${name}] attempt ${attempt}: ${message}; the next one in ${seconds} s`)}\n`);
  return {
    transport: transportFor({
      ssh: withRetries(ssh, { ...(stop && { stop }), ...(options.verbose > 0 && { onRetry: said }) }),
      local: localTransport({ env: terminal.env, cwd: terminal.cwd }),
    }),
    target: (target) => target,
    rendering: () => onHost,
    close: () => ssh.close(),
  };
}

/** Every host of the inventory as a stand-in on this machine. */
async function rehearsal(directory: string, project: Project, terminal: Terminal): Promise<World> {
  const { startLab } = await import('../../lab/lab.ts');
  const lab = await startLab({ directory, hosts: labHosts(project) }).catch((fault: unknown) => {
    throw new UsageFault(`the lab cannot start: ${fault instanceof Error ? fault.message : String(fault)}`);
  });
  return {
    transport: rehearsedPaths(project, {
      settingsOf: async (target) =>
        plainSettings(target, {
          user: terminal.user,
          home: terminal.home,
          env: {},
          acceptNewHostKeys: false,
          identityFiles: [lab.identityFile],
          knownHostsFiles: [lab.knownHostsFile],
        }),
      ask: null,
      env: terminal.env,
    }),
    target: lab.target,
    rendering: lab.rendering,
    close: lab.stop,
  };
}

/** In the lab all is on this machine; the host variable `lab_client` says from where one would come to the real host. */
function rehearsedPaths({ inventory, extraVars }: Project, options: Parameters<typeof sshTransport>[0]): Transport {
  const ssh = sshTransport(options);
  return {
    connect: async (target, step) => {
      const { path: _, ...connection } = await ssh.connect(target, step);
      if (findHost(inventory, target.name) === undefined) return connection;
      const { lab_client: from, ansible_host: to } = renderedVars(inventory, target.name, extraVars);
      if (typeof from !== 'string') return connection;
      return { ...connection, path: [{ from, to: typeof to === 'string' ? to : null }] };
    },
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
