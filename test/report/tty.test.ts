import { expect, test } from 'vitest';
import { styleFor } from '../../src/report/tty.ts';

test.each([
  // hosts, rows, apply, check
  [1, 24, 'tasks', 'lines'],
  [2, 24, 'tasks', 'lines'],
  [3, 24, 'lines', 'lines'],
  [21, 24, 'lines', 'lines'],
  [22, 24, 'summary', 'summary'],
  [40, 24, 'summary', 'summary'],
  [40, 60, 'lines', 'lines'],
  [4, 60, 'tasks', 'lines'],
  [1, 5, 'lines', 'lines'],
  [1, 2, 'summary', 'summary'],
] as const)('%i hosts on %i rows', (hosts, rows, apply, check) => {
  expect({ apply: styleFor(hosts, 'apply', rows), check: styleFor(hosts, 'check', rows) }).toEqual({ apply, check });
});
