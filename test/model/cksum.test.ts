import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cksum } from '../../src/model/cksum.ts';

test('is what cksum(1) prints', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
      const printed = spawnSync('cksum', { input: bytes, encoding: 'utf8' }).stdout.trim();
      expect(cksum(Buffer.from(bytes).toString('latin1'))).toBe(printed);
    }),
    { numRuns: 40 },
  );
});
