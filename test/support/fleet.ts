import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FleetHost, type HostSpec, startHost } from './fleet-host.ts';
import { connectFurther, connectHost, type Holder, setLink, startControl, startSwitch } from './fleet-network.ts';
import { type Ran, type Running, type RunOptions, runInNetwork } from './fleet-process.ts';
import { generateKey } from './sshd.ts';

export interface FleetOptions {
  readonly hosts: readonly HostSpec[];
  /** Lines of sshd_config for every host, before the defaults: the first value of a keyword counts. */
  readonly sshdConfig?: readonly string[];
}

/**
 * Hosts with a root tree, a process table and a network of their own, a real OpenSSH server on port 22 of each, and
 * Red Hat's userland played by the lab's programs. Beside them a control network, from which the command line reaches
 * them. A bridge in a namespace of its own joins them all: nothing of this machine's own network or mounts changes.
 *
 * No namespace has a name; each lives as long as a process of ours, and those end when their stdin does. So nothing is
 * left behind, even where this process is killed, but the temporary folder.
 */
export interface Fleet {
  readonly dir: string;
  readonly hosts: Readonly<Record<string, FleetHost>>;
  host(name: string): FleetHost;
  /** Runs a command with the control network; the files are this machine's own. */
  controlExec(argv: readonly string[], options?: RunOptions): Promise<Ran>;
  /** The same, still running: to be watched or interrupted. */
  controlSpawn(argv: readonly string[], options?: RunOptions): Running;
  /** What controlExec's commands have for a home; `.ssh` there holds the two below. */
  readonly home: string;
  /** A key that every host accepts, for every user. */
  readonly keyFile: string;
  /** Holds the keys of all hosts. */
  readonly knownHostsFile: string;
  /** Ends all processes of the host as a power cut does, then boots it. */
  reboot(name: string): Promise<void>;
  /** Pulls the host's cable, not that to its second network. */
  cut(name: string): void;
  /** Plugs it in again. */
  heal(name: string): void;
  stop(): Promise<void>;
}

export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const dir = mkdtempSync(join(tmpdir(), 'ipsec-play-fleet-'));
  const home = join(dir, 'home');
  const keyFile = join(home, '.ssh/id_ed25519');
  const knownHostsFile = join(home, '.ssh/known_hosts');
  const holders: Holder[] = [];
  const hosts: Record<string, FleetHost> = {};
  const stop = async () => {
    await Promise.all([...Object.values(hosts), ...holders].map((one) => one.stop()));
    refuseMounted(dir);
    rmSync(dir, { recursive: true, force: true });
  };

  try {
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    generateKey(keyFile);
    const authorized = readFileSync(`${keyFile}.pub`, 'utf8');
    const [bridge, control] = await Promise.all([
      startSwitch(holders, segmentsOf(options.hosts)),
      startControl(holders),
    ]);
    connectHost(bridge.pid, { pid: control.pid, port: 'control', addresses: ['198.18.0.1/15'], lan: undefined });
    const started = await Promise.allSettled(
      options.hosts.map(async (spec, index) => {
        const host = await startHost(spec, {
          dir: join(dir, 'hosts', spec.name),
          authorized,
          sshdConfig: options.sshdConfig ?? [],
          onBoot: (pid) => {
            const { address, segment = 0, alsoOn, lan } = spec;
            connectHost(bridge.pid, { pid, port: `port${index}`, segment, addresses: [`${address}/24`], lan });
            if (alsoOn === undefined) return;
            const further = { segment: alsoOn.segment, address: `${alsoOn.address}/24` };
            connectFurther(bridge.pid, { pid, port: `also${index}`, device: 'eth2', ...further });
          },
          register: (one) => {
            hosts[spec.name] = one;
          },
        });
        return host;
      }),
    );
    for (const one of started) if (one.status === 'rejected') throw one.reason;
    writeFileSync(
      knownHostsFile,
      Object.values(hosts)
        .map((host) => host.knownHosts)
        .join(''),
      { mode: 0o600 },
    );

    const host = (name: string) => {
      const found = hosts[name];
      if (found === undefined) throw new Error(`no host ${name} in this fleet`);
      return found;
    };
    const port = (name: string) => `port${options.hosts.findIndex((spec) => spec.name === name)}`;
    const run = (argv: readonly string[], given: RunOptions = {}) =>
      runInNetwork(control.pid, argv, { ...given, env: { ...controlEnvironment(home), ...given.env } });
    return {
      dir,
      hosts,
      host,
      controlExec: (argv, given) => run(argv, given).ended,
      controlSpawn: run,
      home,
      keyFile,
      knownHostsFile,
      reboot: (name) => host(name).reboot(),
      cut: (name) => setLink(bridge.pid, port(name), 'down'),
      heal: (name) => setLink(bridge.pid, port(name), 'up'),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function segmentsOf(hosts: readonly HostSpec[]): readonly number[] {
  const numbers = hosts.flatMap(({ segment, alsoOn }) => [segment ?? 0, alsoOn?.segment ?? 0]);
  return [...new Set([0, ...numbers])];
}

/** Nothing of the caller's own SSH set-up, colours or locale reaches the command. */
function controlEnvironment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, USER: 'root', LC_ALL: 'C.UTF-8', TERM: 'xterm' };
}

/** The hosts' mounts are in namespaces of theirs. Were one of them here, removing the folder would empty what it shows. */
function refuseMounted(dir: string): void {
  if (execFileSync('cat', ['/proc/self/mountinfo'], { encoding: 'utf8' }).includes(dir)) {
    throw new Error(`${dir} has mounts in this namespace; it is left alone`);
  }
}
