import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { PROCESSES } from '../../../src/engine/transaction/processes.ts';
import { everyShell } from '../../modules/run-module.ts';

const dir = mkdtempSync(join(tmpdir(), 'keeper-start-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Starts a keeper that does this; whether it is told to have started. Nobody waits for long. */
function starts([program, ...args]: readonly string[], keeper: string): boolean {
  writeFileSync(join(dir, 'keeper.sh'), keeper);
  const script = `ip_base=${dir}; ip_dir=${dir}; ip_id=1
sleep() { command sleep 0.3; }
ip_word() { ip_w=; [ -f "$1" ] && read -r ip_w <"$1"; [ -n "$ip_w" ]; }
${PROCESSES}
echo running >"$ip_dir/state"
ip_keeper`;
  return spawnSync(program ?? 'sh', [...args, '-c', script], { timeout: 20_000 }).status === 0;
}

describe.each(everyShell)('under %s a keeper', (_, shell) => {
  test('that is slow to start is waited for', () => {
    expect(starts(shell, `sleep 0.5; echo 1 >${dir}/keeper.pid`)).toBe(true);
  });

  test('that has brought the old state back before anybody looked has started', () => {
    expect(starts(shell, `sleep 0.4; echo restored >${dir}/state`)).toBe(true);
  });

  test('that ends at once does not start', () => {
    expect(starts(shell, 'exit 1')).toBe(false);
  });
});
