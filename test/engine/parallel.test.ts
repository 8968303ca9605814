import { expect, test } from 'vitest';
import { inParallel } from '../../src/engine/parallel.ts';

const turn = () => new Promise<void>((resolve) => void setTimeout(resolve, 1));

/** How many were at work at once, and in which order they began and went on. */
async function watched(
  limit: number,
  work: (item: string, wait: (promise: Promise<void>) => Promise<void>) => Promise<void>,
) {
  let atWork = 0;
  let most = 0;
  const order: string[] = [];
  const enter = (name: string) => {
    order.push(name);
    atWork += 1;
    most = Math.max(most, atWork);
  };
  await inParallel(['a', 'b', 'c'], limit, async (item, aside) => {
    enter(item);
    await work(item, async (promise) => {
      atWork -= 1;
      await aside(promise);
      enter(`${item} again`);
    });
    await turn();
    atWork -= 1;
  });
  return { most, order };
}

test('no more than the limit are at work', async () => {
  expect(await watched(2, turn)).toEqual({ most: 2, order: ['a', 'b', 'c'] });
  expect((await watched(0, turn)).most).toBe(1);
});

test('who waits lets another one in, and goes on before those who have not begun', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const seen = await watched(1, async (item, wait) => {
    if (item === 'a') await wait(gate);
    else release();
  });
  expect(seen).toEqual({ most: 1, order: ['a', 'b', 'a again', 'c'] });
});

test('where there is nothing to wait for, nobody else is let in', async () => {
  const seen = await watched(1, (_, wait) => wait(Promise.resolve()));
  expect(seen).toEqual({ most: 1, order: ['a', 'a again', 'b', 'b again', 'c', 'c again'] });
});

test('a limit that is smaller than a set whose members wait for each other does not stop it', async () => {
  let open = () => {};
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  let arrived = 0;
  const seen = await watched(1, (_, wait) => {
    arrived += 1;
    if (arrived === 3) open();
    return wait(all);
  });
  expect(seen.most).toBe(1);
  expect(seen.order).toHaveLength(6);
});

test('the first failure is what comes of it; places are given back', async () => {
  const seen: string[] = [];
  const run = inParallel(['a', 'b'], 1, async (item, aside) => {
    seen.push(item);
    if (item === 'a') await aside(Promise.reject(new Error('no')));
  });
  await expect(run).rejects.toThrow('no');
  await turn();
  expect(seen).toEqual(['a', 'b']);
});
