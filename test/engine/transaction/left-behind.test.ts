import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LeftBehind, originOf, readLeftBehind } from '../../../src/engine/transaction/left-behind.ts';

const printed = `run 2-b
at 200
now 7 5 /lab/etc/a
now lines 1 9 /lab/etc/psk.txt
now absent /lab/etc/gone
left 7 5 /lab/etc/a
left lines 1 9 /lab/etc/psk.txt
left 4 4 /lab/etc/gone
left 9 9 /lab/etc/noted
now 9 9 /lab/etc/noted
left 3 3 /lab/etc/opened
now 3 3 /lab/etc/opened
mode-now mode 600 0 0 /lab/etc/noted
mode-left mode 600 0 0 /lab/etc/noted
mode-now mode 644 0 0 /lab/etc/opened
mode-left mode 600 0 0 /lab/etc/opened
run 1-a
at 100
now 7 5 /lab/etc/a
left 6 5 /lab/etc/a
changed 150 /lab/etc/a
changed 250 /lab/etc/never
changed 120 /lab/etc/old
changed 200 /lab/etc/same-second
changed 200 /lab/etc/opened
changed 900 /lab/etc/noted
`;

describe('what runs have left', () => {
  const left = readLeftBehind(printed, '/lab');

  test('is read, the oldest run first', () => {
    expect(left.runs.map(({ id, at }) => [id, at])).toEqual([
      ['1-a', 100],
      ['2-b', 200],
    ]);
    expect(left.isDenied).toBe(false);
    expect(readLeftBehind('denied\n', '')).toMatchObject({ runs: [], isDenied: true });
  });

  test.each([
    ['/etc/a', false, { state: 'left', run: '2-b', byTime: false }],
    ['/etc/psk.txt', false, { state: 'left', run: '2-b', byTime: false }],
    ['/etc/gone', false, { state: 'changed', run: '2-b', byTime: false }],
    // Its checksum is the same, and it was not touched since.
    ['/etc/a', true, { state: 'left', run: '2-b', byTime: true }],
    // Times are in whole seconds: what is noted counts, be it of the same second or touched since.
    ['/etc/opened', true, { state: 'changed', run: '2-b', byTime: false }],
    ['/etc/noted', true, { state: 'left', run: '2-b', byTime: false }],
    ['/etc/same-second', false, { state: 'changed', run: null, byTime: true }],
    ['/etc/never', false, { state: 'changed', run: null, byTime: true }],
    ['/etc/old', false, { state: 'left', run: null, byTime: true }],
    ['/etc/not-there', false, { state: 'left', run: null, byTime: true }],
  ])('tells of %s (attributes: %s) who has changed it', (file, attributes, origin) => {
    expect(originOf(file, attributes, left)).toEqual(origin);
  });

  test('is nothing where there was no run', () => {
    const none = readLeftBehind('changed 5 /etc/a\n', '');
    expect(originOf('/etc/a', false, none)).toEqual({ state: 'unknown', run: null, byTime: false });
  });

  test('goes by the last run that wrote a file, whatever others did before and to other files', () => {
    const file = fc.constantFrom('/a', '/b', '/c');
    const run = fc.record({ at: fc.nat(1000), files: fc.array(fc.tuple(file, fc.boolean())) });
    fc.assert(
      fc.property(fc.uniqueArray(run, { selector: ({ at }) => at }), file, (runs, asked) => {
        const text = runs.map(({ at, files }, index) => {
          const lines = [...new Map(files)].map(
            ([path, isLeft]) => `left 1 1 ${path}\nnow ${isLeft ? 1 : 2} 1 ${path}\n`,
          );
          return `run r${index}\nat ${at}\n${lines.join('')}`;
        });
        const behind: LeftBehind = readLeftBehind(text.join(''), '');
        const wrote = runs
          .map((each, index) => ({ ...each, id: `r${index}` }))
          .filter(({ files }) => files.some(([path]) => path === asked))
          .sort((a, b) => a.at - b.at)
          .at(-1);
        const origin = originOf(asked, false, behind);
        if (wrote === undefined) expect([origin.run, origin.state === 'changed']).toEqual([null, false]);
        else {
          const isLeft = new Map(wrote.files).get(asked);
          expect(origin).toEqual({ state: isLeft ? 'left' : 'changed', run: wrote.id, byTime: false });
        }
      }),
    );
  });
});
