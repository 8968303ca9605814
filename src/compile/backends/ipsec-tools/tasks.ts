import type { End, Perspective, Tunnel } from '../../../model/tunnel.ts';
import type { BackendContext, BackendTask, HostEnds } from '../backend.ts';
import { type ConnectionFiles, connectionArgs, connectionFiles } from './connection.ts';
import { RACOON_CONF, SYSCTL_CONF } from './paths.ts';
import { type PskEntry, pskEntries } from './psk.ts';
import { racoonConf } from './racoon-conf.ts';
import { type RacoonOptions, racoonOptions } from './racoon-options.ts';
import { removedPeers, removeEnd } from './removal.ts';

/**
 * The tasks of one host, in the order in which they must run: what goes is taken down first; what changes is taken down
 * while its old files are still in place (`ifdown` reads them); then the files, then what makes them take effect.
 */
export function hostTasks(ends: HostEnds, context: BackendContext): readonly BackendTask[] {
  const options = racoonOptions(context.options);
  const gone = ends.selected.filter(({ tunnel }) => tunnel.state === 'absent');
  const wanted = ends.selected.filter(({ tunnel }) => tunnel.state === 'present').map((end) => want(end, options));
  const activates = context.activation !== 'none';
  const removals = gone.flatMap((end) => removeEnd(end, ends.all, options));
  if (wanted.length === 0) return removals;

  const psk: PskArgs = {
    path: options.paths.pre_shared_key,
    entries: pskEntries(wanted.map(({ end }) => end)),
    absent: removedPeers(gone, ends.all),
  };
  const writing = [
    ...racoonTasks(wanted, options),
    ...wanted.flatMap(fileTasks),
    ...pskTasks(psk),
    ...forwardingTasks(wanted),
  ];
  return [
    task('package', 'install ipsec-tools', 'package', { name: 'ipsec-tools', state: 'present' }),
    ...removals,
    ...(activates ? wanted.map((one) => connectionTask(one, 'replaced', renewal(one, ends, context))) : []),
    ...writing,
    ...restartTasks(wanted, writing, context),
    ...(activates ? wanted.map((one) => connectionTask(one, 'up')) : []),
    ...(activates ? restorePskTasks(psk, ends.all) : []),
  ];
}

/** What it shall be is made when the first of its tasks asks: a mesh of 200 hosts has 40,000 ends, `validate` needs none. */
interface Wanted {
  readonly end: Perspective;
  readonly files: () => ConnectionFiles;
  readonly connection: () => ReturnType<typeof connectionArgs>;
}

function want(end: Perspective, { paths }: RacoonOptions): Wanted {
  const files = once(() => connectionFiles(end));
  return {
    end,
    files,
    connection: once(() => connectionArgs(end, files(), paths.certificate, paths.pre_shared_key)),
  };
}

function once<T extends object>(make: () => T): () => T {
  let made: T | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

interface PskArgs {
  readonly path: string;
  readonly entries: readonly PskEntry[];
  readonly absent: readonly string[];
}

/** A task that belongs to the host as a whole. */
function task(key: string, name: string, module: string, args: BackendTask['args']): BackendTask {
  return { key, name, module, args, tunnel: null, triggers: null };
}

/**
 * A task that belongs to one tunnel; its arguments are made when they are first asked for. A class, because each object
 * literal with a getter of its own has a shape of its own, which takes as much memory again.
 */
class TunnelTask implements BackendTask {
  readonly key: string;
  readonly name: string;
  readonly module: string;
  readonly tunnel: Tunnel;
  readonly liveness?: readonly string[];
  readonly triggers = null;
  readonly #make: () => BackendTask['args'];
  #made: BackendTask['args'] | null = null;

  constructor(
    tunnel: Tunnel,
    key: string,
    name: string,
    module: string,
    make: () => BackendTask['args'],
    liveness?: readonly string[],
  ) {
    this.key = `${tunnel.name}/${key}`;
    this.name = name;
    this.module = module;
    this.tunnel = tunnel;
    if (liveness !== undefined) this.liveness = liveness;
    this.#make = make;
  }

  get args(): BackendTask['args'] {
    this.#made ??= this.#make();
    return this.#made;
  }
}

/** racoon negotiates for automatic keying only; manual keying is setkey's alone. */
function racoonTasks(wanted: readonly Wanted[], options: RacoonOptions): readonly BackendTask[] {
  if (wanted.every(({ end }) => end.tunnel.keying.method === 'manual')) return [];
  return [task('racoon-conf', 'racoon.conf', 'racoon_conf', { path: RACOON_CONF, content: racoonConf(options) })];
}

function fileTasks({ end: { tunnel, src }, files }: Wanted): readonly BackendTask[] {
  const attributes = (mode: string) => ({ mode, owner: 'root', group: 'root' });
  const keys = () => {
    const { path, content } = files().keys;
    return content === null ? { path, state: 'absent' } : { path, content, sourced: {}, ...attributes('0600') };
  };
  return [
    new TunnelTask(tunnel, 'ifcfg', `ifcfg-${src.nickname}`, 'file', () => ({
      ...files().ifcfg,
      ...attributes('0644'),
    })),
    new TunnelTask(tunnel, 'keys', `keys-${src.nickname}`, 'file', keys),
  ];
}

function pskTasks(psk: PskArgs): readonly BackendTask[] {
  if (psk.entries.length === 0) return [];
  return [task('psk', 'psk.txt', 'psk', { ...psk, restore: false, raised: [] })];
}

/** Between networks the host is a router. */
function forwardingTasks(wanted: readonly Wanted[]): readonly BackendTask[] {
  if (wanted.every(({ end }) => end.tunnel.type !== 'network-to-network')) return [];
  return [
    task('ip-forward', 'net.ipv4.ip_forward', 'sysctl', { key: 'net.ipv4.ip_forward', value: '1', path: SYSCTL_CONF }),
  ];
}

/**
 * Red Hat's procedure restarts the network for a connection that is new and comes up at boot, and for forwarding; what is
 * only changed needs no more than its own ifdown and ifup.
 */
function restartTasks(
  wanted: readonly Wanted[],
  writing: readonly BackendTask[],
  context: BackendContext,
): readonly BackendTask[] {
  const triggers = restartTriggers(wanted, writing, context);
  if (triggers.length === 0) return [];
  return [
    { ...task('network', 'service network restart', 'service', { name: 'network', state: 'restarted' }), triggers },
  ];
}

function restartTriggers(wanted: readonly Wanted[], writing: readonly BackendTask[], { activation }: BackendContext) {
  if (activation === 'network-restart') return writing.map(({ key }) => ({ key, on: 'change' as const }));
  if (activation !== 'auto') return [];
  const atBoot = wanted.filter(({ end }) => end.tunnel.onboot);
  const forwarding = writing.filter(({ module }) => module === 'sysctl');
  return [
    ...atBoot.map(({ end }) => ({ key: `${end.tunnel.name}/ifcfg`, on: 'created' as const })),
    ...forwarding.map(({ key }) => ({ key, on: 'change' as const })),
  ];
}

function connectionTask(
  { end: { tunnel, src, dst }, connection }: Wanted,
  state: 'replaced' | 'up',
  more: BackendTask['args'] = {},
): BackendTask {
  const name = state === 'up' ? `ifup ${src.nickname}` : `prepare ${src.nickname} (ifdown if it is up)`;
  const args = () => ({ ...connection(), state, ...more });
  return new TunnelTask(tunnel, state, name, 'connection', args, state === 'up' ? ping(src, dst) : undefined);
}

/** Manual SAs go with ifdown, those of IKE stay; of other tunnels to the same peer the manual ones are spared. */
function renewal(
  { end: { tunnel, dst } }: Wanted,
  { all }: HostEnds,
  { renewed }: BackendContext,
): BackendTask['args'] {
  if (renewed?.has(tunnel.name) !== true || tunnel.keying.method === 'manual') return {};
  const spared = all.flatMap(({ tunnel: { keying }, dst: { address } }) => {
    if (keying.method !== 'manual' || address !== dst.address) return [];
    return keying.sent.flatMap(({ ah, esp }) => [ah?.spi, esp?.spi].filter((spi) => spi !== undefined));
  });
  return { renew: true, ...(spared.length === 0 ? {} : { spared }) };
}

/** From an address that the policies are about, to one; up to five seconds, for IKE may have to make the SAs first. */
function ping(src: End, dst: End): readonly string[] {
  return ['ping', '-c', '1', '-w', '5', '-I', src.gateway ?? src.address, dst.gateway ?? dst.address];
}

/** RHEL 4/5's ifup drops the lines of other peers; a network restart runs it for every connection of the host. */
function restorePskTasks(psk: PskArgs, all: readonly Perspective[]): readonly BackendTask[] {
  if (psk.entries.length === 0) return [];
  const raised = pskEntries(all.filter(({ tunnel }) => tunnel.onboot)).map(({ peer }) => peer);
  return [task('psk-restored', 'psk.txt put right again', 'psk', { ...psk, restore: true, raised })];
}
