import { expect, test } from 'vitest';
import { remembered } from '../../../modules/shared/remembered.ts';

test('a text that was read is not read again, while it is among the last', () => {
  const seen: string[] = [];
  const read = remembered((text) => {
    seen.push(text);
    return text === '' ? null : { text };
  }, 2);
  const a = read('a');
  expect(read('a')).toBe(a);
  expect([read(''), read('')]).toEqual([null, null]);
  expect(seen).toEqual(['a', '']);
  read('b');
  expect(read('a')).toEqual(a);
  expect(seen).toEqual(['a', '', 'b', 'a']);
});
