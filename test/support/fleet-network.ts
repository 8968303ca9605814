import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { hold } from './fleet-process.ts';

export interface Holder {
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * The network with a bridge for each segment. The bridges have no addresses, so nothing goes from one to the other.
 * `holders` gets it at once, so that it is ended also where what follows fails.
 */
export async function startSwitch(holders: Holder[], segments: readonly number[]): Promise<Holder> {
  const holder = await startNetwork(holders);
  ip(
    holder.pid,
    segments.flatMap((segment) => [
      `link add name br${segment} type bridge forward_delay 0`,
      `link set br${segment} up`,
    ]),
  );
  return holder;
}

/** The network from which the hosts are reached. */
export function startControl(holders: Holder[]): Promise<Holder> {
  return startNetwork(holders);
}

export interface Cable {
  readonly pid: number;
  /** The name of its port on the bridge. */
  readonly port: string;
  /** The number of the bridge. Default: 0. */
  readonly segment?: number;
  readonly addresses: readonly string[];
  /** A second device with this address, joined to nothing. */
  readonly lan: string | undefined;
}

/** What joins a host to one more bridge; without a default route. */
export interface FurtherCable {
  readonly pid: number;
  readonly port: string;
  readonly segment: number;
  readonly device: string;
  readonly address: string;
}

/**
 * Joins the network of a process to the bridge. All addresses are on the one link, whatever their networks. The device
 * has the same hardware address each time, as after a reboot, so that its neighbours need not learn a new one.
 */
export function connectHost(bridge: number, { pid, port, segment = 0, addresses, lan }: Cable): void {
  plug(bridge, pid, port, segment, 'eth0');
  ip(pid, [
    'link set lo up',
    ...addresses.map((address) => `addr add ${address} dev eth0`),
    'link set eth0 up',
    'route add default dev eth0',
    // A bridge without ports stands for a LAN's device: not every kernel has dummy ones.
    ...(lan === undefined ? [] : ['link add name eth1 type bridge', `addr add ${lan} dev eth1`, 'link set eth1 up']),
  ]);
}

export function connectFurther(bridge: number, { pid, port, segment, device, address }: FurtherCable): void {
  plug(bridge, pid, port, segment, device);
  ip(pid, [`addr add ${address} dev ${device}`, `link set ${device} up`]);
}

export function setLink(bridge: number, port: string, state: 'up' | 'down'): void {
  ip(bridge, [`link set ${port} ${state}`]);
}

function plug(bridge: number, pid: number, port: string, segment: number, device: string): void {
  unplug(bridge, port);
  const mac = createHash('sha256').update(port).digest('hex').slice(0, 10).replace(/../g, ':$&');
  ip(bridge, [
    `link add name ${port} type veth peer name ${device} address 02${mac} netns ${pid}`,
    `link set ${port} master br${segment}`,
    `link set ${port} up`,
  ]);
}

/** What a dead host was plugged into is taken away by the kernel, but not at once. */
function unplug(bridge: number, port: string): void {
  spawnSync('nsenter', [`--net=/proc/${bridge}/ns/net`, 'ip', 'link', 'del', port], { stdio: 'ignore' });
}

async function startNetwork(holders: Holder[]): Promise<Holder> {
  const held = hold(['unshare', '--net', 'sh', '-c', 'ip link set lo up && echo ready && exec cat >/dev/null']);
  const holder = { pid: held.pid, stop: held.kill };
  holders.push(holder);
  await held.said('ready');
  return holder;
}

function ip(pid: number, commands: readonly string[]): void {
  execFileSync('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-batch', '-'], {
    input: `${commands.join('\n')}\n`,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}
