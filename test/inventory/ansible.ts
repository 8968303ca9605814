import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** Whether the real Ansible is there to compare with. */
const hasAnsible = spawnSync('ansible-inventory', ['--version'], { stdio: 'ignore' }).status === 0;

/** `test` that needs the real Ansible: skipped, with one line, where it is missing; a failure under CI. */
export function oracleTest(name: string, run: () => void | Promise<void>): void {
  if (hasAnsible) test(name, run);
  else if (process.env.CI === 'true') test(name, () => expect.unreachable('ansible-core is not installed'));
  else test.skip(`${name} (skipped: ansible-core is not installed)`, () => undefined);
}

export type Files = Readonly<Record<string, string>>;

/** Runs `act` with the files in a new directory. */
export function inDirectory<T>(files: Files, act: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'ipsec-play-oracle-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), text);
    }
    return act(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs a Python program that uses Ansible's own classes; many questions cost one start of Python. */
export function askAnsible(program: string, question: unknown, cwd: string): unknown {
  const answer = execFileSync(interpreter(), ['-c', program], {
    cwd,
    input: JSON.stringify(question),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: {
      ...process.env,
      ANSIBLE_LOCALHOST_WARNING: 'false',
      ANSIBLE_DEPRECATION_WARNINGS: 'false',
      PYTHONHASHSEED: '0',
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  return JSON.parse(answer.slice(answer.indexOf('\u0001') + 1));
}

/** The Python that Ansible itself runs under, from the first line of its program. */
function interpreter(): string {
  const program = execFileSync('sh', ['-c', 'command -v ansible-inventory'], { encoding: 'utf8' }).trim();
  const words =
    readFileSync(program, 'utf8')
      .split('\n', 1)[0]
      ?.replace(/^#!\s*/, '')
      .split(/\s+/) ?? [];
  return (words[0]?.endsWith('/env') ? words[1] : words[0]) ?? 'python3';
}
