import { expect, test } from 'vitest';
import type { Step } from '../../src/engine/batch.ts';
import { lastKnown } from '../../src/engine/last-known.ts';

const step = (name: string) => ({ task: { id: name, name } }) as unknown as Step;
const first = step('first');
const second = step('second');
const third = step('third');

test('the end of a task that comes after the begin of the next one does not hide it', () => {
  const seen = lastKnown('apply');
  seen.sent([first, second, third]);
  seen.begun(first);
  seen.begun(second);
  // The streams of a shell are not ordered against each other, and a task has ended when both say so.
  seen.ended(first, 'changed');
  expect(seen.running).toBe(second);
  expect(seen.whenLost()).toContain('The last task known to have begun is "second"; it is not known whether it ended');
  expect(seen.isUnseen('second')).toBe(false);
  expect(seen.isUnseen('third')).toBe(true);
  seen.ended(second, 'ok');
  expect(seen.running).toBeNull();
  expect(seen.whenLost()).toContain('"second", and it had ended (ok); it is not known whether "third" began');
});
