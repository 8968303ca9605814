import { HostState } from '../model/host-state.ts';
import type { Task } from '../model/task.ts';
import { factsProbe, RELEASE_FILE, readFacts } from './facts.ts';
import type { Frame } from './frames.ts';
import type { HostRun } from './host-run.ts';
import type { Ledger } from './ledger.ts';
import type { AnyModule, Facts } from './module.ts';
import { probeScript } from './probe.ts';
import { resultRegister } from './register.ts';
import type { Problem } from './result.ts';
import type { Session } from './session.ts';
import { readFiles } from './sh.ts';
import { HostFault, type Overrun, runInTime } from './time-limit.ts';
import { type Leftovers, probeLeftovers, readLeftovers } from './transaction/leftovers.ts';

/** A host as it was read, and the arguments that could be known then. */
export interface View extends Arguments {
  readonly state: HostState;
  readonly facts: Facts;
  /** Of earlier runs. */
  readonly leftovers: Leftovers;
}

interface Arguments {
  readonly args: ReadonlyMap<string, Record<string, unknown>>;
  readonly argFaults: ReadonlyMap<string, string>;
}

/** Reads all that the tasks need; tasks whose arguments come to be known by that are read in a second exchange. */
export async function readHost(run: HostRun, session: Session, book: Ledger): Promise<View> {
  book.reading();
  const needs = run.host.tasks.flatMap((task) => [...task.when.needs, ...task.args.needs]);
  const before = knownArgs(run, book);
  const first = await exchange(run, session, before.args, book.facts ?? {}, needs);
  book.facts = first.facts;
  const after = knownArgs(run, book);
  const more = new Map([...after.args].filter(([id]) => !before.args.has(id)));
  if (more.size === 0) return { ...after, ...first };
  const second = await exchange(run, session, more, first.facts, []);
  return { ...after, ...first, state: first.state.merge(second.state) };
}

async function exchange(
  run: HostRun,
  session: Session,
  args: ReadonlyMap<string, Record<string, unknown>>,
  facts: Facts,
  needs: readonly string[],
): Promise<Pick<View, 'state' | 'facts' | 'leftovers'>> {
  const probed = run.host.tasks.filter((task) => args.has(task.id));
  const scripts = probed.map((task) => moduleOf(run, task).probe(args.get(task.id), facts));
  for (let attempt = 1; ; attempt += 1) {
    const probe = probeScript(
      [readFiles([RELEASE_FILE]), factsProbe(needs), probeLeftovers, ...scripts],
      run.nonce,
      run.rendering,
    );
    const outputs = probe.read(await readInTime(run, session, probe.text));
    if (outputs === null) {
      if (attempt < 3) continue;
      // No plan can be made on it.
      const message = 'a file on the host keeps changing while it is read; nothing more was done';
      throw new HostFault({ code: 'unsteady', message });
    }
    const [release, uname, left, ...answers] = outputs;
    const parsed = probed.map((task, index) => {
      const output = answers[index];
      if (output === undefined) throw new Error('a probe has no answer');
      return moduleOf(run, task).parse(output, args.get(task.id));
    });
    return {
      state: HostState.merge(parsed),
      facts: readFacts(release?.files.get(RELEASE_FILE), uname?.stdout ?? ''),
      leftovers: readLeftovers(left?.stdout ?? ''),
    };
  }
}

/** Reading changes nothing, so it is also ended when the time of the whole run is over. */
async function readInTime(run: HostRun, session: Session, script: string): Promise<ReadonlyMap<string, Frame>> {
  const seconds = run.limits.command || null;
  let forget: () => void = () => {};
  try {
    const { value, overrun } = await runInTime(session, run.limits.timer, (watch) => {
      forget = run.stop.onRequest(() => {
        if (run.stop.overtime !== null) watch.expire();
      });
      watch.start(seconds, () => {});
      return session.run(script, { step: 'probe' });
    });
    if (overrun === null && value !== null) return value;
    throw new HostFault(run.stop.overtime ?? tooSlow(seconds ?? 0, overrun ?? 'left'));
  } finally {
    forget();
  }
}

function tooSlow(seconds: number, overrun: Overrun): Problem {
  const end = overrun === 'ended' ? 'it was ended' : 'it could not be ended, and may still be running';
  const message = `reading the host did not come to an end within ${seconds} s (--command-timeout): a command that only reads hangs there; ${end}. Nothing more was done`;
  return { code: 'command-timeout', message };
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
