import { HostState } from '../model/host-state.ts';
import type { Task } from '../model/task.ts';
import { factsProbe, RELEASE_FILE, readFacts } from './facts.ts';
import type { HostRun } from './host-run.ts';
import type { Ledger } from './ledger.ts';
import type { AnyModule, Facts } from './module.ts';
import { probeScript } from './probe.ts';
import { resultRegister } from './register.ts';
import type { Session } from './session.ts';
import { readFiles } from './sh.ts';

/** A host as it was read, and the arguments that could be known then. */
export interface View extends Arguments {
  readonly state: HostState;
  readonly facts: Facts;
}

interface Arguments {
  readonly args: ReadonlyMap<string, Record<string, unknown>>;
  readonly argFaults: ReadonlyMap<string, string>;
}

/** Files keep changing size while they are read, so no plan can be made on them. */
export class UnsteadyHost extends Error {
  constructor() {
    super('a file on the host keeps changing while it is read; nothing more was done');
    this.name = 'UnsteadyHost';
  }
}

/** Reads all that the tasks need; tasks whose arguments come to be known by that are read in a second exchange. */
export async function readHost(run: HostRun, session: Session, book: Ledger): Promise<View> {
  const needs = run.host.tasks.flatMap((task) => [...task.when.needs, ...task.args.needs]);
  const before = knownArgs(run, book);
  const first = await exchange(run, session, before.args, book.facts ?? {}, needs);
  book.facts = first.facts;
  const after = knownArgs(run, book);
  const more = new Map([...after.args].filter(([id]) => !before.args.has(id)));
  if (more.size === 0) return { ...after, ...first };
  const second = await exchange(run, session, more, first.facts, []);
  return { ...after, facts: first.facts, state: first.state.merge(second.state) };
}

async function exchange(
  run: HostRun,
  session: Session,
  args: ReadonlyMap<string, Record<string, unknown>>,
  facts: Facts,
  needs: readonly string[],
): Promise<{ state: HostState; facts: Facts }> {
  const probed = run.host.tasks.filter((task) => args.has(task.id));
  const scripts = probed.map((task) => moduleOf(run, task).probe(args.get(task.id), facts));
  for (let attempt = 1; ; attempt += 1) {
    const probe = probeScript([readFiles([RELEASE_FILE]), factsProbe(needs), ...scripts], run.nonce, run.rendering);
    const outputs = probe.read(await session.run(probe.text));
    if (outputs === null) {
      if (attempt < 3) continue;
      throw new UnsteadyHost();
    }
    const [release, uname, ...answers] = outputs;
    const parsed = probed.map((task, index) => {
      const output = answers[index];
      if (output === undefined) throw new Error('a probe has no answer');
      return moduleOf(run, task).parse(output, args.get(task.id));
    });
    return { state: HostState.merge(parsed), facts: readFacts(release?.files.get(RELEASE_FILE), uname?.stdout ?? '') };
  }
}

/** The arguments of every task that can be known by now. */
export function knownArgs(run: HostRun, book: Ledger): Arguments {
  const facts = book.variables();
  const results = resultRegister();
  const args = new Map<string, Record<string, unknown>>();
  const argFaults = new Map<string, string>();
  for (const task of run.host.tasks) {
    const vars = task.args.needs.length === 0 ? {} : { ...facts, ...results.known() };
    results.note(task, book.resultOf(task));
    if (task.args.needs.some((name) => vars[name] === undefined)) continue;
    try {
      args.set(task.id, task.args.resolve(vars));
    } catch (fault) {
      argFaults.set(task.id, fault instanceof Error ? fault.message : String(fault));
    }
  }
  return { args, argFaults };
}

export function moduleOf(run: HostRun, task: Task): AnyModule {
  const module = run.modules.get(task.module);
  if (module === undefined) throw new Error(`no module ${task.module}`);
  return module;
}
