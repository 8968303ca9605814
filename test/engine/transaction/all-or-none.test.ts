import { expect, test } from 'vitest';
import { allOrNone } from '../../../src/engine/transaction/all-or-none.ts';
import { coordinate } from '../../../src/engine/transaction/coordination.ts';

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const batch = (hosts: readonly string[], hold: ReturnType<typeof allOrNone>) => {
  const member = hold(hosts, coordinate({ hosts, tunnels: new Map(), last: new Set() }));
  return hosts.map((host) => member(host));
};

test('hosts without a tunnel between them wait for each other all the same', async () => {
  const [a, b] = batch(['a', 'b'], allOrNone());
  let isThrough = false;
  const planned = a?.planned(['t']).then((trouble) => {
    isThrough = true;
    return trouble;
  });
  await settle();
  expect(isThrough).toBe(false);
  expect(await b?.planned([])).toBeNull();
  expect(await planned).toBeNull();
});

test('one that fails before it has its plan holds back all, in later batches too', async () => {
  const hold = allOrNone();
  const [a, b] = batch(['a', 'b'], hold);
  const planned = a?.planned([]);
  b?.failed('it is another one');
  b?.failed('said twice');
  expect(await planned).toEqual({ host: 'b', why: 'it is another one' });
  const [later] = batch(['c'], hold);
  expect(await later?.planned(['t'])).toEqual({ host: 'b', why: 'it is another one' });
});

test('one that fails after all have their plan is none of its business', async () => {
  const hold = allOrNone();
  const [a] = batch(['a'], hold);
  expect(await a?.planned(['t'])).toBeNull();
  a?.failed('later');
  const [b] = batch(['b'], hold);
  expect(await b?.planned(['t'])).toBeNull();
});
