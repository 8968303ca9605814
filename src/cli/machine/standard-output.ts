import { fstatSync, writeSync } from 'node:fs';

/** What a command writes, in the order in which it was written, whether one reads both or each for itself. */
export interface StandardOutput {
  stdout(text: string): void;
  stderr(text: string): void;
  /** To stderr, past whoever has taken the place of its `write` (the live display). */
  show(text: string): void;
  /** True once nothing that is written to stdout arrives any more. */
  isUnread(): boolean;
  /** Resolves when everything written has left this process: with what kept stdout from being whole (a full disk), or null. */
  flushed(): Promise<Error | null>;
}

/** The standard streams, as `process` has them: made when they are asked for. */
type Streams = Pick<NodeJS.Process, 'stdout' | 'stderr'>;

/**
 * Where nothing is a terminal, and the command is over before it has waited for anything, Node's streams for stdout and
 * stderr are never made: to load them takes a tenth of what a short command takes above Node itself. What was written is
 * held until the first wait, and goes to the streams then: a reader that reads no more must not stop a command that has to
 * answer its hosts.
 */
export function standardOutput(streams: Streams = process): StandardOutput {
  let writers: Writers | null = null;
  let held: Piece[] = [];
  let opening: NodeJS.Immediate | undefined;
  const open = (): Writers => {
    clearImmediate(opening);
    writers ??= writersTo(streams);
    for (const { fd, text } of held.splice(0)) writers[fd].write(text);
    return writers;
  };
  if (isTerminal(1) || isTerminal(2)) open();
  const write = (fd: Fd, text: string): void => {
    if (writers !== null) writers[fd].write(text);
    else {
      held.push({ fd, text });
      opening ??= setImmediate(open);
    }
  };
  return {
    stdout: (text) => write(1, text),
    stderr: (text) => write(2, text),
    show: (text) => open().show(text),
    isUnread: () => writers?.[1].isGone() ?? false,
    flushed: async () => {
      if (writers === null) held = writtenAtOnce(held);
      return writers === null && held.length === 0 ? null : open().flushed();
    },
  };
}

/** Only a character device can be one. The module that knows brings the streams with it. */
export function isTerminal(fd: number): boolean {
  return fstatSync(fd).isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd);
}

type Fd = 1 | 2;

interface Piece {
  readonly fd: Fd;
  readonly text: string | Uint8Array;
}

interface Writers {
  readonly 1: TextWriter;
  readonly 2: TextWriter;
  show(text: string): void;
  flushed(): Promise<Error | null>;
}

function writersTo({ stdout, stderr }: Streams): Writers {
  const writers = { 1: textWriter(stdout), 2: textWriter(stderr) };
  return {
    ...writers,
    show: stderr.write.bind(stderr),
    flushed: async () => {
      await Promise.all([writers[1].flushed(), writers[2].flushed()]);
      return writers[1].fault();
    },
  };
}

type TextWriter = ReturnType<typeof textWriter>;

/**
 * Writes to a stream for as long as it takes anything. A reader that goes away (`| head`, a terminal that was closed) is no
 * fault; a disk that is full is one, and neither is a reason to leave a host half changed: from then on nothing is written.
 */
export function textWriter(stream: NodeJS.WritableStream) {
  let gone = false;
  let fault: Error | null = null;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    gone = true;
    if (!isReaderGone(error)) fault ??= error;
  });
  return {
    write: (text: string | Uint8Array): void => {
      if (!gone) stream.write(text);
    },
    isGone: () => gone,
    fault: () => fault,
    flushed: () => new Promise<void>((resolve) => stream.write('', () => resolve())),
  };
}

function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO';
}

/** Writes until there is no room, or a fault: what is left is for the streams, which know how to wait and to fail. */
function writtenAtOnce(pieces: readonly Piece[]): Piece[] {
  const gone = new Set<Fd>();
  for (const [index, { fd, text }] of pieces.entries()) {
    if (gone.has(fd)) continue;
    const bytes = Buffer.from(text);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(fd, bytes, written);
    } catch (fault) {
      if (isReaderGone(fault as NodeJS.ErrnoException)) gone.add(fd);
      else {
        const rest = { fd, text: bytes.subarray(written) };
        return [rest, ...pieces.slice(index + 1)].filter((piece) => !gone.has(piece.fd));
      }
    }
  }
  return [];
}
