import { expect, test } from 'vitest';
import { heldBack, listed } from '../../../src/cli/plan-file/hosts.ts';
import { exitCodeOf, type HostResult } from '../../../src/engine/result.ts';

const host = (status: HostResult['status'], code?: string): HostResult => ({
  status,
  error: code === undefined ? null : { code, message: `because of ${code}` },
  tasks: [],
});
const of = (hosts: Record<string, HostResult>) => ({
  hosts: new Map(Object.entries(hosts)),
  interrupted: false,
  timedOut: false,
});

test('a host that cannot be reached holds back all, with its own error and exit code', () => {
  const held = heldBack(of({ a: host('changed'), b: host('unreachable', 'refused') }), new Map());
  expect(exitCodeOf('apply', held)).toBe(5);
  expect(held.hosts.get('b')).toEqual(host('unreachable', 'refused'));
  expect(held.hosts.get('a')).toMatchObject({
    status: 'skipped',
    error: { code: 'plan-held', message: expect.stringContaining('does not hold for b') },
  });
});

test('of a host that moved, that is what is said, and not what its tasks make of it', () => {
  const held = heldBack(
    of({ a: host('failed', 'blocked'), b: host('changed') }),
    new Map([['a', ['/etc/x', 'package y']]]),
  );
  expect(held.hosts.get('a')?.error).toEqual({
    code: 'plan-stale',
    message: expect.stringContaining('when the plan was made: /etc/x, package y.'),
  });
  expect(exitCodeOf('apply', held)).toBe(4);
});

test('a long list is cut', () => {
  expect(listed(Array.from({ length: 14 }, (_, at) => `f${at}`))).toMatch(/^f0, .*, f11 and 2 more$/);
});
