import type { Colors } from 'picocolors/types';
import type { EventListener } from '../engine/events.ts';

/** Where a reporter writes: results, and beside them progress and messages. */
export interface Output {
  /** stdout */
  results(text: string): void;
  /** stderr */
  messages(text: string): void;
  readonly colors: Colors;
}

export interface ReportOptions {
  readonly command: 'check' | 'apply';
  readonly diff: boolean;
  /** 0: what changes; 1: tasks that are in order too. */
  readonly verbosity: number;
}

export interface Reporter {
  readonly listen: EventListener;
  /** Resolves when all has been written. */
  close(): Promise<void>;
}
