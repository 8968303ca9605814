import type { HostResult, RunResult, TaskResult } from './result.ts';

/** What happens in a run, as it happens. Made redacted, so that no reporter can leak. */
export type RunEvent =
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
  | { readonly type: 'host-finished'; readonly play: string; readonly host: string; readonly result: HostResult }
  /** Nothing new begins. */
  | { readonly type: 'stopping'; readonly why?: string }
  | { readonly type: 'run-finished'; readonly result: RunResult };

export type EventListener = (event: RunEvent) => void;
