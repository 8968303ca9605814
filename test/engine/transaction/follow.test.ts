import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FOLLOW } from '../../../src/engine/transaction/follow.ts';
import { everyShell } from '../../modules/run-module.ts';

/**
 * A shell that has been given a trap leaves it to what it forks until that has begun, and a signal that comes before is lost
 * with it: in a shell that reads a host there is such a trap.
 */
test.each(everyShell)('under %s what is told at once to end does end', (_, shell) => {
  const [program, ...args] = shell;
  const dir = mkdtempSync(join(tmpdir(), 'follow-'));
  const script = `trap 'exit 143' TERM
ip_dir=${dir}
ip_mark() { :; }; ip_alive() { :; }; ip_b() { :; }; ip_e() { :; }
${FOLLOW}
for i in 1 2 3 4 5 6 7 8 9 10; do ip_follow end runner; done; echo over`;
  const { stdout, signal } = spawnSync(program, [...args, '-c', script], {
    input: '\n'.repeat(10),
    encoding: 'latin1',
    timeout: 10_000,
    killSignal: 'SIGKILL',
  });
  rmSync(dir, { recursive: true, force: true });
  expect([stdout, signal]).toEqual(['over\n', null]);
});
