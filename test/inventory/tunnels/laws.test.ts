import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasErrors } from '../../../src/lang/diagnostic.ts';
import { algorithmNames, keyLengths } from '../../../src/model/algorithms.ts';
import { lanHosts, plain, read } from './read.ts';

const NAMES = ['a', 'b', 'c', 'd', 'gw1', 'gw2', 'gw10'];
const HOSTS = lanHosts(...NAMES);

const TUNNELS = {
  defaults: { type: 'network-to-network', ike: { encryption: 'aes', hash: 'sha1', dh_group: 14 }, onboot: false },
  tunnels: {
    first: {
      ends: { a: { nickname: 'ipsec0' }, b: { nickname: 'ipsec1', gateway: '172.16.1.9' } },
      keying: { psk: 'k' },
    },
    second: {
      type: 'host-to-host',
      ends: { c: {}, a: { nickname: 'ipsec2' } },
      keying: {
        manual: {
          c: {
            ah: { spi: '0x200', key: 'k'.repeat(20) },
            esp: { spi: '0x201', key: '0x000102030405060708090a0b0c0d0e0f1011121314151617' },
          },
          a: {
            esp: { spi: '0x301', key: '0x100102030405060708090a0b0c0d0e0f1011121314151617' },
            ah: { spi: '0x300', key: 'K'.repeat(20) },
          },
        },
      },
    },
    third: { ends: { b: {}, d: {} }, keying: { x509: { certificates: { d: 'dd', b: 'bb' } } } },
  },
  meshes: { m: { members: ['gw1', 'gw2', 'gw10'], keying: { psk: { derive: 'master' } } } },
  hubs: { hq: { hub: 'd', spokes: ['gw2', 'a'], keying: { psk: 'kk' } } },
};

async function tunnelsOf(document: unknown): Promise<unknown[]> {
  const { tunnels, diagnostics } = await read(JSON.stringify(document), HOSTS);
  expect(diagnostics).toEqual([]);
  return tunnels.map(plain);
}

/** The value with the keys of every mapping, and the items of every list, in an order that the seed decides. */
function shuffled(value: unknown, random: () => number): unknown {
  const mixed = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, rank: random() }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  if (Array.isArray(value)) return mixed(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(mixed(Object.entries(value)).map(([key, inner]) => [key, shuffled(inner, random)]));
}

describe('laws', () => {
  test('the order of keys and of members never matters', async () => {
    const expected = await tunnelsOf(TUNNELS);
    expect(expected).toHaveLength(8);
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (stream) => {
        const random = () => Number(stream.next().value);
        expect(await tunnelsOf(shuffled(TUNNELS, random))).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('a further member or tunnel changes none that was there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(NAMES, { minLength: 2 }), fc.nat(), async (members, position) => {
        const mesh = (list: readonly string[]) =>
          tunnelsOf({ meshes: { m: { type: 'host-to-host', members: list, keying: { psk: { derive: 'x' } } } } });
        const fewer = members.toSpliced(position % members.length, 1);
        if (fewer.length < 2) return;
        const [before, after] = [await mesh(fewer), await mesh(members)];
        expect(after).toEqual(expect.arrayContaining(before));
        expect(after).toHaveLength((members.length * (members.length - 1)) / 2);
      }),
      { numRuns: 60 },
    );
  });

  test('a manual key is taken exactly when it has a length of its algorithm', async () => {
    const encryption = fc.record({
      kind: fc.constant('encryption' as const),
      name: fc.constantFrom(...algorithmNames('encryption', 'setkey')),
    });
    const authentication = fc.record({
      kind: fc.constant('authentication' as const),
      name: fc.constantFrom(...algorithmNames('authentication', 'setkey')),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(encryption, authentication),
        fc.integer({ min: 1, max: 70 }),
        fc.boolean(),
        async ({ kind, name }, length, hexadecimal) => {
          const bytes = Buffer.from(Array.from({ length }, (_, index) => 0x30 + ((index * 7 + (index >> 3)) % 64)));
          const key = hexadecimal ? `0x${bytes.toString('hex')}` : bytes.toString('latin1').replaceAll('"', 'q');
          const esp = kind === 'encryption';
          const sas = (spi: number) => (esp ? { esp: { spi: `${spi}`, key } } : { ah: { spi: `${spi}`, key } });
          const { tunnels, diagnostics } = await read(
            JSON.stringify({
              tunnels: {
                t: {
                  type: 'host-to-host',
                  ends: { a: {}, b: {} },
                  ...(esp ? { esp: { encryption: name } } : { ah: { authentication: name } }),
                  keying: { manual: { a: sas(0x200), b: sas(0x300) } },
                },
              },
            }),
            HOSTS,
          );
          const fits = keyLengths(kind, name).includes(length);
          expect(tunnels).toHaveLength(fits ? 1 : 0);
          expect(diagnostics.filter(({ code }) => code === 'manual-key-length')).toHaveLength(fits ? 0 : 2);
          expect(hasErrors(diagnostics)).toBe(!fits);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('whatever stands in the file, every tunnel is there or an error says why, and no secret is in it', async () => {
    const junk = fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(
        null,
        true,
        7,
        'c4n4ry',
        '',
        'host-to-host',
        'a',
        [],
        {},
        ['c4n4ry'],
        { c: 'c4n4ry' },
        { derive: 'c4n4ry' },
      ),
      fc.array(fc.constantFrom<unknown>('a', 'b', 3, null, {}), { maxLength: 3 }),
    );
    const paths = pathsOf(TUNNELS);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...paths), junk), { minLength: 1, maxLength: 3 }),
        async (changes) => {
          const document = structuredClone(TUNNELS) as Record<string, unknown>;
          for (const [path, value] of changes) replace(document, path, value);
          const { tunnels, diagnostics } = await read(JSON.stringify(document), HOSTS);
          if (!hasErrors(diagnostics)) {
            const names = (kind: string) => Object.keys((document[kind] ?? {}) as object);
            for (const name of names('tunnels')) expect(tunnels.map((tunnel) => tunnel.name)).toContain(name);
            for (const name of [...names('meshes'), ...names('hubs')]) {
              expect(tunnels.some((tunnel) => tunnel.name.startsWith(`${name}-`))).toBe(true);
            }
          }
          const secretPlace = changes.every(
            ([path]) => path.includes('keying') && !path.includes('x509') && !path.includes('spi'),
          );
          if (secretPlace) expect(JSON.stringify(diagnostics)).not.toContain('c4n4ry');
        },
      ),
      { numRuns: 400 },
    );
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    ...(path.length === 0 ? [] : [path]),
    ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key])),
  ];
}

function replace(document: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = document;
  for (const step of path.slice(0, -1)) {
    const next = inner[step];
    if (typeof next !== 'object' || next === null) return;
    inner = next as Record<string, unknown>;
  }
  inner[path.at(-1) ?? ''] = value;
}
