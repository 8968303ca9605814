import { describe, expect, test } from 'vitest';
import { drawAll, insertKeys, keyEdits } from '../../../src/inventory/tunnels/new-keys.ts';
import { type KeyPlan, planKeys } from '../../../src/inventory/tunnels/plan-keys.ts';
import { makeSource } from '../../../src/lang/source.ts';
import { type Located, parseYaml } from '../../../src/lang/yaml.ts';
import { reveal, Secret } from '../../../src/model/secret.ts';

function locate(text: string): Located {
  const { document, diagnostics } = parseYaml(makeSource('tunnels.yml', text));
  if (!document) throw new Error(JSON.stringify(diagnostics));
  return document;
}

function plan(text: string, names: readonly string[] = [], force = false): KeyPlan {
  return planKeys(locate(text), names, force);
}

/** The places and what is drawn for them. */
function places({ draws }: KeyPlan): readonly string[] {
  return draws.map(({ place: { pointer, key } }) => {
    const what = key.kind === 'manual' ? `${key.use} ${key.algorithm}` : key.kind;
    return `${pointer.slice(1).join('.')}: ${what}`;
  });
}

const codes = ({ diagnostics }: KeyPlan) => diagnostics.map(({ code, span }) => `${span?.line} ${code}`);
const kept = (each: KeyPlan) => each.kept.map(({ origin, why }) => `${origin.name}: ${why}`);

const FEW = `defaults: { onboot: true }
tunnels:
  bare: { ends: { a: {}, b: {} } }
  empty: { ends: { a: {}, c: {} }, keying: { psk: } }
  braces: { ends: { a: {}, d: {} }, keying: {} }
  plain: { ends: { b: {}, c: {} }, keying: { psk: word } }
  vaulted: { ends: { b: {}, d: {} }, keying: { psk: !vault "x" } }
  environment: { ends: { c: {}, d: {} }, keying: { psk: { env: K } } }
  certificates: { ends: { c: {}, e: {} }, keying: { x509: } }
  gone: { ends: { d: {}, e: {} }, state: absent }
meshes:
  mesh: { members: [m1, m2] }
  mastered: { members: [m3, m4], keying: { psk: { derive: !vault "x" } } }
  half: { members: [m5, m6], keying: { psk: { derive: } } }
hubs:
  hub: { hub: h1, spokes: [h2], keying: { psk: '' } }
`;

describe('what is missing', () => {
  test('without names: all of it', () => {
    const found = plan(FEW);
    expect(places(found)).toEqual([
      'bare.keying.psk: psk',
      'empty.keying.psk: psk',
      'braces.keying.psk: psk',
      'mesh.keying.psk.derive: master',
      'half.keying.psk.derive: master',
      'hub.keying.psk.derive: master',
    ]);
    expect(kept(found)).toEqual([
      'plain: the keys are there',
      'vaulted: the keys are there',
      'environment: the key lives elsewhere',
      'certificates: keyed by certificates: there is nothing to draw',
      'gone: state: absent needs no key',
      'mastered: the keys are there',
    ]);
    expect(codes(found)).toEqual([]);
  });

  test('of what names and globs choose; a name that has its keys is refused, a glob passes over it', () => {
    expect(places(plan(FEW, ['bare', 'hub']))).toEqual(['bare.keying.psk: psk', 'hub.keying.psk.derive: master']);
    expect(places(plan(FEW, ['*a*']))).toEqual([
      'bare.keying.psk: psk',
      'braces.keying.psk: psk',
      'half.keying.psk.derive: master',
    ]);
    expect(codes(plan(FEW, ['bare', 'plain', 'vaulted', 'environment', 'mastered']))).toEqual([
      '6 keygen-exists',
      '7 keygen-exists',
      '8 keygen-exists',
      '13 keygen-exists',
    ]);
    expect(codes(plan(FEW, ['certificates', 'gone']))).toEqual([]);
    expect(plan(FEW, ['bar', 'zzz*']).unknown).toEqual([
      { name: 'bar', nearest: 'bare' },
      { name: 'zzz*', nearest: undefined },
    ]);
  });

  test('with force also what is there, but nothing that lives elsewhere', () => {
    expect(places(plan(FEW, ['plain', 'vaulted', 'mastered'], true))).toEqual([
      'plain.keying.psk: psk',
      'vaulted.keying.psk: psk',
      'mastered.keying.psk.derive: master',
    ]);
    expect(codes(plan(FEW, ['environment'], true))).toEqual(['8 keygen-elsewhere']);
  });

  test('is not written into the defaults', () => {
    const text = 'defaults: { keying: { psk: } }\ntunnels:\n  t: { ends: { a: {}, b: {} } }\n';
    expect(codes(plan(text))).toEqual(['1 keygen-defaults']);
    const full = text.replace('psk: }', 'psk: word }');
    expect(kept(plan(full))).toEqual(['t: the keys are there']);
    expect(codes(plan(full, ['t'], true))).toEqual(['1 keygen-defaults']);
  });
});

describe('manual keys', () => {
  const manual = (fields: string, a: string, b: string) =>
    `tunnels:\n  t:\n    ends: { a: {}, b: {} }\n${fields}    keying:\n      manual:\n        a: ${a}\n        b: ${b}\n`;

  test('of the algorithms that are named, or the usual ones', () => {
    expect(places(plan(manual('', '{ ah: {} }', '{ ah: { spi: 0x200 } }')))).toEqual([
      't.keying.manual.a.ah.spi: spi',
      't.keying.manual.a.ah.key: authentication hmac-sha1',
      't.keying.manual.b.ah.key: authentication hmac-sha1',
    ]);
    const fields = '    esp: { encryption: aes, authentication: hmac-md5 }\n';
    expect(places(plan(manual(fields, '{ esp: { spi: 0x201 } }', '{ esp: { spi: 0x301, key: "" } }')))).toEqual([
      't.keying.manual.a.esp.key: encryption aes-cbc',
      't.keying.manual.a.esp.authentication_key: authentication hmac-md5',
      't.keying.manual.b.esp.key: encryption aes-cbc',
      't.keying.manual.b.esp.authentication_key: authentication hmac-md5',
    ]);
  });

  test('ESP alone gets a key for its authentication too, when all of it is drawn', () => {
    expect(places(plan(manual('', '{ esp: { spi: 0x201 } }', '{ esp: { spi: 0x301 } }')))).toHaveLength(4);
    const half = manual('', '{ esp: { spi: 0x201, key: x } }', '{ esp: { spi: 0x301 } }');
    expect(places(plan(half))).toEqual(['t.keying.manual.b.esp.key: encryption 3des-cbc']);
    const besideAh = manual(
      '',
      '{ ah: { spi: 1, key: x }, esp: { spi: 2 } }',
      '{ ah: { spi: 3, key: x }, esp: { spi: 4 } }',
    );
    expect(places(plan(besideAh))).toEqual([
      't.keying.manual.a.esp.key: encryption 3des-cbc',
      't.keying.manual.b.esp.key: encryption 3des-cbc',
    ]);
  });

  test('force keeps the SPIs', () => {
    const text = manual('', '{ ah: { spi: 0x200, key: x } }', '{ ah: { spi: 0x300, key: x } }');
    expect(places(plan(text, ['t'], true))).toEqual([
      't.keying.manual.a.ah.key: authentication hmac-sha1',
      't.keying.manual.b.ah.key: authentication hmac-sha1',
    ]);
  });

  test('that say nothing of SAs, or name an unknown algorithm, or are shared', () => {
    expect(codes(plan(manual('', '{}', '{}')))).toEqual(['5 manual-sa-missing']);
    expect(codes(plan(manual('    ah: { authentication: rot13 }\n', '{ ah: {} }', '{ ah: {} }')))).toEqual([
      '4 algorithm-unknown',
    ]);
    expect(codes(plan('meshes:\n  m: { members: [a, b], keying: { manual: { a: { ah: } } } }\n'))).toEqual([
      '2 manual-shared',
    ]);
  });
});

describe('entries that can have one key only', () => {
  const two = (first: string, second: string) =>
    `tunnels:\n  one: { ends: { a: {}, b: {} }, keying: { psk: ${first} } }\n  two: { ends: { b: {}, a: {} }, keying: { psk: ${second} } }\n`;

  test('get the same', () => {
    const found = plan(two('', ''));
    const drawn = [...drawAll(found, (size) => Buffer.alloc(size, 7)).values()];
    expect(new Set(found.draws.map(({ share }) => share)).size).toBe(1);
    expect(drawn).toHaveLength(2);
    expect(drawn[0]).toBe(drawn[1]);
  });

  test('are refused where one of them would keep another key, and the way out works', () => {
    const found = plan(two('word', ''));
    expect(codes(found)).toEqual(['3 keygen-peer']);
    expect(found.diagnostics[0]?.fix).toBe('ipsec-play keygen two one --force, to draw one key for both');
    expect(codes(plan(two('word', ''), ['two', 'one'], true))).toEqual([]);
    expect(plan(two('', ''), ['one']).diagnostics[0]?.fix).toBe('ipsec-play keygen one two, to draw one key for both');
    expect(codes(plan(two('', ''), ['one', 'two']))).toEqual([]);
  });

  test('are not those with other addresses, or keyed in another way', () => {
    const others = two('word', '').replace(
      '{ b: {}, a: {} }',
      '{ b: { address: 10.9.9.1 }, a: { address: 10.9.9.2 } }',
    );
    expect(codes(plan(others))).toEqual([]);
    const manual = two('', '').replace('keying: { psk:  } }\n  two', 'keying: { x509: } }\n  two');
    expect(places(plan(manual))).toEqual(['two.keying.psk: psk']);
  });

  test('a mesh and a tunnel cannot: its keys are derived', () => {
    const text = 'tunnels:\n  t: { ends: { a: {}, b: {} } }\nmeshes:\n  m: { members: [a, b, c] }\n';
    expect(codes(plan(text))).toEqual(['2 keygen-peer', '4 keygen-peer']);
    const meshes = 'meshes:\n  m: { members: [a, b, c] }\n  n: { members: [b, a, d] }\n';
    const found = plan(meshes);
    expect(codes(found)).toEqual([]);
    expect(new Set(found.draws.map(({ share }) => share)).size).toBe(1);
  });
});

describe('what is written', () => {
  test('psks sealed and SPIs plain, each where it belongs', async () => {
    const text =
      'tunnels:\n  t: # mine\n    ends: { a: {}, b: {} }\n    keying: { manual: { a: { ah: { spi: 0x200 } }, b: { ah: } } }\n';
    const document = locate(text);
    const drawn = drawAll(planKeys(document, [], false), (size) => Buffer.alloc(size, 0x12));
    expect([...drawn.values()].map((value) => (value instanceof Secret ? reveal(value).length : value))).toEqual([
      42, 0x12121212, 42,
    ]);
    const edits = await keyEdits(drawn, async (secret) => `sealed ${reveal(secret).slice(0, 4)}`);
    expect(insertKeys(document, edits)).toBe(
      text
        .replace('spi: 0x200', 'spi: 0x200, key: !vault "sealed 0x12\\n"')
        .replace('ah: }', 'ah: { spi: 0x12121212, key: !vault "sealed 0x12\\n" } }'),
    );
  });

  test('plain in quotes, where the whole file is sealed', async () => {
    const document = locate('tunnels:\n  t:\n    ends: { a: {}, b: {} }\n');
    const drawn = drawAll(planKeys(document, [], false), (size) => Buffer.alloc(size, 7));
    expect(insertKeys(document, await keyEdits(drawn, null))).toBe(
      `tunnels:\n  t:\n    ends: { a: {}, b: {} }\n    keying:\n      psk: "${'BwcH'.repeat(11)}"\n`,
    );
  });

  test.each([
    ['an alias', 'tunnels:\n  t: &t\n    ends: { a: {}, b: {} }\n  u: *t\n', 'keygen-place'],
    ['a merge', 'x: &k { psk: }\ntunnels:\n  t: { ends: { a: {}, b: {} }, keying: { <<: *k } }\n', 'keygen-place'],
  ])('not what comes by %s', async (_, text, code) => {
    const document = locate(text);
    const edits = await keyEdits(
      drawAll(planKeys(document, [], false), (size) => Buffer.alloc(size, 7)),
      async () => 'x',
    );
    expect(insertKeys(document, edits)).toMatchObject({ severity: 'error', code });
  });
});
