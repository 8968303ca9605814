import { error, warning } from '../lang/diagnostic.ts';
import { checkValue, diagnostic } from '../lang/schema.ts';
import { faultDiagnostic, template } from '../lang/template.ts';
import { sortNaturally } from '../model/natural-order.ts';
import type { Span } from '../model/span.ts';
import type { Deferred, Task } from '../model/task.ts';
import { type Perspective, perspectives, type Tunnel } from '../model/tunnel.ts';
import { knownWords } from '../playbook/suggest.ts';
import type { Activation, Backend, BackendTask } from './backends/backend.ts';
import { type Frame, type MakeTasks, NEVER, nameOf, type Place } from './compile-task.ts';
import type { PreparedTask } from './prepare.ts';
import { parsed, settle } from './scope.ts';
import { selectTunnels } from './select-tunnels.ts';

/** The module that is none of the engine's: it is compiled into tasks of others. */
export const IPSEC_TUNNELS = 'ipsec_tunnels';

/** The tunnels of the inventory, and what turns their ends into tasks. */
export interface TunnelWorld {
  readonly tunnels: readonly Tunnel[];
  readonly backend: Backend;
  /** The backend's own mapping in tunnels.yml, as written. */
  readonly options: unknown;
  readonly renewed?: ReadonlySet<string>;
}

/**
 * Compiles `ipsec_tunnels`: the ordered tasks of one host for the tunnels that the arguments choose. `only`: no others
 * than these, whatever the arguments choose.
 */
export function tunnelTasks(world: TunnelWorld): (only?: ReadonlySet<string>) => MakeTasks {
  const byHost = endsByHost(world.tunnels);
  const choose = memoized(world.tunnels);
  const spanOf = spanOnce();
  return (only) => (prepared, place, frame, args) => {
    if (args.needs.length > 0 && args !== NEVER) {
      place.report.add(argumentsLater(prepared, args.needs), place.host);
      return [];
    }
    const given = args.resolve({});
    const { selected, unmatched } = choose(patternsOf(given.tunnels));
    reportUnmatched(prepared, place, unmatched, world.tunnels);
    const all = byHost.get(place.host) ?? [];
    const tasks = world.backend.compileHost(
      { all, selected: all.filter(({ tunnel }) => selected.has(tunnel) && (only?.has(tunnel.name) ?? true)) },
      {
        activation: (given.activation as Activation | undefined) ?? 'auto',
        options: [world.options, hostOptions(world.backend, place)],
        ...(world.renewed === undefined ? {} : { renewed: world.renewed }),
      },
    );
    const spans = (tunnel: Tunnel | null) => (tunnel === null ? prepared.task.span : spanOf(tunnel));
    return dress(tasks, spans, prepared, place, frame, args);
  };
}

/** Gives the backend's tasks what the user's own task says: condition, tags, the prefix of their ids. */
function dress(
  tasks: readonly BackendTask[],
  spans: (tunnel: Tunnel | null) => Task['span'],
  prepared: PreparedTask,
  place: Place,
  frame: Frame,
  args: Parameters<MakeTasks>[3],
): readonly Task[] {
  const idOf = (key: string) => `${place.id}/${key}`;
  const suffix = frame.loop === undefined ? '' : nameOf(prepared, place, frame).slice(prepared.task.name.length);
  const { when, ignoreErrors, tags, ...more } = frame;
  const isPlain = Object.keys(more).length === 0;
  return tasks.map((task, index): Task => {
    // Spelled out, and without a spread in the common case: a mesh of 200 hosts has 160,000 of them.
    const own: { -readonly [Field in keyof Task]: Task[Field] } = {
      id: idOf(task.key),
      name: suffix === '' ? task.name : `${task.name}${suffix}`,
      module: task.module,
      args: args === NEVER ? NEVER : new ArgsOf(task),
      tunnel: task.tunnel?.name ?? null,
      triggers: task.triggers?.map(({ key, on }) => ({ task: idOf(key), on })) ?? null,
      span: spans(task.tunnel),
      when,
      ignoreErrors,
      tags,
    };
    if (task.liveness !== undefined) own.liveness = task.liveness;
    if (isPlain) return own;
    const loop = more.register === undefined ? {} : { loop: { index, count: tasks.length, item: task.name } };
    return { ...own, ...more, ...loop };
  });
}

/** Made when they are asked for. A class, because a closure for each task takes four times the memory. */
class ArgsOf implements Deferred<BackendTask['args']> {
  readonly #task: BackendTask;

  constructor(task: BackendTask) {
    this.#task = task;
  }

  get needs(): readonly string[] {
    return NOTHING;
  }

  resolve(): BackendTask['args'] {
    return this.#task.args;
  }
}

const NOTHING: readonly string[] = [];

function spanOnce(): (tunnel: Tunnel) => Span {
  const found = new Map<Tunnel, Span>();
  return (tunnel) => {
    const span = found.get(tunnel) ?? tunnel.at();
    found.set(tunnel, span);
    return span;
  };
}

/** The ends on each host, by nickname. */
export function endsByHost(tunnels: readonly Tunnel[]): ReadonlyMap<string, readonly Perspective[]> {
  const hosts = new Map<string, Perspective[]>();
  for (const tunnel of sortNaturally(tunnels, ({ name }) => name)) {
    for (const end of perspectives(tunnel)) {
      if (!end.src.managed) continue;
      const ends = hosts.get(end.src.host);
      if (ends === undefined) hosts.set(end.src.host, [end]);
      else ends.push(end);
    }
  }
  for (const [host, ends] of hosts) {
    if (ends.every(({ tunnel, src }) => src.nickname === tunnel.name)) continue;
    hosts.set(
      host,
      sortNaturally(ends, ({ src }) => src.nickname),
    );
  }
  return hosts;
}

function memoized(tunnels: readonly Tunnel[]) {
  const chosen = new Map<string, ReturnType<typeof selectTunnels>>();
  return (patterns: readonly string[]) => {
    const id = JSON.stringify(patterns);
    const found = chosen.get(id) ?? selectTunnels(tunnels, patterns);
    chosen.set(id, found);
    return found;
  };
}

function patternsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(',').map((part) => part.trim());
  return Array.isArray(value) ? value.map(String) : ['all'];
}

function reportUnmatched(
  prepared: PreparedTask,
  { report }: Place,
  unmatched: readonly string[],
  tunnels: readonly Tunnel[],
): void {
  const span = prepared.task.argsAt('tunnels');
  for (const pattern of unmatched) {
    const fix =
      tunnels.length === 0
        ? 'there are no tunnels in this inventory'
        : knownWords(
            pattern,
            tunnels.map(({ name }) => name),
          );
    report.add(error('tunnel-matches-nothing', `"${pattern}" matches no tunnel`, { span, fix }));
  }
  if (tunnels.length === 0 && unmatched.length === 0) {
    report.add(
      warning('no-tunnels', 'there are no tunnels in this inventory', { span, fix: 'write them into tunnels.yml' }),
    );
  }
}

/** The host variable that overrides the backend's options, rendered and checked. */
function hostOptions(backend: Backend, { scope, host, report }: Place): unknown {
  const value = scope.vars[backend.optionsKey];
  if (value === undefined || value === null) return undefined;
  const settled = settle(
    parsed(() => template(value)),
    scope,
  );
  if (settled.kind === 'known') {
    const complaints = checkValue(backend.optionsSchema, settled.value);
    for (const complaint of complaints) {
      const where = [backend.optionsKey, ...complaint.pointer].join('.');
      report.add(
        diagnostic({ ...complaint, message: `host variable ${where}: ${complaint.message}` }, undefined),
        host,
      );
    }
    return complaints.length === 0 ? settled.value : undefined;
  }
  if (settled.kind === 'fault') report.add(faultDiagnostic(settled.fault), host);
  else {
    const message = `the host variable ${backend.optionsKey} needs ${settled.deferred.needs.join(', ')}, which only the run will know`;
    report.add(error('tunnels-later', message, { fix: 'write its values into the inventory' }), host);
  }
  return undefined;
}

function argumentsLater({ task }: PreparedTask, needs: readonly string[]) {
  const message = `which tunnels are meant must be known before the run, and this needs ${needs.join(', ')}`;
  return error('tunnels-later', message, {
    span: task.span,
    fix: 'name the tunnels, or use variables of the inventory',
  });
}
