import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Division, divide } from '../../src/compile/shards.ts';
import { parseShard, shareOf } from '../../src/model/shard.ts';
import type { CompiledHost } from '../../src/model/task.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { host, psk, tunnel } from './support/tunnels.ts';
import { compileWorld } from './support/world.ts';

interface Fleet {
  readonly hosts: readonly string[];
  readonly tunnels: readonly Tunnel[];
  readonly groups: Readonly<Record<string, string>>;
}

/** Hosts, some tunnels between them, some redundancy groups, in any order. */
const fleet: fc.Arbitrary<Fleet> = fc
  .record({
    hosts: fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 24 }),
    pairs: fc.array(fc.tuple(fc.nat(23), fc.nat(23)), { maxLength: 16 }),
    grouped: fc.array(fc.tuple(fc.nat(23), fc.constantFrom('east', 'west')), { maxLength: 4 }),
  })
  .map(({ hosts: numbers, pairs, grouped }) => {
    const hosts = numbers.map((number) => `gw${number}`);
    const at = (index: number) => hosts[index % hosts.length] ?? '';
    const names = new Set(pairs.flatMap(([a, b]) => (at(a) === at(b) ? [] : [[at(a), at(b)].sort().join('-')])));
    return {
      hosts,
      tunnels: [...names].map((name, index) => between(name, index)),
      groups: Object.fromEntries(grouped.map(([index, group]) => [at(index), group])),
    };
  });

function between(name: string, index = 0): Tunnel {
  const [a = '', b = ''] = name.split('-');
  const address = (one: string) => `10.${index}.${one.slice(2).slice(-2)}.1`;
  return tunnel(name, [host(a, `ipsec${index}`, address(a)), host(b, `ipsec${index}`, address(b))], psk('a_l0ng_Key'));
}

const divided = ({ hosts, tunnels, groups }: Fleet, count: number) =>
  divide(hosts, tunnels, (name) => groups[name], count);
const placeOf = ({ shards }: Division) =>
  new Map(shards.flatMap((shard, index) => shard.hosts.map((name) => [name, index])));
const count = fc.integer({ min: 1, max: 9 });

describe('dividing a fleet', () => {
  test('puts each host into one shard, with the other ends of its tunnels and its redundancy group', () => {
    fc.assert(
      fc.property(fleet, count, (one, parts) => {
        const division = divided(one, parts);
        expect(division.shards).toHaveLength(parts);
        expect(division.shards.flatMap((shard) => shard.hosts).sort()).toEqual([...one.hosts].sort());
        const place = placeOf(division);
        for (const { ends } of one.tunnels) expect(place.get(ends[0].host)).toBe(place.get(ends[1].host));
        for (const group of new Set(Object.values(one.groups))) {
          const members = one.hosts.filter((name) => one.groups[name] === group);
          expect(new Set(members.map((name) => place.get(name))).size).toBeLessThan(2);
        }
      }),
    );
  });

  test('gives the same, however hosts, tunnels and their ends are ordered', () => {
    const turned = fleet.chain((one) =>
      fc.record({
        one: fc.constant(one),
        hosts: fc.shuffledSubarray([...one.hosts], { minLength: one.hosts.length }),
        tunnels: fc.shuffledSubarray([...one.tunnels], { minLength: one.tunnels.length }),
      }),
    );
    fc.assert(
      fc.property(turned, count, ({ one, hosts, tunnels }, parts) => {
        const other = tunnels.map((each): Tunnel => ({ ...each, ends: [each.ends[1], each.ends[0]] }));
        expect(divided({ ...one, hosts, tunnels: other }, parts)).toEqual(divided(one, parts));
      }),
    );
  });

  test('is balanced: no shard has much more than its share, but for one set that cannot be divided', () => {
    fc.assert(
      fc.property(fleet, count, (one, parts) => {
        const division = divided(one, parts);
        const fair = division.ends / parts;
        const largest = Math.max(...division.shards.map((shard) => shard.largest?.ends ?? 0));
        for (const { ends } of division.shards) expect(ends).toBeLessThanOrEqual(Math.max(1.1 * fair, fair + largest));
      }),
    );
  });

  test('says what it is made of; a host without tunnels counts as an end', () => {
    const tunnels = [between('gw1-gw2'), between('gw2-gw3')];
    const { shards, ...whole } = divide(['gw1', 'gw10', 'gw2', 'gw3'], tunnels, () => undefined, 1);
    expect(whole).toEqual({ hosts: 4, ends: 5, sets: 2 });
    const largest = { hosts: ['gw1', 'gw2', 'gw3'], ends: 4 };
    expect(shards).toEqual([
      { hosts: ['gw1', 'gw2', 'gw3', 'gw10'], ends: 5, largest: expect.objectContaining(largest) },
    ]);
  });

  test('an end that somebody else manages binds nobody', () => {
    const [a, b] = ['gw1', 'gw2'].map((name): Tunnel => {
      const peer = { ...host('peer', 'ipsec0', '192.0.2.9'), managed: false };
      return tunnel(`${name}-peer`, [host(name, 'ipsec0', '192.0.2.1'), peer], psk('a_l0ng_Key'));
    });
    if (a === undefined || b === undefined) throw new Error('two tunnels');
    expect(divide(['gw1', 'gw2'], [a, b], () => undefined, 2).sets).toBe(2);
  });
});

describe('one tunnel more', () => {
  const pairs = Array.from({ length: 200 }, (_, index) => `gw${index}-br${index}`);
  const fleetOf = (names: readonly string[]): Fleet => ({
    hosts: [...new Set(names.flatMap((name) => name.split('-')))],
    tunnels: names.map((name) => between(name)),
    groups: {},
  });
  const before = placeOf(divided(fleetOf(pairs), 5));
  const moved = (names: readonly string[], parts = 5) => {
    const after = placeOf(divided(fleetOf(names), parts));
    return [...before].filter(([name, shard]) => after.get(name) !== shard).length;
  };

  test('between new hosts, or two that are there, moves few others', () => {
    const added = Array.from({ length: 20 }, (_, index) => [
      moved([...pairs, `gwnew${index}-brnew${index}`]),
      moved([...pairs, `gw${index * 7}-br${index * 9 + 3}`]),
    ]).flat();
    // Of 400 hosts; dividing them in turn would move four fifths of all.
    expect(Math.max(...added)).toBeLessThanOrEqual(30);
    expect(added.reduce((sum, one) => sum + one) / added.length).toBeLessThanOrEqual(8);
  });

  test('one shard more moves about what falls to it', () => {
    expect(moved(pairs, 6)).toBeLessThan(400 * 0.35);
  });
});

describe('compiling the shards', () => {
  const known = (hosts: readonly CompiledHost[]) =>
    hosts.map((each) => [each.host, each.tasks.map((task) => [task.id, task.tunnel, task.args.resolve({})])] as const);

  test('gives together what compiling the whole gives, with --limit too', () => {
    const playbook = `- hosts: all
  tasks:
    - file: { path: /etc/hosts.play, content: "{{ ansible_play_hosts | join(' ') }}" }
    - ipsec_tunnels: {}
`;
    fc.assert(
      fc.property(fleet, count, fc.boolean(), (one, parts, isLimited) => {
        const hosts = Object.fromEntries(
          one.hosts.map((name) => [name, one.groups[name] === undefined ? {} : { redundancy_group: one.groups[name] }]),
        );
        const limit = isLimited ? { limit: one.hosts[0] ?? '' } : {};
        const world = (isInShard?: (name: string) => boolean) => {
          const options = { ...limit, ...(isInShard === undefined ? {} : { isInShard }) };
          const compiled = compileWorld({ hosts, tunnels: one.tunnels, playbook, options });
          expect(compiled.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
          return compiled.plays.flatMap((play) => known(play.hosts));
        };
        const shards = divided(one, parts).shards.map((shard) => world((name) => shard.hosts.includes(name)));
        const sorted = (all: ReturnType<typeof world>) => all.map((each) => JSON.stringify(each)).sort();
        expect(sorted(shards.flat())).toEqual(sorted(world()));
      }),
      { numRuns: 40 },
    );
  });
});

describe('--shard I/N', () => {
  test.each(['0/3', '4/3', 'a/b', '1/0', '1', '1/3/4', '-1/3', '01/3', '1.5/3', ' 1/3', '1/10001', ''])(
    '"%s" is none',
    (text) => {
      expect(parseShard(text)).toBeNull();
    },
  );

  test('names a part', () => {
    expect(parseShard('2/3')).toEqual({ index: 2, count: 3 });
    expect(parseShard('1/1')).toEqual({ index: 1, count: 1 });
  });

  test('of a number that all share, the shards have all of it and no more', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 50 }), (total, parts) => {
        const shares = Array.from({ length: parts }, (_, at) => shareOf(total, { index: at + 1, count: parts }));
        expect(shares.reduce((sum, share) => sum + share)).toBe(total);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(2);
      }),
    );
  });
});
