import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pageText } from '../../src/hand-off/page.ts';
import { cases } from './cases.ts';
import { pageOf } from './page-of.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/** `UPDATE_GOLDEN=1 npx vitest run test/hand-off/golden.test.ts` writes them anew: read the diff. */
const update = process.env.UPDATE_GOLDEN === '1';

describe('the page of every case', () => {
  for (const [name, { tunnel, racoon }] of Object.entries(cases)) {
    for (const [format, extension] of [
      ['markdown', 'md'],
      ['text', 'txt'],
    ] as const) {
      test(`${name} as ${format}`, () => {
        const text = pageText(pageOf(tunnel, 1, racoon), format);
        const file = join(GOLDEN, `${name}.${extension}`);
        if (update) {
          mkdirSync(GOLDEN, { recursive: true });
          writeFileSync(file, text);
        }
        expect(text).toBe(readFileSync(file, 'utf8'));
      });
    }
  }

  test('there is no golden file without a case', () => {
    const files = Object.keys(cases).flatMap((name) => [`${name}.md`, `${name}.txt`]);
    expect(readdirSync(GOLDEN).sort()).toEqual(files.sort());
  });
});
