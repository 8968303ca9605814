import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectedSets, type WaveHost, waves } from '../../src/engine/waves.ts';

const host = (name: string, tunnels: readonly string[] = [], group?: string): WaveHost => ({
  host: name,
  tunnels,
  group,
});
const names = (hosts: readonly (readonly WaveHost[])[]) => hosts.map((wave) => wave.map((each) => each.host).join(' '));
const inWaves = (hosts: readonly WaveHost[], sizes: readonly number[] = []) => waves(connectedSets(hosts), sizes);

describe('connected sets', () => {
  test('are those of the tunnels, in the order of their first hosts; who has none is alone', () => {
    const hosts = [host('a', ['a-c']), host('b'), host('c', ['a-c', 'c-e']), host('d'), host('e', ['c-e'])];
    expect(names(connectedSets(hosts))).toEqual(['a c e', 'b', 'd']);
  });

  test('a tunnel whose other end is not among the hosts connects nobody', () => {
    expect(names(connectedSets([host('a', ['a-x']), host('b', ['b-x'])]))).toEqual(['a', 'b']);
  });
});

describe('waves', () => {
  const pairs = [host('a', ['t']), host('b', ['u']), host('c', ['t']), host('d', ['u']), host('e')];

  test('without sizes and groups all go at once', () => {
    expect(names(inWaves(pairs).waves)).toEqual(['a c b d e']);
  });

  test('a size is filled by whole sets', () => {
    expect(names(inWaves(pairs, [2]).waves)).toEqual(['a c', 'b d', 'e']);
    expect(names(inWaves(pairs, [3]).waves)).toEqual(['a c', 'b d e']);
    expect(names(inWaves(pairs, [2, 9]).waves)).toEqual(['a c', 'b d e']);
    expect(inWaves(pairs, [3]).notes).toEqual([]);
  });

  test('a set that is larger is a wave of its own, and that is said', () => {
    const { waves: made, notes } = inWaves(pairs, [1]);
    expect(names(made)).toEqual(['a c', 'b d', 'e']);
    expect(notes).toEqual([
      { kind: 'larger', hosts: ['a', 'c'], size: 1 },
      { kind: 'larger', hosts: ['b', 'd'], size: 1 },
    ]);
  });

  test('of redundant hosts the second waits, others do not', () => {
    const hosts = [host('gw1', ['t'], 'g'), host('b1', ['t']), host('gw2', ['u'], 'g'), host('b2', ['u']), host('x')];
    const { waves: made, notes } = inWaves(hosts);
    expect(names(made)).toEqual(['gw1 b1 x', 'gw2 b2']);
    expect(notes).toEqual([]);
  });

  test('redundant hosts that are the ends of one tunnel go together, and that is said', () => {
    const { waves: made, notes } = inWaves([host('gw1', ['t'], 'g'), host('gw2', ['t'], 'g')], [1]);
    expect(names(made)).toEqual(['gw1 gw2']);
    expect(notes).toContainEqual({ kind: 'redundant', group: 'g', hosts: ['gw1', 'gw2'] });
  });
});

const someHosts = fc
  .array(
    fc.record({
      tunnels: fc.array(fc.constantFrom(...'abcdefghij'), { maxLength: 3 }),
      group: fc.option(fc.constantFrom('g', 'h', 'i'), { nil: undefined }),
    }),
    { maxLength: 24 },
  )
  .map((made) => made.map(({ tunnels, group }, index) => host(`h${index}`, [...new Set(tunnels)], group)));
const someSizes = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 3 });

describe('laws', () => {
  test('every host is in exactly one wave', () => {
    fc.assert(
      fc.property(someHosts, someSizes, (hosts, sizes) => {
        const all = inWaves(hosts, sizes).waves.flat();
        expect(new Set(all).size).toBe(all.length);
        expect(new Set(all)).toEqual(new Set(hosts));
      }),
    );
  });

  test('all ends of a tunnel are in one wave', () => {
    fc.assert(
      fc.property(someHosts, someSizes, (hosts, sizes) => {
        const made = inWaves(hosts, sizes).waves;
        for (const tunnel of new Set(hosts.flatMap(({ tunnels }) => tunnels))) {
          expect(made.filter((wave) => wave.some((each) => each.tunnels.includes(tunnel)))).toHaveLength(1);
        }
      }),
    );
  });

  test('no two of a redundancy group are in one wave, unless tunnels connect them, which is said', () => {
    fc.assert(
      fc.property(someHosts, someSizes, (hosts, sizes) => {
        const { waves: made, notes } = inWaves(hosts, sizes);
        const sets = connectedSets(hosts);
        const setOf = (each: WaveHost) => sets.find((set) => set.includes(each));
        for (const wave of made) {
          for (const one of wave) {
            for (const other of wave.filter((each) => each !== one && each.group === one.group)) {
              if (one.group === undefined) continue;
              expect(setOf(other)).toBe(setOf(one));
              const said = notes.some((note) => note.kind === 'redundant' && note.hosts.includes(one.host));
              expect(said).toBe(true);
            }
          }
        }
      }),
    );
  });

  test('a wave is larger than its size only where it is one set, which is said', () => {
    fc.assert(
      fc.property(someHosts, fc.integer({ min: 1, max: 6 }), (hosts, size) => {
        const { waves: made, notes } = inWaves(hosts, [size]);
        for (const wave of made.filter(({ length }) => length > size)) {
          expect(connectedSets(wave)).toHaveLength(1);
          expect(notes).toContainEqual({ kind: 'larger', hosts: wave.map((each) => each.host), size });
        }
      }),
    );
  });

  test('within a wave sets keep their order, and a set goes later only than one that it waits for', () => {
    fc.assert(
      fc.property(someHosts, someSizes, (hosts, sizes) => {
        const sets = connectedSets(hosts);
        const made = inWaves(hosts, sizes).waves;
        const place = (each: WaveHost | undefined) => sets.findIndex((set) => each !== undefined && set.includes(each));
        for (const wave of made) {
          const places = wave.map(place);
          expect(places).toEqual([...places].sort((a, b) => a - b));
        }
        const firsts = made.map((wave) => place(wave[0]));
        expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      }),
    );
  });
});
