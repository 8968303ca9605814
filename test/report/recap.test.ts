import pico from 'picocolors';
import { describe, expect, test } from 'vitest';
import { exitCodeOf, type HostResult, type HostStatus, type RunResult } from '../../src/engine/result.ts';
import { recapLines } from '../../src/report/recap.ts';
import { outcome, task } from './run-events.ts';

const plain = pico.createColors(false);
const run = (statuses: readonly HostStatus[], interrupted = false): RunResult => ({
  hosts: new Map(statuses.map((status, index) => [`h${index}`, host(status)])),
  interrupted,
});

function host(status: HostStatus): HostResult {
  const tasks = { ok: ['ok'], changed: ['changed'], failed: ['failed'], unreachable: [], skipped: [] } as const;
  return { status, error: null, tasks: tasks[status].map((each) => task(each, { status: each })) };
}

const summary = (command: 'check' | 'apply', result: RunResult) => recapLines(command, result, plain).at(-1);

test('a line a host, its error below it', async () => {
  await expect(`${recapLines('apply', outcome, plain).join('\n')}\n`).toMatchFileSnapshot('golden/recap.golden');
});

describe('the last sentence', () => {
  test.each([
    ['check', ['changed', 'ok'], false, '1 host would change, 1 host in sync.'],
    ['apply', ['changed', 'changed'], false, '2 hosts changed and proven.'],
    ['apply', ['failed', 'unreachable', 'skipped'], false, '1 host failed, 1 host unreachable, 1 host not begun.'],
    ['apply', ['skipped', 'ok'], true, 'Interrupted. 1 host in sync, 1 host not begun.'],
    ['check', [], false, 'No hosts.'],
  ] as const)('%s of %j', (command, statuses, interrupted, expected) => {
    expect(summary(command, run(statuses, interrupted))).toBe(expected);
  });
});

describe('the exit code', () => {
  test.each([
    [['ok', 'skipped'], 0, 0],
    [['ok', 'changed'], 2, 0],
    [['changed', 'failed'], 4, 4],
    [['changed', 'failed', 'unreachable'], 5, 5],
    [['unreachable', 'failed'], 5, 5],
    [[], 0, 0],
  ] as const)('%j', (statuses, check, apply) => {
    expect(exitCodeOf('check', run(statuses))).toBe(check);
    expect(exitCodeOf('apply', run(statuses))).toBe(apply);
    expect(exitCodeOf('apply', run(statuses, true))).toBe(130);
  });

  test('what is not known yet is pending too, what failed and was to be ignored is not', () => {
    const only = (status: 'unknown' | 'failed', of: HostStatus): RunResult => ({
      hosts: new Map([['a', { status: of, error: null, tasks: [task('t', { status })] }]]),
      interrupted: false,
    });
    expect(exitCodeOf('check', only('unknown', 'changed'))).toBe(2);
    expect(exitCodeOf('apply', only('failed', 'ok'))).toBe(0);
  });
});
