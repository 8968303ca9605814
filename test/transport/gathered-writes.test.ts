import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gatherWrites } from '../../src/transport/gathered-writes.ts';

/** A stream that keeps what each call of its writer got: `all` takes several pieces at once, as a socket does. */
function stream(all: boolean) {
  const calls: string[] = [];
  const duplex = new Duplex({
    read() {},
    write: (chunk: Buffer, _encoding, done) => {
      calls.push(chunk.toString());
      done();
    },
    ...(all
      ? {
          writev: (pieces: readonly { chunk: Buffer }[], done: () => void) => {
            calls.push(pieces.map(({ chunk }) => chunk.toString()).join(''));
            done();
          },
        }
      : {}),
  });
  gatherWrites(duplex);
  return { duplex, calls };
}

test.each([true, false])('the pieces of a packet go out as one (a stream that takes several: %s)', async (all) => {
  const { duplex, calls } = stream(all);
  for (const piece of ['len', 'body', 'tag']) duplex.write(Buffer.from(piece));
  expect(calls).toEqual([]);
  await Promise.resolve();
  expect(calls).toEqual(['lenbodytag']);
  duplex.write(Buffer.from('next'));
  await Promise.resolve();
  expect(calls).toEqual(['lenbodytag', 'next']);
});

test.each([true, false])('what was written before the end goes out before the end (%s)', async (all) => {
  const { duplex, calls } = stream(all);
  duplex.write(Buffer.from('by'));
  duplex.write(Buffer.from('e'));
  await new Promise<void>((resolve) => duplex.end(resolve));
  expect(calls.join('')).toBe('bye');
});

test('no byte is lost, doubled or moved, whatever is written when', () =>
  fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(fc.record({ piece: fc.string({ minLength: 1 }), pause: fc.boolean() })),
      async (all, writes) => {
        const { duplex, calls } = stream(all);
        for (const { piece, pause } of writes) {
          duplex.write(Buffer.from(piece));
          if (pause) await Promise.resolve();
        }
        await new Promise<void>((resolve) => duplex.end(resolve));
        expect(calls.join('')).toBe(writes.map(({ piece }) => piece).join(''));
      },
    ),
  ));
