/** What one framed piece of a script printed. */
export interface Frame {
  readonly id: string;
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FrameListener {
  begin(id: string): void;
  end(frame: Frame): void;
}

/**
 * Cuts the two output streams of a shell into frames. `ip_b ID` and `ip_e ID CODE` (prelude.ts) print a marker on both
 * streams; small letters mark stdout, capitals stderr. A marker carries the run's nonce, so that nothing a command
 * prints can forge one, and it begins with a line feed of its own, so that it stands at the start of a line after any
 * output. A frame is over when both of its ends have come: SSH does not order the streams against each other. On a
 * terminal both streams arrive as one, which reads the same. A probe's frame has no stderr: `f` alone ends it.
 */
export function frameReader(
  nonce: string,
  listener: FrameListener,
): { stdout(bytes: string): void; stderr(bytes: string): void } {
  const open = new Map<
    string,
    { out: string[]; err: string[]; outEnded: boolean; errEnded: boolean; exitCode: number }
  >();
  const current: { out: string | null; err: string | null } = { out: null, err: null };

  const frameOf = (id: string) => {
    const known = open.get(id);
    if (known) return known;
    const fresh = { out: [], err: [], outEnded: false, errEnded: false, exitCode: 0 };
    open.set(id, fresh);
    return fresh;
  };
  const text = (stream: 'out' | 'err', bytes: string) => {
    const id = current[stream];
    if (id !== null && bytes !== '') frameOf(id)[stream].push(bytes);
  };
  const marker = (letter: string, id: string, exitCode: number) => {
    const stream = letter === 'B' || letter === 'E' ? 'err' : 'out';
    const frame = frameOf(id);
    if (letter === 'b' || letter === 'B') {
      current[stream] = id;
      if (letter === 'b') listener.begin(id);
      return;
    }
    current[stream] = null;
    frame[stream === 'out' ? 'outEnded' : 'errEnded'] = true;
    if (letter === 'f') frame.errEnded = true;
    if (stream === 'out') frame.exitCode = exitCode;
    if (!frame.outEnded || !frame.errEnded) return;
    open.delete(id);
    listener.end({ id, exitCode: frame.exitCode, stdout: frame.out.join(''), stderr: frame.err.join('') });
  };

  return {
    stdout: scanner(nonce, (bytes) => text('out', bytes), marker),
    stderr: scanner(nonce, (bytes) => text('err', bytes), marker),
  };
}

/** Finds markers in a stream that arrives in any pieces. Holds back only what may be the start of a marker. */
function scanner(
  nonce: string,
  text: (bytes: string) => void,
  marker: (letter: string, id: string, exitCode: number) => void,
): (bytes: string) => void {
  const sign = `\n@@${nonce} `;
  let held = '';
  return (bytes) => {
    held += bytes;
    for (;;) {
      const at = held.indexOf(sign);
      if (at === -1) {
        const keep = possibleStart(held, sign);
        text(held.slice(0, held.length - keep));
        held = held.slice(held.length - keep);
        return;
      }
      const end = held.indexOf('\n', at + sign.length);
      if (end === -1) {
        text(held.slice(0, at));
        held = held.slice(at);
        return;
      }
      text(held.slice(0, at));
      const [letter = '', id = '', code = '0'] = held
        .slice(at + sign.length, end)
        .replace(/\r$/, '')
        .split(' ');
      marker(letter, id, Number(code));
      held = held.slice(end + 1);
    }
  };
}

/** How many characters at the end of `held` may be the first ones of `sign`. */
function possibleStart(held: string, sign: string): number {
  for (let length = Math.min(sign.length - 1, held.length); length > 0; length -= 1) {
    if (held.endsWith(sign.slice(0, length))) return length;
  }
  return 0;
}
