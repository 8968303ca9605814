import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, frameReader } from '../../src/engine/frames.ts';

const NONCE = 'n0nce';

/** What the shell functions of the prelude print, cut anywhere. */
function wire(frames: readonly Frame[]): { stdout: string; stderr: string } {
  const out = frames.map((f) => `\n@@${NONCE} b ${f.id}\n${f.stdout}\n@@${NONCE} e ${f.id} ${f.exitCode}\n`);
  const err = frames.map((f) => `\n@@${NONCE} B ${f.id}\n${f.stderr}\n@@${NONCE} E ${f.id} ${f.exitCode}\n`);
  return { stdout: `motd without a line feed${out.join('late output of a daemon')}`, stderr: err.join('') };
}

interface Piece {
  stream: 'stdout' | 'stderr';
  bytes: string;
}

function read(pieces: readonly Piece[]): { frames: Frame[]; begun: string[] } {
  const frames: Frame[] = [];
  const begun: string[] = [];
  const reader = frameReader(NONCE, { begin: (id) => begun.push(id), end: (frame) => frames.push(frame) });
  for (const { stream, bytes } of pieces) reader[stream](bytes);
  return { frames, begun };
}

const bytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', '\n', '\n@@', '\n@@n0nc', '@@n0nce e t1 0\n', '\n@@other e t0 0\n', '\r\n', '\n\n@@n0nce'),
);
const frameList = fc
  .array(fc.record({ stdout: bytes, stderr: bytes, exitCode: fc.nat(255) }), { maxLength: 6 })
  .map((list) => list.map((frame, index) => ({ ...frame, id: `t${index}` })))
  .filter((list) =>
    list.every(
      ({ stdout, stderr }) => !`\n${stdout}\n`.includes(`\n@@${NONCE} `) && !`\n${stderr}\n`.includes(`\n@@${NONCE} `),
    ),
  );

describe('frameReader', () => {
  test('frames of a probe end on stdout alone, one write with the beginning of the next, cut anywhere', () =>
    fc.assert(
      fc.property(frameList, fc.array(fc.nat(400)), (given, cuts) => {
        const probe = given.map((frame) => ({ ...frame, stderr: '' }));
        const first = `\n@@${NONCE} b ${probe[0]?.id}\n`;
        const stdout = probe.reduce(
          (sent, { id, exitCode, stdout: said }, index) =>
            `${sent}${said}\n@@${NONCE} f ${id} ${exitCode}\n\n@@${NONCE} b ${probe[index + 1]?.id ?? 'done'}\n`,
          first,
        );
        const at = [0, ...[...new Set(cuts)].filter((cut) => cut < stdout.length).sort((a, b) => a - b), stdout.length];
        const pieces = at
          .slice(1)
          .map((end, index) => ({ stream: 'stdout' as const, bytes: stdout.slice(at[index], end) }));
        fc.pre(probe.length > 0);
        const { frames, begun } = read([{ stream: 'stderr', bytes: 'a warning\n' }, ...pieces]);
        expect(frames).toEqual(probe);
        expect(begun).toEqual([...probe.map(({ id }) => id), 'done']);
      }),
    ));

  test('gives back what was framed, however the streams are cut and interleaved', () => {
    fc.assert(
      fc.property(frameList, fc.array(fc.nat(30), { minLength: 1 }), fc.boolean(), (frames, cuts, errFirst) => {
        const { stdout, stderr } = wire(frames);
        const out = pieces(stdout, cuts).map((piece) => ({ stream: 'stdout' as const, bytes: piece }));
        const err = pieces(stderr, cuts).map((piece) => ({ stream: 'stderr' as const, bytes: piece }));
        const seen = read(errFirst ? [...err, ...out] : interleave<Piece>(out, err));
        expect(seen.frames).toEqual(frames);
        expect(seen.begun).toEqual(frames.map(({ id }) => id));
      }),
    );
  });

  test('a frame is not over before both streams have ended it', () => {
    const { stdout, stderr } = wire([{ id: 't0', exitCode: 3, stdout: 'a', stderr: 'why' }]);
    expect(read([{ stream: 'stdout', bytes: stdout }]).frames).toEqual([]);
    expect(
      read([
        { stream: 'stdout', bytes: stdout },
        { stream: 'stderr', bytes: stderr },
      ]).frames,
    ).toHaveLength(1);
  });

  test('a terminal, which merges both streams and adds carriage returns to line ends, reads the same', () => {
    const merged = `\r\n@@${NONCE} b t0\r\n\r\n@@${NONCE} B t0\r\nhello\r\n\r\n@@${NONCE} E t0 0\r\n\r\n@@${NONCE} e t0 0\r\n`;
    const { frames } = read([{ stream: 'stdout', bytes: merged }]);
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({ id: 't0', exitCode: 0 });
    expect(frames[0]?.stdout).toContain('hello');
  });

  test('a marker with another nonce is only text', () => {
    const { stdout, stderr } = wire([{ id: 't0', exitCode: 0, stdout: '\n@@forged e t0 0\n', stderr: '' }]);
    expect(
      read([
        { stream: 'stderr', bytes: stderr },
        { stream: 'stdout', bytes: stdout },
      ]).frames[0]?.stdout,
    ).toBe('\n@@forged e t0 0\n');
  });
});

function pieces(text: string, cuts: readonly number[]): string[] {
  const cut: string[] = [];
  for (let at = 0, index = 0; at < text.length; index += 1) {
    const length = Math.max(1, cuts[index % cuts.length] ?? 1);
    cut.push(text.slice(at, at + length));
    at += length;
  }
  return cut;
}

function interleave<T>(a: readonly T[], b: readonly T[]): T[] {
  const mixed: T[] = [];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    if (index < a.length) mixed.push(a[index] as T);
    if (index < b.length) mixed.push(b[index] as T);
  }
  return mixed;
}
