/** Lets others work while something is waited for. Where nothing is, nobody else is let in. */
export type Aside = <T>(promise: Promise<T>) => Promise<T>;

/**
 * Works on all items, at most `limit` at a time, the next as soon as a place is free. Who waits `aside` takes no place, and
 * comes before those who have not begun when it goes on. Rejects with the first failure.
 */
export async function inParallel<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, aside: Aside) => Promise<void>,
): Promise<void> {
  let free = Math.max(1, limit);
  const returning: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const enter = (queue: (() => void)[]): Promise<void> | void => {
    if (free === 0) return new Promise((resolve) => queue.push(resolve));
    free -= 1;
  };
  const leave = () => {
    const next = returning.shift() ?? waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const aside: Aside = async (promise) => {
    if (await isSettled(promise)) return promise;
    leave();
    try {
      return await promise;
    } finally {
      await enter(returning);
    }
  };
  await Promise.all(
    items.map(async (item) => {
      await enter(waiting);
      try {
        await work(item, aside);
      } finally {
        leave();
      }
    }),
  );
}

/** By now, or by what is already on its way. */
function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  return Promise.race([settled, new Promise<boolean>((resolve) => void setImmediate(() => resolve(false)))]);
}
