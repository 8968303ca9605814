import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { appendEntries } from '../../src/lang/append-entries.ts';

const NEW = '  new:\n    a: 1\n    b: { c: 2 }\n';

test.each([
  ['nothing', '', 'tunnels:\n  new:\n    a: 1\n    b: { c: 2 }\n'],
  ['no such mapping', 'x: 1', 'x: 1\n\ntunnels:\n  new:\n    a: 1\n    b: { c: 2 }\n'],
  ['an empty one', 'tunnels: # none\nx: 1\n', 'tunnels: # none\n  new:\n    a: 1\n    b: { c: 2 }\nx: 1\n'],
  ['empty braces', 'tunnels: {} # none\nx: 1', 'tunnels: # none\n  new:\n    a: 1\n    b: { c: 2 }\nx: 1'],
  [
    'entries, and a comment of what is below them',
    'tunnels:\n    old:   # kept\n        a: "1"  # too\n\n# of x\nx: 1\n',
    'tunnels:\n    old:   # kept\n        a: "1"  # too\n\n    new:\n      a: 1\n      b: { c: 2 }\n\n# of x\nx: 1\n',
  ],
  [
    'a block of lines at the end of the file',
    'tunnels:\n  old:\n    a: |\n      one\n      two',
    'tunnels:\n  old:\n    a: |\n      one\n      two\n\n  new:\n    a: 1\n    b: { c: 2 }\n',
  ],
  [
    'the line ends of Windows',
    'tunnels:\r\n  old: { a: 1 }\r\nx: 1\r\n',
    'tunnels:\r\n  old: { a: 1 }\r\n\r\n  new:\r\n    a: 1\r\n    b: { c: 2 }\r\nx: 1\r\n',
  ],
  [
    'entries that are not indented further',
    'tunnels:\n old:\n  a: 1\n',
    'tunnels:\n old:\n  a: 1\n\n new:\n   a: 1\n   b: { c: 2 }\n',
  ],
])('behind %s', (_, before, after) => {
  const appended = appendEntries(before, 'tunnels', NEW);
  expect(appended?.text).toBe(after);
  expect(after.split(/\r?\n/)[(appended?.line ?? 0) - 1]?.trim()).toBe('new:');
});

test.each(['tunnels: { old: {} }\n', 'tunnels: &a\n  old: 1\nx: *a\n', 'tunnels: [\n', '[1]\n', 'tunnels: 1\n'])(
  'not into %j',
  (text) => expect(appendEntries(text, 'tunnels', NEW)).toBeNull(),
);

describe('whatever stands there', () => {
  const value = fc.constantFrom(
    '1',
    '{ a: 1 }',
    '"x # y"',
    "'z'",
    '\n      b: 2',
    '|\n      text\n      more',
    '',
    '[1, 2] # c',
  );
  const entry = fc.tuple(fc.constantFrom('', '\n', '  # c\n', '# at the left\n'), fc.uuid(), value);
  const text = fc
    .tuple(
      fc.constantFrom('', '# head\n', 'defaults: { onboot: false }\n'),
      fc.array(entry, { minLength: 1 }),
      fc.constantFrom('', '\n# end\n', 'y: 1\n'),
    )
    .map(([head, all, tail]) => `${head}tunnels:\n${all.map(([c, k, v]) => `${c}  ${k}: ${v}\n`).join('')}${tail}`);

  test('it stays, every byte, and the entry is there', () => {
    fc.assert(
      fc.property(text, (before) => {
        const after = appendEntries(before, 'tunnels', NEW)?.text ?? '';
        const at = after.indexOf('\n  new:\n');
        expect(after.slice(0, at) + after.slice(at + 1 + NEW.length)).toBe(before);
        const [old, now] = [parse(before), parse(after)];
        expect(now).toEqual({ ...old, tunnels: { ...old.tunnels, new: { a: 1, b: { c: 2 } } } });
      }),
    );
  });
});
