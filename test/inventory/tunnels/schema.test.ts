import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { tunnelsSchema } from '../../../src/inventory/tunnels/schema.ts';
import { compileSchema } from '../../../src/lang/compile-schema.ts';
import { makeSource } from '../../../src/lang/source.ts';
import { parseYaml } from '../../../src/lang/yaml.ts';

const validate = compileSchema(tunnelsSchema());

function faults(text: string): readonly string[] {
  const { document } = parseYaml(makeSource('tunnels.yml', text));
  return validate(document?.value).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

describe('the schema for editors', () => {
  test('takes the shipped tunnels, and keys without quotes', () => {
    expect(faults(readFileSync('inventory/tunnels.yml', 'utf8'))).toEqual([]);
    expect(
      faults('tunnels: { t: { ends: { a: , b: {} }, keying: { psk: 12345678 }, ike: { encryption: aes 256 } } }'),
    ).toEqual([]);
    expect(faults('meshes: { m: { members: [a, b], keying: { psk: { derive: { env: MASTER } } } } }')).toEqual([]);
  });

  test.each([
    ['three ends', 'tunnels: { t: { ends: { a: {}, b: {}, c: {} } } }', '/tunnels/t/ends maxProperties'],
    ['an unknown key', 'tunnels: { t: { ends: { a: {}, b: {} }, on_boot: true } }', '/tunnels/t additionalProperties'],
    [
      'a network of 33 bits',
      'tunnels: { t: { ends: { a: { network: 10.0.0.0/33 }, b: {} } } }',
      '/tunnels/t/ends/a/network pattern',
    ],
    [
      'an octal address',
      'tunnels: { t: { ends: { a: { address: 010.0.0.1 }, b: {} } } }',
      '/tunnels/t/ends/a/address pattern',
    ],
    [
      'an unsafe nickname',
      'tunnels: { t: { ends: { a: { nickname: a b }, b: {} } } }',
      '/tunnels/t/ends/a/nickname pattern',
    ],
    ['two kinds of keying', 'defaults: { keying: { psk: a, x509: {} } }', '/defaults/keying maxProperties'],
    [
      'two sources of a secret',
      'defaults: { keying: { psk: { env: A, file: b } } }',
      '/defaults/keying/psk maxProperties',
    ],
    ['a mesh of one', 'meshes: { m: { members: [a] } }', '/meshes/m/members minItems'],
    ['ends among the defaults', 'defaults: { ends: {} }', '/defaults additionalProperties'],
    ['an unknown DH group', 'defaults: { ike: { dh_group: 3 } }', '/defaults/ike/dh_group enum'],
  ])('refuses %s', (_, text, fault) => {
    expect(faults(text)).toContain(fault);
  });
});
