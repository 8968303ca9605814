import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coordinate, type Member } from '../../../src/engine/transaction/coordination.ts';

const tunnels = (...pairs: readonly (readonly [string, string])[]) =>
  new Map(pairs.map(([a, b]) => [`${a}-${b}`, [a, b]]));

/** Lets everything that can go on go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

async function passed(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await settle();
  return done;
}

describe('a pair', () => {
  const pair = () => {
    const join = coordinate({ hosts: ['a', 'b', 'c'], tunnels: tunnels(['a', 'b'], ['b', 'c']), last: new Set() });
    return { a: join('a'), b: join('b'), c: join('c') };
  };

  test('waits for the other plan, is prepared together, and the responder changes first', async () => {
    const { a, b, c } = pair();
    const planned = a.planned(['a-b']);
    expect(await passed(planned)).toBe(false);
    await Promise.all([planned, b.planned(['a-b'])]);
    expect(a.partners).toEqual(['b']);
    const first = b.prepared();
    expect(await passed(first)).toBe(false);
    const second = a.prepared();
    expect(await passed(first)).toBe(true);
    expect(await passed(second)).toBe(false);
    const done = b.committed();
    expect(await passed(second)).toBe(true);
    expect(await passed(done)).toBe(false);
    await Promise.all([a.committed(), done]);
    expect(await Promise.all([a.verified(), b.verified()])).toEqual([null, null]);
    expect(await c.planned([])).toBeNull();
  });

  test('an end without a plan keeps the other from changing', async () => {
    const { a, b } = pair();
    const planned = a.planned(['a-b']);
    b.failed('unreachable');
    expect(await planned).toEqual({ host: 'b', why: 'unreachable' });
  });

  test('an end whose plan changes nothing is not waited for', async () => {
    const { a, b } = pair();
    await Promise.all([a.planned(['a-b']), b.planned([])]);
    expect(await a.prepared()).toBeNull();
    expect(await a.committed()).toBeNull();
    expect(await a.verified()).toBeNull();
  });

  test('what fails after the commit is told to the other end', async () => {
    const { a, b } = pair();
    await Promise.all([a.planned(['a-b']), b.planned(['a-b'])]);
    const ready = [b.prepared(), a.prepared()];
    await ready[0];
    const waiting = b.committed();
    await ready[1];
    a.failed('ifup failed');
    expect(await waiting).toEqual({ host: 'a', why: 'ifup failed' });
  });

  test('the path of the operator changes last, also where it is the responder', async () => {
    const join = coordinate({ hosts: ['a', 'b'], tunnels: tunnels(['a', 'b']), last: new Set(['b']) });
    const [a, b] = [join('a'), join('b')];
    await Promise.all([a.planned(['a-b']), b.planned(['a-b'])]);
    const last = b.prepared();
    expect(await passed(a.prepared())).toBe(true);
    expect(await passed(last)).toBe(false);
    void a.committed();
    expect(await passed(last)).toBe(true);
  });
});

test('hosts that share no changed tunnel do not wait for each other', async () => {
  const join = coordinate({
    hosts: ['a', 'b', 'c', 'd'],
    tunnels: tunnels(['a', 'b'], ['b', 'c'], ['c', 'd']),
    last: new Set(),
  });
  const [a, b] = [join('a'), join('b')];
  join('d').failed('unreachable');
  await Promise.all([a.planned(['a-b']), b.planned(['a-b'])]);
  expect(await Promise.all([a.prepared(), b.prepared().then(() => b.committed())].slice(0, 1))).toEqual([null]);
});

test('whatever fails wherever: nobody changes before all are prepared, and all of a set keep their changes or none', async () => {
  const graph = fc.record({
    edges: fc.uniqueArray(
      fc.tuple(fc.nat(5), fc.nat(5)).filter(([a, b]) => a !== b),
      {
        selector: ([a, b]) => [a, b].sort().join(),
        maxLength: 8,
      },
    ),
    fails: fc.array(fc.tuple(fc.nat(5), fc.nat(3)), { maxLength: 2 }),
    order: fc.array(fc.nat(5), { minLength: 6, maxLength: 30 }),
  });
  await fc.assert(
    fc.asyncProperty(graph, async ({ edges, fails, order }) => {
      const hosts = [0, 1, 2, 3, 4, 5].map((n) => `h${n}`);
      const pairs = edges.map(([a, b]) => [`h${a}`, `h${b}`] as const);
      const all = tunnels(...pairs);
      const join = coordinate({ hosts, tunnels: all, last: new Set(order.slice(0, 1).map((n) => `h${n}`)) });
      const of = (host: string) => [...all].filter(([, ends]) => ends.includes(host)).map(([name]) => name);
      const failsAt = new Map(fails.map(([host, phase]) => [`h${host}`, phase]));
      const prepared = new Set<string>();
      const kept = new Map<string, boolean>();
      const run = async (host: string, member: Member) => {
        const may = (phase: number, why: string) => {
          if (failsAt.get(host) !== phase) return true;
          member.failed(why);
          kept.set(host, false);
          return false;
        };
        if (!may(0, 'plan')) return;
        if ((await member.planned(of(host))) !== null) return void kept.set(host, false);
        if (!may(1, 'prepare')) return;
        prepared.add(host);
        if ((await member.prepared()) !== null) return void kept.set(host, false);
        for (const partner of member.partners) expect(prepared.has(partner), `${host} before ${partner}`).toBe(true);
        if (!may(2, 'commit')) return;
        if ((await member.committed()) !== null) return void kept.set(host, false);
        if (!may(3, 'verify')) return;
        kept.set(host, (await member.verified()) === null);
      };
      await Promise.all(
        [...hosts]
          .sort((a, b) => order.indexOf(Number(a[1])) - order.indexOf(Number(b[1])))
          .map((host) => run(host, join(host))),
      );
      for (const [a, b] of pairs) expect(kept.get(a), `${a} and ${b}`).toBe(kept.get(b));
    }),
    { numRuns: 300 },
  );
});
