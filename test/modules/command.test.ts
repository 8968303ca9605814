import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type CommandArgs, command } from '../../modules/command.ts';
import { Secret } from '../../src/model/secret.ts';
import { apply, context, everyShell, expectLaws, look, makeHost } from './run-module.ts';
import { shown } from './shown.ts';

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    const guard = fc.constantFrom('/there', '/not there');
    const args = fc.record(
      { creates: guard, removes: guard, chdir: fc.constant('/usr'), stdin: fc.string() },
      { requiredKeys: [] },
    );
    const what = fc.oneof(
      fc.record({ cmd: fc.constantFrom('true', 'cat >/dev/null', 'exit 0') }),
      fc.record({ argv: fc.constantFrom(['true'], ['test', 'a b', '=', 'a b']) }),
    );
    fc.assert(
      fc.property(args, what, (rest, run) => {
        host.reset();
        host.write('/there', '');
        fc.pre(!rest.stdin?.includes('\0'));
        expectLaws(host, command, { ...rest, ...run });
      }),
      { numRuns: 20 },
    );
  });

  test('words arrive as they are, and a secret through stdin', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.string(),
        (words, input) => {
          fc.pre(![...words, input].join('').includes('\0'));
          const args: CommandArgs = {
            argv: ['sh', '-c', 'printf "<%s>" "$@"; cat', '-', ...words],
            stdin: new Secret(input),
          };
          const { plan } = look(host, command, args);
          const expected = Buffer.from(words.map((word) => `<${word}>`).join('') + input).toString('latin1');
          expect(apply(host, command, plan, args).stdout).toBe(expected);
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => host.reset());

  test('asks whether a guard is there, and never reads it', () => {
    const script = command.probe({ cmd: 'true', creates: '/proc/kcore', removes: '/etc' }, {});
    expect(script.files).toEqual([]);
    host.mkdir('/made');
    expect(look(host, command, { cmd: 'true', creates: '/made' }).plan.kind).toBe('ok');
    expect(look(host, command, { cmd: 'true', removes: '/made' }).plan.kind).toBe('change');
  });

  test('runs once in a run', () => {
    const args = { cmd: 'echo a | tr a b' };
    const { state, plan } = look(host, command, args);
    if (plan.kind !== 'change') throw new Error(plan.kind);
    expect(shown(plan)).toEqual(['command: null -> "echo a | tr a b"']);
    expect(apply(host, command, plan, args)).toMatchObject({ exitCode: 0, stdout: 'b\n' });
    expect(command.plan(args, state.merge(plan.after.runScoped()), context(state)).kind).toBe('ok');
  });

  test('is not needed when its guard says so', () => {
    host.write("/it's", '');
    expect(look(host, command, { cmd: 'x', creates: "/it's" }).plan.kind).toBe('ok');
    expect(look(host, command, { cmd: 'x', creates: '/no' }).plan.kind).toBe('change');
    expect(look(host, command, { cmd: 'x', removes: '/no' }).plan.kind).toBe('ok');
    expect(look(host, command, { cmd: 'x', removes: "/it's" }).plan.kind).toBe('change');
  });

  test('shows a list as the shell words that it is', () => {
    expect(shown(look(host, command, { argv: ['ls', 'a b', "c'd"] }).plan)).toEqual([
      `command: null -> ${JSON.stringify("ls 'a b' 'c'\\''d'")}`,
    ]);
  });

  test.each<[string, CommandArgs]>([
    ['the command', { cmd: new Secret('x canary') }],
    ['its words', { argv: ['x', new Secret('canary')] }],
  ])('never takes a secret in %s', (_, args) => {
    expect(look(host, command, args).plan).toMatchObject({ kind: 'blocked', why: expect.stringContaining('stdin') });
  });

  test('runs in its folder, and its exit code counts', () => {
    const run = (args: CommandArgs) => apply(host, command, look(host, command, args).plan, args);
    expect(run({ cmd: 'pwd; exit 3', chdir: '/usr' })).toMatchObject({ exitCode: 3, stdout: '/usr\n' });
    const elsewhere = run({ cmd: 'echo ran', chdir: "/no such 'dir'" });
    expect(elsewhere.exitCode).not.toBe(0);
    expect(elsewhere.stdout).toBe('');
  });
});
