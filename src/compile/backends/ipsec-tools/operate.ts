import type { Perspective } from '../../../model/tunnel.ts';
import type { BackendTask, HostEnds, Operation } from '../backend.ts';
import { connectionFiles, identity } from './connection.ts';
import { IFUP_IPSEC } from './paths.ts';
import { sharesPeer } from './removal.ts';
import { rereading } from './rereading.ts';

/** ifup, ifdown, or racoon reading its files again, on one host. Nothing is written. */
export function operate({ selected, all }: HostEnds, operation: Operation): readonly BackendTask[] {
  if (operation === 'up') return selected.map(raise);
  if (operation === 'down') return selected.map((end) => takeDown(end, all));
  return selected.some(negotiates) ? [READ_AGAIN] : [];
}

function raise(end: Perspective): BackendTask {
  const { ifcfg, keys } = connectionFiles(end);
  const files = keys.content === null ? [ifcfg] : [ifcfg, { path: keys.path, content: keys.content }];
  const requires = [{ path: IFUP_IPSEC, why: `${IFUP_IPSEC} is not there: this host knows no IPsec connections` }];
  return task(end, 'up', `ifup ${end.src.nickname}`, { ...identity(end), state: 'up', asked: true, files, requires });
}

function takeDown(end: Perspective, all: readonly Perspective[]): BackendTask {
  const shared = sharesPeer(end, all) ? { shared: true } : {};
  return task(end, 'down', `ifdown ${end.src.nickname}`, { ...identity(end), state: 'down', ...shared });
}

function task({ tunnel }: Perspective, key: string, name: string, args: BackendTask['args']): BackendTask {
  return { key: `${tunnel.name}/${key}`, name, module: 'connection', args, tunnel, triggers: null };
}

function negotiates({ tunnel }: Perspective): boolean {
  return tunnel.keying.method !== 'manual';
}

/** One racoon serves all tunnels of a host. */
const READ_AGAIN: BackendTask = {
  key: 'reload',
  name: 'racoon reads its files again (HUP)',
  module: rereading.name,
  args: {},
  tunnel: null,
  triggers: null,
};
