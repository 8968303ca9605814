import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coordinate, type Intent, type Member } from '../../../src/engine/transaction/coordination.ts';
import { downBudget } from '../../../src/engine/transaction/down-budget.ts';

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

describe('who carries the path of the operator', () => {
  const far = { through: ['near-far'], over: ['near'] };

  test('the far end begins while its tunnel still stands, the near end as soon as it has begun', async () => {
    const join = coordinate({ hosts: ['near', 'far'], tunnels: tunnels(['near', 'far']), last: new Set() });
    const [near, end] = [join('near'), join('far')];
    await Promise.all([near.planned(['near-far']), end.planned(['near-far'], far)]);
    expect([near.isCarried, end.isCarried]).toEqual([false, true]);
    const nearTurn = near.prepared();
    expect(await passed(end.prepared())).toBe(true);
    expect(await passed(nearTurn)).toBe(false);
    end.begun();
    expect(await passed(nearTurn)).toBe(true);
    // It can be proven only now, and both keep the change.
    await Promise.all([near.committed(), end.committed()]);
    expect(await Promise.all([near.verified(), end.verified()])).toEqual([null, null]);
  });

  test('those whom the tunnel does not matter to are proven before either of them', async () => {
    const pairs = tunnels(['near', 'far'], ['other', 'near']);
    const join = coordinate({ hosts: ['near', 'far', 'other'], tunnels: pairs, last: new Set() });
    const [near, end, other] = [join('near'), join('far'), join('other')];
    await Promise.all([
      near.planned(['near-far', 'other-near']),
      end.planned(['near-far'], far),
      other.planned(['other-near']),
    ]);
    const turns = [near.prepared(), end.prepared()];
    expect(await passed(other.prepared())).toBe(true);
    expect(await Promise.all(turns.map(passed))).toEqual([false, false]);
    void other.committed();
    expect(await Promise.all(turns.map(passed))).toEqual([false, true]);
  });

  test('a jump host changes after those behind it are proven, where no tunnel that changes leads to them', async () => {
    const pairs = tunnels(['jump', 'x'], ['y', 'x']);
    const join = coordinate({ hosts: ['jump', 'x', 'y'], tunnels: pairs, last: new Set() });
    const members = { jump: join('jump'), x: join('x'), y: join('y') };
    await Promise.all([
      members.jump.planned(['jump-x']),
      members.x.planned(['jump-x', 'y-x']),
      members.y.planned(['y-x'], { over: ['jump'] }),
    ]);
    const last = members.jump.prepared();
    await Promise.all([members.x.prepared(), passed(members.y.prepared())]);
    members.x.begun();
    void members.x.committed();
    expect(await passed(last)).toBe(false);
    members.y.begun();
    expect(await passed(last)).toBe(false);
    void members.y.committed();
    expect(await passed(last)).toBe(true);
  });

  test('a way that no changed tunnel carries changes nothing in the order', async () => {
    const join = coordinate({ hosts: ['a', 'b'], tunnels: tunnels(['a', 'b']), last: new Set() });
    const [a, b] = [join('a'), join('b')];
    await Promise.all([a.planned(['a-b']), b.planned(['a-b'], { through: ['elsewhere'] })]);
    void a.prepared();
    expect(await passed(b.prepared())).toBe(true);
  });

  test('whatever the ways are, all come to their end', async () => {
    const hosts = ['a', 'b', 'c', 'd', 'e'];
    const pair = fc.tuple(fc.constantFrom(...hosts), fc.constantFrom(...hosts)).filter(([a, b]) => a !== b);
    const way = fc.record({
      through: fc.array(
        pair.map(([a, b]) => `${a}-${b}`),
        { maxLength: 3 },
      ),
      over: fc.array(fc.constantFrom(...hosts), { maxLength: 2 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(pair, { minLength: 1, maxLength: 8 }),
        fc.array(way, { minLength: 5, maxLength: 5 }),
        async (pairs, ways) => {
          const of = tunnels(...pairs);
          const join = coordinate({ hosts, tunnels: of, last: new Set() });
          const through = async (host: string, member: Member, intent: Intent) => {
            const own = [...of].filter(([, ends]) => ends.includes(host)).map(([name]) => name);
            const ends = [await member.planned(own, intent)];
            if (own.length === 0) return ends;
            ends.push(await member.prepared());
            member.begun();
            ends.push(await member.committed(), await member.verified());
            member.ended(true);
            return ends;
          };
          const all = Promise.all(hosts.map((host, index) => through(host, join(host), ways[index] ?? {})));
          const ends = await Promise.race([all, new Promise<null>((resolve) => setTimeout(() => resolve(null), 500))]);
          expect(ends?.flat().every((end) => end === null)).toBe(true);
        },
      ),
    );
  });
});

describe('--max-down', () => {
  const two = (limit: number) => {
    const budget = downBudget(limit);
    const pairs = tunnels(['a', 'b'], ['c', 'd']);
    const join = coordinate({ hosts: ['a', 'b', 'c', 'd'], tunnels: pairs, last: new Set(), budget });
    const members = { a: join('a'), b: join('b'), c: join('c'), d: join('d') };
    const plan = (host: keyof typeof members, tunnel: string) => members[host].planned([tunnel], { drops: [tunnel] });
    return { budget, members, plan };
  };

  test('a set waits until others have proven their tunnels', async () => {
    const { members, plan, budget } = two(1);
    await Promise.all([plan('a', 'a-b'), plan('b', 'a-b')]);
    const later = Promise.all([plan('c', 'c-d'), plan('d', 'c-d')]);
    expect(await passed(later)).toBe(false);
    members.a.ended(true);
    expect(await passed(later)).toBe(false);
    members.b.ended(true);
    expect(await later).toEqual([null, null]);
    expect(budget.spent).toBeNull();
  });

  test('a set that alone takes down more is not begun', async () => {
    const { plan, budget } = two(0);
    const ends = await Promise.all([plan('a', 'a-b'), plan('b', 'a-b')]);
    expect(ends.map((end) => end?.code)).toEqual(['max-down', 'max-down']);
    expect(ends[0]?.why).toBe('this takes 1 tunnel down at once (a-b); --max-down allows 0');
    expect(budget.spent).toBe(ends[0]?.why);
  });

  test('what stays down counts: what waits does not begin', async () => {
    const { members, plan } = two(1);
    await Promise.all([plan('a', 'a-b'), plan('b', 'a-b')]);
    const later = Promise.all([plan('c', 'c-d'), plan('d', 'c-d')]);
    await settle();
    members.a.ended(false);
    members.b.ended(true);
    const why = 'this takes 1 tunnel down at once (c-d) while 1 are down already (a-b); --max-down allows 1';
    expect((await later).map((end) => end?.why)).toEqual([why, why]);
  });

  test('when it is passed, those at work go back', async () => {
    const budget = downBudget(2);
    const join = coordinate({ hosts: ['a', 'b', 'c'], tunnels: tunnels(['a', 'b']), last: new Set(), budget });
    const [a, b, c] = [join('a'), join('b'), join('c')];
    await Promise.all([a.planned(['a-b'], { drops: ['a-b'] }), b.planned(['a-b'])]);
    void a.prepared();
    expect(await b.prepared()).toBeNull();
    b.begun();
    const waiting = b.committed();
    expect(await passed(waiting)).toBe(false);
    await c.planned([]);
    // Another wave's host, say: three are down now.
    budget.settle('elsewhere', ['x', 'y', 'z']);
    c.ended(true);
    expect(await waiting).toMatchObject({ code: 'max-down', why: expect.stringContaining('x, y, z') });
  });

  test('without drops nobody waits', async () => {
    const { members } = two(0);
    expect(await Promise.all([members.a.planned(['a-b']), members.b.planned(['a-b'])])).toEqual([null, null]);
  });
});
