import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sourced, unquoted } from '../../modules/shared/shell-assignments.ts';
import { quote } from '../../src/engine/sh.ts';
import { shells } from '../support/shells.ts';

const NAMES = ['DST', 'SRC', 'IKE_PSK'];

/** What a shell makes of it. Its stdin is no socket, or bash takes itself for a remote shell and reads ~/.bashrc. */
function truth(shell: readonly [string, ...string[]], text: string): Record<string, string> {
  const [program, ...args] = shell;
  const script = `unset ${NAMES.join(' ')}
eval "$1"
for name in ${NAMES.join(' ')}; do eval "[ -z \\"\\\${$name+x}\\" ] || printf '%s=%s\\\\0' \\$name \\"\\$$name\\""; done`;
  const { stdout } = spawnSync(program, [...args, '-c', script, '-', text], {
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const pairs = stdout.toString().split('\0').slice(0, -1);
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('as %s', (_, shell) => {
  test('reads what plain assignments say, however they are quoted', () => {
    const value = fc.oneof(
      fc.constantFrom(
        'a',
        '10.0.0.1',
        "'a b'",
        '"a b"',
        '',
        "''",
        'a\\ b',
        '"a\\"b\\x"',
        "'$x'",
        '\\$x',
        '"\\$x"',
        `a"b"'c'd`,
        "it\\'s",
        'a#b',
        "'a\nb'",
        '"a\\\nb"',
      ),
      fc.string({ unit: fc.constantFrom('a', ' ', "'", '"', '#', '$', '\\', '`') }).map(quote),
    );
    const assignment = fc
      .tuple(fc.constantFrom('', 'export ', '  '), fc.constantFrom(...NAMES), value)
      .map(([head, name, text]) => `${head}${name}=${text}`);
    const piece = fc.oneof(assignment, assignment, fc.constantFrom('# c "', '', '\t'));
    const text = fc
      .array(fc.tuple(piece, fc.constantFrom('\n', ';\n', ' # x\n', '\n\n')), { maxLength: 5 })
      .map((lines) => lines.flat().join(''));
    fc.assert(
      fc.property(text, (file) => {
        // `;` after nothing is a syntax error to a shell.
        fc.pre(!/(^|\n|\t)\s*;|#[^\n]*;\n/.test(file));
        const read = sourced([file]);
        fc.pre(!read.hasCommands);
        expect(Object.fromEntries(read.variables)).toEqual(truth(shell, file));
      }),
      { numRuns: 150 },
    );
  });
});

test.each([
  ['DST=$PEER', null],
  ['DST=`host x`', null],
  ['DST=$(host x)', null],
  ['DST="$(host x)"', null],
  ["DST='$x'", '$x'],
])('%s', (text, value) => {
  expect(sourced([text])).toEqual({ variables: new Map([['DST', value]]), hasCommands: false });
});

test.each(['. ./other\nA=1', 'if true; then A=1; fi', 'A=1 program', 'A=(1 2)', "A='x"])(
  '%j holds more than assignments',
  (text) => {
    expect(sourced([text]).hasCommands).toBe(true);
  },
);

test('the second file has the last word', () => {
  expect(sourced(['A=1\nB=2\n', 'A=3'])).toEqual({
    variables: new Map([
      ['A', '3'],
      ['B', '2'],
    ]),
    hasCommands: false,
  });
});

test.each([
  ["'a b'", 'a b'],
  ['a b', 'a b'],
  ['"$x"', '"$x"'],
  ["'a'\\''b'", "a'b"],
  ['', ''],
])('unquoted %j is %j', (text, value) => {
  expect(unquoted(text)).toBe(value);
});
