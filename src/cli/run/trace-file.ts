import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ChromeTrace, chromeTrace, type TraceEvent } from '../../report/trace.ts';
import { UsageFault } from '../exit.ts';
import { clock } from '../machine/clock.ts';
import type { Terminal } from '../machine/terminal.ts';

export interface TraceFile extends ChromeTrace {
  close(): void;
}

/**
 * The file of `--trace`, for whoever runs this alone (0600). After each event it is whole: the list is closed, and opened
 * again by the next one. So it can be read however the run ends. A file that is there already is refused; a command that
 * opens several runs goes on in its own.
 */
export function openTrace(file: string, terminal: Terminal): TraceFile {
  const path = resolve(terminal.cwd, file);
  const written = known.get(path);
  const descriptor = open(file, path, written);
  const state = written ?? begin(path);
  let isBroken = false;
  const append = (event: TraceEvent) => {
    if (isBroken) return;
    const text = `${state.size === 0 ? '[' : ','}\n${JSON.stringify(event)}`;
    try {
      writeAll(descriptor, Buffer.from(`${text}${END}`), state.size);
      state.size += Buffer.byteLength(text);
    } catch (fault) {
      // No reason to stop in the middle of an apply.
      isBroken = true;
      terminal.stderr(`ipsec-play: ${file} cannot be written any more (${codeOf(fault)}): the trace ends here\n`);
    }
  };
  state.append = append;
  state.trace ??= chromeTrace(clock, (event) => state.append(event));
  const { trace } = state;
  return {
    ...trace,
    close: () => {
      trace.finish();
      state.append = () => {};
      closeSync(descriptor);
    },
  };
}

interface State {
  /** Bytes, without the end of the list. */
  size: number;
  append(event: TraceEvent): void;
  trace: ChromeTrace | null;
}

/** What this process has written. */
const known = new Map<string, State>();

const END = '\n]\n';

function begin(path: string): State {
  const state: State = { size: 0, append: () => {}, trace: null };
  known.set(path, state);
  return state;
}

function open(file: string, path: string, written: State | undefined): number {
  if (written !== undefined) {
    const descriptor = openSync(path, 'r+');
    if (fstatSync(descriptor).size === written.size + END.length) return descriptor;
    closeSync(descriptor);
    throw taken(file);
  }
  try {
    return openSync(path, 'wx', 0o600);
  } catch (fault) {
    throw codeOf(fault) === 'EEXIST' ? taken(file) : new UsageFault(`${file} cannot be written: ${codeOf(fault)}`);
  }
}

function writeAll(descriptor: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
}

function taken(file: string): UsageFault {
  return new UsageFault(`${file} is there already, and is not overwritten`, '--trace with another name');
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);
}
