import type { Colors } from 'picocolors/types';
import type { TaskResult, TaskStatus } from '../engine/result.ts';
import { diffLines } from './diff-text.ts';
import type { ReportOptions } from './output.ts';
import { visible, visibleLine } from './visible.ts';

/** One task of a host: its line, what is disruptive about it, its error, its diff. */
export function taskLines(host: string, task: TaskResult, options: ReportOptions, colors: Colors): readonly string[] {
  const painted = paintStatus(task.status, colors);
  const took = task.ms >= 1000 ? colors.dim(` (${(task.ms / 1000).toFixed(1)} s)`) : '';
  const lines = [`[${visibleLine(host)}] ${visibleLine(task.name)}: ${painted}${took}`];
  if (task.disruptive !== null && task.status !== 'skipped')
    lines.push(colors.yellow(`    disruptive: ${visibleLine(task.disruptive)}`));
  if (task.error !== null)
    lines.push(
      ...visible(task.error.message)
        .split('\n')
        .map((line) => `    ${line}`),
    );
  if (options.diff && task.status !== 'skipped') {
    lines.push(...task.diff.flatMap((diff) => diffLines(diff, colors).map((line) => `    ${line}`)));
  }
  return lines;
}

/** Whether a person wants to see the task without asking for more. */
export function isNews(task: TaskResult, options: ReportOptions): boolean {
  if (options.verbosity > 0) return true;
  if (task.status === 'skipped') return task.error !== null;
  return task.status !== 'ok';
}

function paintStatus(status: TaskStatus, colors: Colors): string {
  if (status === 'ok') return colors.green(status);
  if (status === 'changed') return colors.yellow(status);
  if (status === 'skipped') return colors.cyan(status);
  if (status === 'unknown') return colors.magenta(status);
  return colors.red(status);
}
