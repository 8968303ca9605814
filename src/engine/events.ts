import type { HostResult, RunResult, TaskResult } from './result.ts';

/** What happens in a run, as it happens. Made redacted, so that no reporter can leak. */
export type RunEvent =
  /** The first. `run` names an apply for `show`, `confirm`, `rollback` and `resume`; null where nothing is to be changed. */
  | {
      readonly type: 'run-started';
      readonly command: 'check' | 'apply';
      readonly playbook: string;
      readonly run: string | null;
    }
  | { readonly type: 'play-started'; readonly play: string; readonly hosts: readonly string[] }
  | { readonly type: 'host-started'; readonly play: string; readonly host: string }
  /** The plan of a host, or of the rest of it after something unknown became known. */
  | {
      readonly type: 'host-planned';
      readonly play: string;
      readonly host: string;
      readonly tasks: readonly TaskResult[];
    }
  | { readonly type: 'task-started'; readonly play: string; readonly host: string; readonly task: TaskResult }
  | { readonly type: 'task-finished'; readonly play: string; readonly host: string; readonly task: TaskResult }
  /** Everything applied; the host is read again to prove it. */
  | { readonly type: 'host-proving'; readonly play: string; readonly host: string }
  /** Something failed, here or at the other end of a tunnel: the old state is put back. */
  | { readonly type: 'host-restoring'; readonly play: string; readonly host: string; readonly why: string }
  /** Its ends of these tunnels are looked at, while packets pass, or do not. */
  | {
      readonly type: 'host-verifying';
      readonly play: string;
      readonly host: string;
      readonly tunnels: readonly string[];
    }
  /** Something that a person should know was found there: what an earlier run has left, or that another one has the host. */
  | { readonly type: 'host-noted'; readonly play: string; readonly host: string; readonly note: string }
  | { readonly type: 'host-finished'; readonly play: string; readonly host: string; readonly result: HostResult }
  /** Nothing new begins. */
  | { readonly type: 'stopping'; readonly why?: string }
  | { readonly type: 'run-finished'; readonly result: RunResult };

export type EventListener = (event: RunEvent) => void;
