import pico from 'picocolors';
import { describe, expect, test } from 'vitest';
import { exitCodeOf, type HostResult, type HostStatus, type RunResult } from '../../src/engine/result.ts';
import { recapLines } from '../../src/report/recap.ts';
import { outcome, task } from './run-events.ts';

const plain = pico.createColors(false);
const run = (statuses: readonly HostStatus[], interrupted = false): RunResult => ({
  hosts: new Map(statuses.map((status, index) => [`h${index}`, host(status)])),
  interrupted,
  timedOut: false,
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

  test('of a run whose time was over', () => {
    expect(summary('apply', { ...run(['ok', 'skipped']), timedOut: true })).toBe(
      'Out of time (--total-timeout). 1 host in sync, 1 host not begun.',
    );
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

  test('a run whose time was over has failed, though no host did; an unreachable host and an interrupt tell more', () => {
    const late = (statuses: readonly HostStatus[], interrupted = false) => ({
      ...run(statuses, interrupted),
      timedOut: true,
    });
    expect(exitCodeOf('apply', late(['ok', 'skipped']))).toBe(4);
    expect(exitCodeOf('check', late(['changed', 'skipped']))).toBe(4);
    expect(exitCodeOf('apply', late(['skipped', 'unreachable']))).toBe(5);
    expect(exitCodeOf('apply', late(['ok', 'skipped'], true))).toBe(130);
  });

  test('what is not known yet is pending too, what failed and was to be ignored is not', () => {
    const only = (status: 'unknown' | 'failed', of: HostStatus): RunResult => ({
      hosts: new Map([['a', { status: of, error: null, tasks: [task('t', { status })] }]]),
      interrupted: false,
      timedOut: false,
    });
    expect(exitCodeOf('check', only('unknown', 'changed'))).toBe(2);
    expect(exitCodeOf('apply', only('failed', 'ok'))).toBe(0);
  });
});
