import type { Impact } from './impact.ts';

/** What came of a run: the values behind `--output json` and every reporter. Redacted; holds no secret. */

export type TaskStatus = 'ok' | 'changed' | 'skipped' | 'failed' | 'unknown' | 'blocked';
export type HostStatus = 'ok' | 'changed' | 'failed' | 'unreachable' | 'skipped';

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface DiffText {
  readonly path: string;
  /** `null`: not there. Secrets stand as fingerprints. */
  readonly before: string | null;
  readonly after: string | null;
  readonly sensitive: boolean;
}

export interface TaskResult {
  readonly id: string;
  readonly play: string;
  readonly name: string;
  readonly module: string;
  readonly tunnel: string | null;
  /** In a check, `changed` means would change. */
  readonly status: TaskStatus;
  readonly diff: readonly DiffText[];
  readonly disruptive: string | null;
  readonly error: Problem | null;
  /** Milliseconds the task ran on the host, as seen from here; 0 when it did not run. */
  readonly ms: number;
}

export interface HostResult {
  readonly status: HostStatus;
  readonly error: Problem | null;
  /** What else was found there that a person should know: other runs, above all. Missing: nothing. */
  readonly notes?: readonly string[];
  readonly tasks: readonly TaskResult[];
}

export interface Recap {
  readonly ok: number;
  readonly changed: number;
  readonly skipped: number;
  readonly failed: number;
  readonly unreachable: number;
}

export interface RunResult {
  readonly hosts: ReadonlyMap<string, HostResult>;
  readonly interrupted: boolean;
  /** The time of the whole run was over before it was at its end. */
  readonly timedOut: boolean;
  /** What the first plans stop for a while. */
  readonly impact?: Impact;
}

export function recapOf(host: HostResult): Recap {
  const count = (...statuses: TaskStatus[]) => host.tasks.filter(({ status }) => statuses.includes(status)).length;
  return {
    ok: count('ok'),
    changed: count('changed', 'unknown'),
    skipped: count('skipped'),
    failed: count('failed', 'blocked'),
    unreachable: host.status === 'unreachable' ? 1 : 0,
  };
}

/** The exit code of `check` and `apply`, as docs/exit-codes.md has them. Of several, the highest of 6, 5, 4 wins. */
export function exitCodeOf(command: 'check' | 'apply', result: RunResult): number {
  if (result.interrupted) return 130;
  const hosts = [...result.hosts.values()];
  if (hosts.some(({ error }) => error?.code === 'tunnel-failed')) return 6;
  if (hosts.some(({ status }) => status === 'unreachable')) return 5;
  if (result.timedOut || hosts.some(({ status }) => status === 'failed')) return 4;
  const pending = hosts.some(({ tasks }) => tasks.some(({ status }) => status === 'changed' || status === 'unknown'));
  return command === 'check' && pending ? 2 : 0;
}
