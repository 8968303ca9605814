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
  const wanted = ends.selected
    .filter(({ tunnel }) => tunnel.state === 'present')
    .map((end) => new Wanted(end, options));
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
    ...(activates ? wanted.map((one) => replacedTask(one, ends, context)) : []),
    ...writing,
    ...restartTasks(wanted, writing, context),
    ...(activates ? wanted.map(upTask) : []),
    ...(activates ? restorePskTasks(psk, ends.all) : []),
  ];
}

/**
 * An end that shall be there. What it shall be is made when the first of its tasks asks: a mesh of 200 hosts has 40,000
 * ends with 120,000 tasks, `validate` needs none of it. These two are classes, because closures and objects with getters of
 * their own take twice the memory.
 */
class Wanted {
  readonly end: Perspective;
  readonly #paths: RacoonOptions['paths'];
  #files: ConnectionFiles | null = null;
  #connection: ReturnType<typeof connectionArgs> | null = null;

  constructor(end: Perspective, { paths }: RacoonOptions) {
    this.end = end;
    this.#paths = paths;
  }

  get files(): ConnectionFiles {
    this.#files ??= connectionFiles(this.end);
    return this.#files;
  }

  get connection(): ReturnType<typeof connectionArgs> {
    const { certificate, pre_shared_key: psk } = this.#paths;
    this.#connection ??= connectionArgs(this.end, this.files, certificate, psk);
    return this.#connection;
  }
}

/** A task that belongs to one tunnel. */
class TunnelTask implements BackendTask {
  readonly key: string;
  readonly name: string;
  readonly module: string;
  readonly liveness?: readonly string[];
  readonly triggers = null;
  readonly #wanted: Wanted;
  readonly #make: (wanted: Wanted) => BackendTask['args'];
  #made: BackendTask['args'] | null = null;

  constructor(
    wanted: Wanted,
    key: string,
    name: string,
    module: string,
    make: (wanted: Wanted) => BackendTask['args'],
    liveness?: readonly string[],
  ) {
    this.key = `${wanted.end.tunnel.name}/${key}`;
    this.name = name;
    this.module = module;
    if (liveness !== undefined) this.liveness = liveness;
    this.#wanted = wanted;
    this.#make = make;
  }

  get tunnel(): Tunnel {
    return this.#wanted.end.tunnel;
  }

  get args(): BackendTask['args'] {
    this.#made ??= this.#make(this.#wanted);
    return this.#made;
  }
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

/** racoon negotiates for automatic keying only; manual keying is setkey's alone. */
function racoonTasks(wanted: readonly Wanted[], options: RacoonOptions): readonly BackendTask[] {
  if (wanted.every(({ end }) => end.tunnel.keying.method === 'manual')) return [];
  return [task('racoon-conf', 'racoon.conf', 'racoon_conf', { path: RACOON_CONF, content: racoonConf(options) })];
}

function fileTasks(wanted: Wanted): readonly BackendTask[] {
  const { nickname } = wanted.end.src;
  return [
    new TunnelTask(wanted, 'ifcfg', `ifcfg-${nickname}`, 'file', ifcfgArgs),
    new TunnelTask(wanted, 'keys', `keys-${nickname}`, 'file', keysArgs),
  ];
}

function ifcfgArgs({ files: { ifcfg } }: Wanted): BackendTask['args'] {
  return { ...ifcfg, ...ofRoot('0644') };
}

function keysArgs({ files }: Wanted): BackendTask['args'] {
  const { path, content } = files.keys;
  return content === null ? { path, state: 'absent' } : { path, content, sourced: {}, ...ofRoot('0600') };
}

function ofRoot(mode: string) {
  return { mode, owner: 'root', group: 'root' };
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

function replacedTask(wanted: Wanted, ends: HostEnds, context: BackendContext): BackendTask {
  const { nickname } = wanted.end.src;
  const more = renewal(wanted, ends, context);
  const make = more === null ? replacedArgs : (one: Wanted) => ({ ...replacedArgs(one), ...more });
  return new TunnelTask(wanted, 'replaced', `prepare ${nickname} (ifdown if it is up)`, 'connection', make);
}

function replacedArgs({ connection }: Wanted): BackendTask['args'] {
  return { ...connection, state: 'replaced' };
}

function upTask(wanted: Wanted): BackendTask {
  const { src, dst } = wanted.end;
  return new TunnelTask(wanted, 'up', `ifup ${src.nickname}`, 'connection', upArgs, ping(src, dst));
}

function upArgs({ connection }: Wanted): BackendTask['args'] {
  return { ...connection, state: 'up' };
}

/** Manual SAs go with ifdown, those of IKE stay; of other tunnels to the same peer the manual ones are spared. */
function renewal(
  { end: { tunnel, dst } }: Wanted,
  { all }: HostEnds,
  { renewed }: BackendContext,
): BackendTask['args'] | null {
  if (renewed?.has(tunnel.name) !== true || tunnel.keying.method === 'manual') return null;
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
