import type { RunEvent } from '../engine/events.ts';
import type { TaskResult } from '../engine/result.ts';
import type { Output, Reporter, ReportOptions } from './output.ts';
import { recapLines } from './recap.ts';
import { isNews, taskLines } from './task-lines.ts';
import { visibleLine } from './visible.ts';

/** Lines that only ever get appended: for pipes, logs and CI. In a check what would change, in an apply what happened. */
export function plainReporter(output: Output, options: ReportOptions): Reporter {
  const write = (lines: readonly string[]) => {
    if (lines.length > 0) output.results(`${lines.join('\n')}\n`);
  };
  const shown = new Set<string>();
  const show = (host: string, task: TaskResult) => {
    const once = `${host}\0${task.play}\0${task.id}\0${task.status}`;
    if (shown.has(once) || !isNews(task, options)) return;
    shown.add(once);
    write(taskLines(host, task, options, output.colors));
  };
  const listen = (event: RunEvent) => {
    if (event.type === 'task-started' && event.task.disruptive !== null) {
      output.messages(visibleLine(`[${event.host}] ${event.task.name} … (${event.task.disruptive})`).concat('\n'));
    }
    if (event.type === 'host-restoring') {
      output.messages(`${visibleLine(`[${event.host}] putting the old state back: ${event.why}`)}\n`);
    }
    if (event.type === 'host-noted') output.messages(`${visibleLine(`[${event.host}] ${event.note}`)}\n`);
    if (event.type === 'task-finished') show(event.host, event.task);
    if (event.type === 'host-finished') for (const task of event.result.tasks) show(event.host, task);
    if (event.type === 'stopping') {
      output.messages(
        `stopping${event.why === undefined ? '' : `, ${event.why}`}: running tasks end, nothing new begins\n`,
      );
    }
    if (event.type === 'run-finished') write(['', ...recapLines(options.command, event.result, output.colors)]);
  };
  return { listen, close: async () => {} };
}
