import pico from 'picocolors';
import { describe, expect, test } from 'vitest';
import { diffLines } from '../../src/report/diff-text.ts';
import { visible, visibleLine } from '../../src/report/visible.ts';

const lines = (before: string | null, after: string | null, path = '/etc/x') =>
  diffLines({ path, before, after, sensitive: false }, pico.createColors(false));

describe('the diff of a file', () => {
  test.each([
    ['new', null, 'a\n', ['--- /dev/null', '+++ /etc/x', '@@ -0,0 +1,1 @@', '+a']],
    ['removed', 'a\n', null, ['--- /etc/x', '+++ /dev/null', '@@ -1,1 +0,0 @@', '-a']],
    ['changed', 'a\nb\n', 'a\nc\n', ['--- /etc/x', '+++ /etc/x', '@@ -1,2 +1,2 @@', ' a', '-b', '+c']],
    [
      'only in its last line end',
      'a',
      'a\n',
      ['--- /etc/x', '+++ /etc/x', '@@ -1,1 +1,1 @@', '-a', '\\ No newline at end of file', '+a'],
    ],
    ['in line ends of DOS', 'a\r\n', 'a\n', ['--- /etc/x', '+++ /etc/x', '@@ -1,1 +1,1 @@', '-a\\x0d', '+a']],
    ['in a blank at the end', 'a\t\n', 'a\n', ['--- /etc/x', '+++ /etc/x', '@@ -1,1 +1,1 @@', '-a\t', '+a']],
  ])('%s', (_, before, after, expected) => {
    expect(lines(before, after)).toEqual(expected);
  });

  test('shows two lines around a change, and not the whole file', () => {
    const text = (middle: string) => `${'1\n2\n3\n4\n'}${middle}\n${'6\n7\n8\n9\n'}`;
    expect(lines(text('old'), text('new'))).toEqual([
      '--- /etc/x',
      '+++ /etc/x',
      '@@ -3,5 +3,5 @@',
      ' 3',
      ' 4',
      '-old',
      '+new',
      ' 6',
      ' 7',
    ]);
  });

  test('a removed line that begins with dashes is a removed line, in red', () => {
    const colors = pico.createColors(true);
    const shown = diffLines({ path: '/etc/x', before: '-- a\n', after: '', sensitive: false }, colors);
    expect(shown[0]).toBe(colors.bold('--- /etc/x'));
    expect(shown.at(-1)).toBe(colors.red('--- a'));
  });
});

test('anything else is one line, whatever is in it', () => {
  expect(lines('down', 'up', 'connection ipsec0')).toEqual(['connection ipsec0: down -> up']);
  expect(lines(null, 'installed', 'package x')).toEqual(['package x: installed']);
  expect(lines('installed', null, 'package x')).toEqual(['package x: installed -> gone']);
  expect(lines(null, 'echo 1\necho \u001b[31m', 'command')).toEqual(['command: echo 1\\necho \\x1b[31m']);
});

test('what a terminal would obey is written out', () => {
  expect(visible('a\tb\nc\r\u0000\u009b\u007f\u202eü€😀')).toBe('a\tb\nc\\x0d\\x00\\x9b\\x7f\\u202eü€😀');
  expect(visibleLine('a\tb\nc')).toBe('a\\tb\\nc');
});
