import { fromBytes } from '../model/content.ts';
import type { Variables } from '../model/host.ts';
import type { Task } from '../model/task.ts';
import type { Frame } from './frames.ts';
import type { TaskOutcome } from './register.ts';
import type { Problem } from './result.ts';
import type { Overrun } from './time-limit.ts';

/** What a task's frame means, the user's `failed_when` and `changed_when` applied. */
export function judge(task: Task, frame: Frame, vars: Variables): { result: TaskOutcome; error: Problem | null } {
  const stdout = fromBytes(frame.stdout).replace(/\n$/, '');
  const stderr = fromBytes(frame.stderr).replace(/\n$/, '');
  const raw = {
    rc: frame.exitCode,
    stdout,
    stderr,
    stdout_lines: stdout === '' ? [] : stdout.split('\n'),
    stderr_lines: stderr === '' ? [] : stderr.split('\n'),
    changed: true,
    failed: frame.exitCode !== 0,
    skipped: false,
  };
  const seen = task.register === undefined ? vars : { ...vars, [task.register]: raw };
  try {
    const failed = task.failedWhen === undefined ? raw.failed : task.failedWhen.resolve(seen);
    const changed = !failed && (task.changedWhen === undefined || task.changedWhen.resolve(seen));
    return { result: { ...raw, failed, changed }, error: failed ? failure(frame.exitCode, stdout, stderr) : null };
  } catch (fault) {
    const why = fault instanceof Error ? fault.message : String(fault);
    return { result: { ...raw, failed: true, changed: false }, error: { code: 'task-invalid', message: why } };
  }
}

function failure(exitCode: number, stdout: string, stderr: string): Problem {
  const said = (stderr.trim() === '' ? stdout : stderr).trim();
  return { code: 'task-failed', message: said === '' ? `exit ${exitCode}` : `exit ${exitCode}: ${lastLines(said)}` };
}

/** What is said of a task that took too long; `partly`: it ended, something that it had started did not. */
export function tooLate(seconds: number, end: Overrun | 'by itself' | 'partly'): Problem {
  return { code: 'command-timeout', message: `it did not end within ${seconds} s; ${TOO_LATE[end]}` };
}

const TOO_LATE: Readonly<Record<Parameters<typeof tooLate>[1], string>> = {
  ended: 'it was ended, and may be half done',
  'by itself': 'it came to its end before it could be ended',
  partly: 'it was ended, but some of what it started could not be ended and may still be running',
  left: 'it could not be ended, and may still be running',
};

function lastLines(text: string): string {
  return text.split('\n').slice(-20).join('\n');
}

/** `changed_when: false`: it runs, and counts for nothing. */
export function neverChanges(task: Task): boolean {
  return task.changedWhen !== undefined && task.changedWhen.needs.length === 0 && !task.changedWhen.resolve({});
}
