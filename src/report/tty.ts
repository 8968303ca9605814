import type { ListrTask } from 'listr2';
import type { RunEvent } from '../engine/events.ts';
import type { HostResult, RunResult, TaskResult } from '../engine/result.ts';
import type { Output, Reporter, ReportOptions } from './output.ts';
import { recapLines } from './recap.ts';
import { isNews, taskLines } from './task-lines.ts';

/** Above this many hosts a line each would scroll away: then one line tells of all. */
const HOSTS_SHOWN = 24;

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
      const lines = result.tasks
        .filter((task) => isNews(task, options))
        .flatMap((task) => taskLines(host, task, options, output.colors));
      if (lines.length > 0) output.results(`${lines.join('\n')}\n`);
    }
    if (outcome !== null) output.results(`\n${recapLines(options.command, outcome, output.colors).join('\n')}\n`);
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
  const lanes = new Map(hosts.map((host) => [host, lane(host, options)]));
  const count = { done: 0 };
  const over = gate<void>();
  const summary: ListrTask = {
    title: `${options.command} "${play}" on ${hosts.length} hosts`,
    task: async (_, task) => {
      const tick = setInterval(() => {
        const running = [...lanes.values()].filter((each) => each.running).map((each) => each.host);
        task.output = `${count.done} of ${hosts.length} done; at work: ${running.slice(0, 8).join(', ')}`;
      }, 200);
      await over.opened;
      clearInterval(tick);
    },
  };
  const started = import('listr2').then(({ Listr, ListrLogger, ProcessOutput }) => {
    const logger = new ListrLogger({ processOutput: new ProcessOutput(terminal, terminal) });
    const listr = new Listr(hosts.length > HOSTS_SHOWN ? [summary] : [...lanes.values()].map(({ task }) => task), {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: {
        logger,
        collapseSubtasks: false,
        collapseErrors: false,
        showErrorMessage: true,
        timer: elapsed,
      },
    });
    return listr.run().catch(() => {});
  });
  return {
    listen: (event) => {
      if ('host' in event) lanes.get(event.host)?.listen(event);
      if (event.type === 'host-finished') count.done += 1;
    },
    end: async () => {
      over.open();
      for (const each of lanes.values()) each.end();
      await started;
    },
  };
}

/** One host: its changes as they come, each with what is disruptive about it. */
function lane(host: string, options: ReportOptions) {
  const planned = gate<readonly TaskResult[]>();
  const finished = gate<HostResult | null>();
  const tasks = new Map<string, ReturnType<typeof gate<TaskResult>>>();
  let running = false;

  const task: ListrTask = {
    title: host,
    task: async (_, self) => {
      const changes = (await Promise.race([planned.opened, finished.opened.then(() => [])])).filter(
        ({ status }) => status === 'changed',
      );
      const ending = async () => {
        const result = await finished.opened;
        if (result === null) self.title = `${host}: not begun`;
        else if (result.status === 'failed' || result.status === 'unreachable')
          throw new Error(result.error?.message ?? result.status);
        else
          self.title = `${host}: ${result.status === 'ok' ? 'in sync' : options.command === 'check' ? 'would change' : 'changed'}`;
      };
      if (options.command === 'check' || changes.length === 0) return ending();
      const steps: ListrTask[] = changes.map((change) => ({
        title: change.disruptive === null ? change.name : `${change.name} (${change.disruptive})`,
        task: async () => {
          const result = await Promise.race([gateOf(tasks, change.id).opened, finished.opened.then(() => null)]);
          if (result?.status === 'failed') throw new Error(result.error?.message ?? 'failed');
        },
      }));
      const proof: ListrTask = { title: 'read again: nothing left to do', task: ending };
      return self.newListr([...steps, proof], { concurrent: false, exitOnError: true });
    },
  };
  return {
    host,
    task,
    get running() {
      return running;
    },
    listen: (event: RunEvent) => {
      if (event.type === 'host-started') running = true;
      if (event.type === 'host-planned') planned.open(event.tasks);
      if (event.type === 'task-finished') gateOf(tasks, event.task.id).open(event.task);
      if (event.type === 'host-finished') {
        running = false;
        finished.open(event.result);
      }
    },
    end: () => finished.open(null),
  };
}

const elapsed = {
  condition: (ms: number) => ms > 500,
  format: () => (text: string | undefined) => `${text ?? ''}`,
  field: (ms: number) => `${(ms / 1000).toFixed(1)} s`,
};

/** A promise and the way to keep it. */
function gate<T>(): { opened: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open: (value) => open(value) };
}

function gateOf<T>(gates: Map<string, ReturnType<typeof gate<T>>>, id: string): ReturnType<typeof gate<T>> {
  const known = gates.get(id);
  if (known) return known;
  const fresh = gate<T>();
  gates.set(id, fresh);
  return fresh;
}
