import type { RunEvent } from '../engine/events.ts';
import type { Lane } from '../engine/trace.ts';

/** One event of Chrome's trace event format. https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
export interface TraceEvent {
  readonly name: string;
  /** Begin, end, or metadata. */
  readonly ph: 'B' | 'E' | 'M';
  readonly pid: 1;
  readonly tid: number;
  /** Microseconds since the trace began. */
  readonly ts: number;
  readonly args?: Readonly<Record<string, string | number>>;
}

export interface ChromeTrace {
  /** A host's own lane. */
  lane(host: string): Lane;
  /** Its tasks, as the host tells of them, and the passes over all hosts. */
  listen(event: RunEvent): void;
  /** Ends what has not ended. */
  finish(): void;
}

/** `clock` in milliseconds; `write` gets the events in the order in which they happen. */
export function chromeTrace(clock: () => number, write: (event: TraceEvent) => void): ChromeTrace {
  const began = clock();
  const now = () => Math.round((clock() - began) * 1000);
  const stacks = new Map<string, Stack>();
  const running = new Map<string, () => void>();

  const stackOf = (name: string): Stack => {
    const known = stacks.get(name);
    if (known !== undefined) return known;
    const stack: Stack = { tid: stacks.size + 1, open: [] };
    stacks.set(name, stack);
    const about = { ph: 'M', pid: 1, tid: stack.tid, ts: 0 } as const;
    write({ ...about, name: 'thread_name', args: { name } });
    write({ ...about, name: 'thread_sort_index', args: { sort_index: stack.tid } });
    return stack;
  };
  const begin = (stack: Stack, name: string) => {
    const { tid, open } = stack;
    const step = { name };
    open.push(step);
    write({ name, ph: 'B', pid: 1, tid, ts: now() });
    return (figures?: Readonly<Record<string, number>>) => {
      if (!open.includes(step)) return;
      // Viewers know no steps that overlap: what began in this one and is not over is given up with it.
      for (let last = open.pop(); last !== undefined; last = open.pop()) {
        const args = last === step && figures !== undefined ? { args: figures } : {};
        write({ name: last.name, ph: 'E', pid: 1, tid, ts: now(), ...args });
        if (last === step) return;
      }
    };
  };
  const lane = (name: string): Lane => {
    const stack = stackOf(name);
    return (step) => begin(stack, step);
  };
  const start = (id: string, host: string, name: string) => void running.set(id, lane(host)(name));
  const end = (id: string) => {
    running.get(id)?.();
    running.delete(id);
  };

  write({ name: 'process_name', ph: 'M', pid: 1, tid: 0, ts: 0, args: { name: 'ipsec-play' } });
  lane(ALL);
  return {
    lane,
    listen: (event) => {
      if (event.type === 'run-started') start(ALL, ALL, event.command);
      if (event.type === 'run-finished') end(ALL);
      if (event.type === 'task-started') start(`${event.host}\n${event.task.id}`, event.host, event.task.name);
      if (event.type === 'task-finished') end(`${event.host}\n${event.task.id}`);
    },
    finish: () => {
      for (const { tid, open } of stacks.values()) {
        for (let last = open.pop(); last !== undefined; last = open.pop())
          write({ name: last.name, ph: 'E', pid: 1, tid, ts: now(), args: { unfinished: 1 } });
      }
    },
  };
}

/** A host has its steps in the order in which they began. */
interface Stack {
  readonly tid: number;
  readonly open: { readonly name: string }[];
}

/** No host: names of hosts have no blanks. */
const ALL = 'all hosts';
