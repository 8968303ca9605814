import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type LineInFileArgs, lineinfile } from '../../modules/lineinfile.ts';
import { withLine, withoutLine } from '../../modules/shared/line-edit.ts';
import { installedResource } from '../../modules/shared/raised.ts';
import { Secret } from '../../src/model/secret.ts';
import { context, everyShell, expectLaws, look, makeHost } from './run-module.ts';
import { shown } from './shown.ts';

const path = "/etc/the file's name";

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    const word = fc.constantFrom('a', 'b', 'ab', '#a', 'a b', 'ü', '');
    const pattern = fc.constantFrom('^a', 'b$', '^#?a', '.', 'x', 'ü');
    const args = fc.record(
      {
        line: word,
        regexp: pattern,
        insertafter: fc.oneof(pattern, fc.constant('EOF')),
        insertbefore: fc.oneof(pattern, fc.constant('BOF')),
        state: fc.constantFrom('present' as const, 'absent' as const),
        create: fc.constant(true),
        mode: fc.constantFrom(0o600, 0o644),
      },
      { requiredKeys: ['line', 'create'] },
    );
    const text = fc
      .tuple(fc.array(fc.tuple(word, fc.constantFrom('\n', '\n', '\r\n')), { maxLength: 6 }), fc.option(word))
      .map(([lines, last]) => Buffer.from(lines.flat().join('') + (last ?? '')).toString('latin1'));
    fc.assert(
      fc.property(args, fc.option(text), (rest, found) => {
        host.reset();
        host.mkdir('/etc');
        if (found !== null) host.write(path, found);
        expectLaws(host, lineinfile, { path, ...rest });
      }),
      { numRuns: 40 },
    );
  });
});

describe('the edit', () => {
  test.each([
    ['appends', 'a\nb\n', { line: 'c' }, 'a\nb\nc\n'],
    ['ends the last line first', 'a\nb', { line: 'c' }, 'a\nb\nc\n'],
    ['finds the line itself', 'a\nc\nb\n', { line: 'c' }, 'a\nc\nb\n'],
    ['replaces the last match alone', 'x=1\ny\nx=2\n', { line: 'x=3', regexp: /^x=/ }, 'x=1\ny\nx=3\n'],
    ['keeps a line that matches and is right', 'x=3\n', { line: 'x=3', regexp: /^x=/ }, 'x=3\n'],
    [
      'replaces all that a regexp matches which does not match the line',
      'x\nx\n',
      { line: 'y', regexp: /^x$/ },
      'y\ny\n',
    ],
    ['inserts after the last match', 'a\nb\na\nc\n', { line: 'n', after: /a/ }, 'a\nb\na\nn\nc\n'],
    ['inserts after an unfinished last line', 'a', { line: 'n', after: /a/ }, 'a\nn\n'],
    ['inserts before the last match', 'a\nb\na\n', { line: 'n', before: /a/ }, 'a\nb\nn\na\n'],
    ['inserts at the start', 'a\n', { line: 'n', before: 'start' as const }, 'n\na\n'],
    ['appends where the anchor is not found', 'a\n', { line: 'n', before: /zz/ }, 'a\nn\n'],
    ['prefers the regexp to the anchor', 'a\nb\n', { line: 'A', regexp: /^a/, after: /b/ }, 'A\nb\n'],
    ['keeps CRLF', 'a\r\nb\r\n', { line: 'A', regexp: /^a$/ }, 'A\r\nb\r\n'],
  ])('%s', (_, text, edit, result) => {
    expect(withLine(text, edit)).toBe(result);
  });

  test('removes by regexp, else by the line', () => {
    expect(withoutLine('a\nab\nb\n', { line: undefined, regexp: /^a/ })).toBe('b\n');
    expect(withoutLine('a\nab\na', { line: 'a' })).toBe('ab\n');
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  const plan = (args: Partial<LineInFileArgs>) => look(host, lineinfile, { path, ...args }).plan;

  test.each<[string, Partial<LineInFileArgs>, string]>([
    ['no line', {}, '`line` is missing: the line to keep in the file'],
    ['nothing to remove', { state: 'absent' }, '`line` or `regexp` must say which lines are to go'],
    ['two lines', { line: 'a\nb' }, '`line` must be one line'],
    ['a broken regexp', { line: 'a', regexp: '(' }, 'regexp: Invalid regular expression: /(/: Unterminated group'],
    ['no file', { line: 'a' }, `${path} is not there (create: true makes it)`],
  ])('is blocked by %s', (_, args, why) => {
    expect(plan(args)).toEqual({ kind: 'blocked', why });
  });

  test('waits for a package that may bring the file', () => {
    const { state } = look(host, lineinfile, { path, line: 'a' });
    const installing = state.with(installedResource, 'ntp', true);
    expect(lineinfile.plan({ path, line: 'a' }, installing, context(installing))).toMatchObject({
      kind: 'unknown',
      until: 'ntp is installed',
    });
  });

  test('shows neither a secret line nor other lines of a file that is not for everybody', () => {
    host.write(path, 'user=x\npass=old canary\nother=canary\n', 0o600);
    const guarded = plan({ line: 'pass=new', regexp: '^pass=' });
    expect(shown(guarded)).toEqual([
      `${path}: "<user=x>\\npass=<old canary>\\n<other=canary>\\n" -> "<user=x>\\npass=new\\n<other=canary>\\n"`,
    ]);
    host.write(path, 'user=x\npass=old\n');
    expect(shown(plan({ line: new Secret('pass=new'), regexp: '^pass=' }))).toEqual([
      `${path}: "user=x\\npass=<old>\\n" -> "user=x\\n<pass=new>\\n"`,
      `${path} mode: "0644" -> "0600"`,
    ]);
    host.write(path, 'pass=new\n');
    expect(shown(plan({ line: new Secret('pass=new') }))).toEqual([`${path} mode: "0644" -> "0600"`]);
    expect(plan({ line: new Secret('pass=new'), mode: '0644' }).kind).toBe('ok');
    expect(plan({ line: new Secret('pass=old'), state: 'absent' }).kind).toBe('ok');
  });
});
