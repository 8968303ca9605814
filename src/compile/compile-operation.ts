import { sortNaturally } from '../model/natural-order.ts';
import { ALWAYS_DUE, type CompiledPlay, known, type Task } from '../model/task.ts';
import type { Tunnel } from '../model/tunnel.ts';
import type { Backend, BackendTask, Operation } from './backends/backend.ts';
import { endsByHost } from './tunnel-task.ts';

/**
 * The play of `up`, `down` or `reload`: both ends of each chosen tunnel, and nothing else of their hosts. `all`: the
 * tunnels of the inventory, for what they have in common with others on a host.
 */
export function compileOperation(
  operation: Operation,
  chosen: readonly Tunnel[],
  all: readonly Tunnel[],
  backend: Backend,
): CompiledPlay {
  const selected = new Set(chosen);
  const hosts = [...endsByHost(all)].map(([host, ends]) => {
    const own = ends.filter(({ tunnel }) => selected.has(tunnel));
    const tasks = own.length === 0 ? [] : backend.operate({ selected: own, all: ends }, operation).map(compiled);
    return { host, tasks, become: null };
  });
  return {
    name: `${operation} ${chosen.map(({ name }) => name).join(' ')}`,
    serial: [],
    hosts: sortNaturally(
      hosts.filter(({ tasks }) => tasks.length > 0),
      ({ host }) => host,
    ),
    // Who begins a tunnel stops first, while the other end can still answer.
    ...(operation === 'down' ? { beginnersFirst: true } : {}),
  };
}

function compiled({ key, name, module, args, tunnel }: BackendTask): Task {
  return {
    id: key,
    name,
    module,
    args: known(args),
    tunnel: tunnel?.name ?? null,
    ...ALWAYS_DUE,
    span: tunnel?.at() ?? null,
  };
}
