import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { quote } from '../../src/engine/sh.ts';
import { commandLine, word } from '../../src/transport/command-line.ts';
import { needs, programPath } from '../support/needs.ts';

/** Login shells that a user may have. Only the first two are asked for in CI; the others are tried where they are. */
const loginShells = [['dash'], ['bash'], ['busybox', 'sh'], ['tcsh'], ['fish'], ['zsh'], ['mksh'], ['ksh']].filter(
  ([program = '']) => programPath(program) !== undefined,
);
needs('dash', 'bash', 'busybox');

const everyByte = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');

function run(shell: readonly string[], command: string, input: string) {
  const [program = '', ...args] = shell;
  const { status, stdout, stderr } = spawnSync(program, [...args, '-c', command], {
    input: Buffer.from(input, 'latin1'),
  });
  return { status, stdout: stdout.toString('latin1'), stderr: stderr.toString('latin1') };
}

describe.each(loginShells.map((shell) => [shell.join(' '), shell] as const))(
  'through the login shell %s',
  (_, shell) => {
    test('a program keeps every byte, its stdin and its exit code', () => {
      const { command, lead } = commandLine(`printf %s ${quote(everyByte)}\necho "args=$#"; cat\nexit 7\n`);
      expect(lead).toBe('');
      expect(command).toMatch(/^[\x20-\x7e]+$/);
      expect(run(shell, command, 'from stdin\n')).toEqual({
        status: 7,
        stdout: `${everyByte}args=0\nfrom stdin\n`,
        stderr: '',
      });
    });

    test('a long program goes over stdin, and what follows stays on stdin', () => {
      const long = Array.from({ length: 4000 }, (_, line) => `v${line}='${everyByte.slice(0, 8)}!'`).join('\n');
      const { command, lead } = commandLine(`${long}\nprintf '%s\\n' "$v3999"; cat; exit 3`);
      expect(command.length).toBeLessThan(300);
      expect(run(shell, command, `${lead}rest`)).toEqual({
        status: 3,
        stdout: `${everyByte.slice(0, 8)}!\nrest`,
        stderr: '',
      });
    });

    test('a command nested in a word, as su -c has it', () => {
      const inner = commandLine(`echo 'it'"'"'s' \\\\ "!"\ncat`).command;
      expect(run(shell, `exec sh -c ${word(`exec ${inner}`)}`, 'x').stdout).toBe("it's \\ !\nx");
    });
  },
);

test('any program text arrives as it is', () => {
  const text = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    maxLength: 200,
  });
  fc.assert(
    fc.property(text, (value) => {
      const { command } = commandLine(`printf %s ${quote(value)}`);
      expect(execFileSync('sh', ['-c', command]).toString('latin1')).toBe(value);
    }),
    { numRuns: 60 },
  );
});

test('no request is longer than a server must take', () => {
  for (let length = 10_000; length < 140_000; length += 2500) {
    const { command } = commandLine(`: ${'x'.repeat(length)}`, 'LC_ALL=C; ');
    // RFC 4253 6.1: a payload of 32,768 bytes; ssh2, for one, closes the connection at a packet of over 35,000. Some go to sudo.
    expect(command.length).toBeLessThan(31_500);
  }
});

test('errors name sh and not the encoded program', () => {
  const { command } = commandLine('no-such-program-here\nexit 5');
  const { stderr, status } = run(['sh'], command, '');
  expect(status).toBe(5);
  expect(stderr).toContain('no-such-program-here');
  expect(stderr).not.toContain('\\0');
});

test('what no shell can carry is a bug of the caller', () => {
  expect(() => commandLine('a\0b')).toThrow();
  expect(() => word('a!b')).toThrow();
  expect(() => word('a\nb')).toThrow();
});
