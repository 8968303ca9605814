import type { ListrTask } from 'listr2';
import type { RunEvent } from '../engine/events.ts';
import type { HostResult, RunResult, TaskResult } from '../engine/result.ts';
import type { Output, Reporter, ReportOptions } from './output.ts';
import { recapLines } from './recap.ts';
import { isNews, taskLines } from './task-lines.ts';
import { visible, visibleLine } from './visible.ts';

/**
 * How much of the hosts fits on the screen: all tasks of each, a line for each with the task at work, or one line for
 * all of them. What does not fit would scroll away and be drawn again and again.
 */
type Style = 'tasks' | 'lines' | 'summary';

/** About as many tasks as a host has in a change. */
const TASKS_OF_A_HOST = 11;

/** Live progress on a terminal's stderr while it lasts; what came of it goes to stdout when it is over. */
export function ttyReporter(output: Output, options: ReportOptions, terminal: NodeJS.WriteStream): Reporter {
  const displays: Display[] = [];
  const finished: { host: string; result: HostResult }[] = [];
  let outcome: RunResult | null = null;
  const listen = (event: RunEvent) => {
    if (event.type === 'play-started') {
      void displays.at(-1)?.end();
      displays.push(startDisplay(event.play, event.hosts, options, terminal));
    }
    displays.at(-1)?.listen(event);
    if (event.type === 'host-finished') finished.push({ host: event.host, result: event.result });
    if (event.type === 'run-finished') outcome = event.result;
  };
  const close = async () => {
    await Promise.all(displays.map((display) => display.end()));
    for (const { host, result } of finished) {
      const news = result.tasks.filter((task) => isNews(task, options));
      const lines = news.flatMap((task) => taskLines(host, task, options, output.colors));
      if (lines.length > 0) output.results(`${lines.join('\n')}\n`);
    }
    if (outcome !== null) {
      output.results(`\n${recapLines(options.command, outcome, output.colors).join('\n')}\n`);
    }
  };
  return { listen, close };
}

interface Display {
  listen(event: RunEvent): void;
  end(): Promise<void>;
}

function startDisplay(
  play: string,
  hosts: readonly string[],
  options: ReportOptions,
  terminal: NodeJS.WriteStream,
): Display {
  const style = styleFor(hosts.length, options.command, terminal.rows || 24);
  const lanes = new Map(hosts.map((host) => [host, lane(host, style, options)]));
  const over = gate<void>();
  const started = import('listr2').then(({ Listr, ListrLogger, ProcessOutput }) => {
    const logger = new ListrLogger({ processOutput: new ProcessOutput(terminal, terminal) });
    const all = [...lanes.values()];
    const tasks = style === 'summary' ? [summary(play, all, options, over.opened)] : all.map(({ task }) => task);
    const listr = new Listr(tasks, {
      concurrent: true,
      exitOnError: false,
      // Its handler of SIGINT would end the process in the middle of an apply.
      registerSignalListeners: false,
      rendererOptions: { logger, collapseErrors: false, timer: ELAPSED },
    });
    return listr.run().catch(() => {});
  });
  return {
    listen: (event) => {
      if ('host' in event) lanes.get(event.host)?.listen(event);
      if (event.type === 'stopping') for (const each of lanes.values()) each.listen(event);
    },
    end: async () => {
      over.open();
      for (const each of lanes.values()) each.end();
      await started;
    },
  };
}

export function styleFor(hosts: number, command: ReportOptions['command'], rows: number): Style {
  if (command === 'apply' && hosts * TASKS_OF_A_HOST < rows) return 'tasks';
  return hosts + 2 < rows ? 'lines' : 'summary';
}

/** Too many hosts for a line each: how many are done, and who is at work. */
function summary(play: string, lanes: readonly Lane[], options: ReportOptions, over: Promise<void>): ListrTask {
  return {
    title: visibleLine(`${options.command} "${play}" on ${lanes.length} hosts`),
    rendererOptions: { outputBar: 1 },
    task: async (_, task) => {
      const tick = setInterval(() => {
        const running = lanes.filter((each) => each.state === 'running').map((each) => each.host);
        const done = lanes.filter((each) => each.state === 'done').length;
        task.output = `${done} of ${lanes.length} done; at work: ${running.slice(0, 6).join(', ')}`;
      }, 200);
      await over;
      clearInterval(tick);
    },
  };
}

interface Lane {
  readonly host: string;
  readonly task: ListrTask;
  readonly state: 'waiting' | 'running' | 'done';
  listen(event: RunEvent): void;
  end(): void;
}

/** One host: its changes as they come, each with what is disruptive about it. */
function lane(host: string, style: Style, options: ReportOptions): Lane {
  const planned = gate<readonly TaskResult[]>();
  const finished = gate<HostResult | null>();
  const tasks = new Map<string, Gate<TaskResult>>();
  let state: Lane['state'] = 'waiting';
  let retitle: (title: string) => void = () => {};
  let stopping = false;

  const outcome = async () => {
    const result = await finished.opened;
    if (result?.status === 'failed' || result?.status === 'unreachable') {
      throw new Error(`${host}: ${visible(result.error?.message ?? result.status)}`);
    }
    retitle(`${host}: ${result === null ? 'not begun' : WORDS[options.command][result.status]}`);
  };
  const task: ListrTask = {
    title: host,
    task: async (_, self) => {
      retitle = (title) => {
        self.title = title;
      };
      if (style !== 'tasks') return outcome();
      const plan = await Promise.race([planned.opened, finished.opened.then(() => [])]);
      const changes = plan.filter(({ status }) => status === 'changed');
      if (changes.length === 0) return outcome();
      const steps: ListrTask[] = changes.map((change) => ({
        title: titleOf(change),
        task: async () => {
          const result = await Promise.race([gateOf(tasks, change.id).opened, finished.opened.then(() => null)]);
          if (result === null || result.status === 'failed') throw new Error(result === null ? 'not run' : change.name);
        },
      }));
      const proof: ListrTask = { title: 'read again: nothing left to do', task: outcome };
      return self.newListr([...steps, proof], { concurrent: false, exitOnError: true });
    },
  };
  return {
    host,
    task,
    get state() {
      return state;
    },
    listen: (event) => {
      if (event.type === 'stopping') {
        stopping = true;
        if (state === 'running') retitle(`${host}: stopping after the running task`);
      }
      if (event.type === 'host-started') {
        state = 'running';
        if (style === 'lines') retitle(`${host}: reading`);
      }
      if (event.type === 'host-planned') planned.open(event.tasks);
      if (event.type === 'task-started' && style === 'lines' && !stopping) retitle(`${host}: ${titleOf(event.task)}`);
      if (event.type === 'host-proving' && style === 'lines') retitle(`${host}: reading it again`);
      if (event.type === 'host-verifying') retitle(`${host}: proving ${visibleLine(event.tunnels.join(', '))}`);
      if (event.type === 'host-restoring') retitle(`${host}: putting the old state back`);
      if (event.type === 'task-finished') gateOf(tasks, event.task.id).open(event.task);
      if (event.type === 'host-finished') {
        state = 'done';
        finished.open(event.result);
      }
    },
    end: () => finished.open(null),
  };
}

const WORDS: Readonly<Record<ReportOptions['command'], Readonly<Record<HostResult['status'], string>>>> = {
  check: { ok: 'in sync', changed: 'would change', failed: 'failed', unreachable: 'unreachable', skipped: 'not begun' },
  apply: { ok: 'in sync', changed: 'changed', failed: 'failed', unreachable: 'unreachable', skipped: 'not begun' },
};

function titleOf({ name, disruptive }: TaskResult): string {
  return visibleLine(disruptive === null ? name : `${name} (${disruptive})`);
}

/** Shown from half a second on. */
const ELAPSED = {
  condition: (ms: number) => ms > 500,
  format: () => (text: string | undefined) => text ?? '',
  field: (ms: number) => `${(ms / 1000).toFixed(1)} s`,
};

/** A promise and the way to keep it. */
interface Gate<T> {
  readonly opened: Promise<T>;
  open(value: T): void;
}

function gate<T>(): Gate<T> {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open: (value) => open(value) };
}

function gateOf<T>(gates: Map<string, Gate<T>>, id: string): Gate<T> {
  const known = gates.get(id);
  if (known) return known;
  const fresh = gate<T>();
  gates.set(id, fresh);
  return fresh;
}
