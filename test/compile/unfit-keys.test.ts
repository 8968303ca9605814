import { describe, expect, test } from 'vitest';
import { ipsecTools } from '../../src/compile/backends/ipsec-tools/index.ts';
import { readTunnels } from '../../src/inventory/tunnels/read-tunnels.ts';
import { makeSource } from '../../src/lang/source.ts';
import { parseYaml } from '../../src/lang/yaml.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { lanHosts } from '../inventory/tunnels/read.ts';

/** How a key gets to a tunnel: what stands in the file, on line 5 from column 9. */
const SOURCES: Readonly<Record<string, (key: string) => string>> = {
  'a text': (key) => JSON.stringify(key).replaceAll('\\u0000', '\\0'),
  'the environment': () => '{ env: KEY }',
  'a file': () => '{ file: key }',
  'a command': () => '{ command: [key] }',
  'a vaulted value': () => '!vault "$ANSIBLE_VAULT"',
};

async function errorsFor(keying: (key: string) => string, key: string) {
  const text = `tunnels:\n  t:\n    type: host-to-host\n    ends: { a: {}, b: {} }\n${keying(key)}`;
  const { document } = parseYaml(makeSource('tunnels.yml', text), () => new Secret(key));
  if (!document) throw new Error('no document');
  const read = await readTunnels(document, lanHosts('a', 'b'), {
    varsOf: (host) => host.vars,
    secrets: { env: () => key, file: () => key, command: async () => key },
  });
  const found = [...read.diagnostics, ...ipsecTools.check(read.tunnels)];
  return { errors: found.filter(({ severity }) => severity === 'error'), tunnels: read.tunnels };
}

describe.each(Object.entries(SOURCES))('from %s', (_, write) => {
  test.each([
    ['a line feed', 'abcdefghijkl\nmnopqrstuvwx', 'the end of a line, which ends the key there'],
    ['two line feeds at the end', 'abcdefghijklmnopqrstuvwx\n\n', 'the end of a line, which ends the key there'],
    ['a carriage return', 'abcdefghijkl\rmnopqrstuvwx', 'the end of a line, which ends the key there'],
    ['a NUL', 'abcdefghijkl\0mnopqrstuvwx', 'a NUL byte, which no shell can carry'],
  ])('a psk with %s has its place and the way out', async (_what, key, why) => {
    const { errors } = await errorsFor((secret) => `    keying:\n      psk: ${write(secret)}\n`, key);
    expect(errors).toMatchObject([
      { code: 'psk-not-carriable', message: `the psk of tunnel t holds ${why}`, span: { line: 6 } },
    ]);
    expect(errors[0]?.fix).toContain('openssl rand');
    expect(JSON.stringify(errors)).not.toMatch(/abcdef|mnopqr/);
  });

  test.each([
    ['a line feed', 'abcdefghi\nklmnopqrst'],
    ['a NUL', 'abcdefghi\0klmnopqrst'],
  ])('a manual key with %s too', async (_what, key) => {
    const good = '0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98';
    const keying = (secret: string) =>
      `    keying:\n      manual:\n        a: { ah: { spi: 0x200, key: ${good} } }\n        b:\n          ah: { spi: 0x300, key: ${write(secret)} }\n`;
    const { errors } = await errorsFor(keying, key);
    expect(errors).toMatchObject([{ code: 'manual-key-form', span: { line: 9 } }]);
    expect(errors[0]?.fix).toContain('0x and hexadecimal digits');
    expect(JSON.stringify(errors)).not.toMatch(/abcdef|klmnop/);
  });

  test('a master may be any text: the keys that come of it are fit', async () => {
    const keying = (secret: string) => `    keying:\n      psk: { derive: ${write(secret)} }\n`;
    const { errors, tunnels } = await errorsFor(keying, 'master\nwith lines\0 and NUL');
    expect(errors).toEqual([]);
    const [tunnel] = tunnels;
    expect(tunnel?.keying.method === 'psk' && reveal(tunnel.keying.psk)).toMatch(/^[\w-]{43}$/);
  });
});
