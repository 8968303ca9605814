import { describe, expect, test } from 'vitest';
import { memoryFiles } from '../../../src/inventory/files.ts';
import { loadInventory } from '../../../src/inventory/load-inventory.ts';
import { checkSecrets } from '../../../src/inventory/secret-checks/secret-checks.ts';
import { readTunnels } from '../../../src/inventory/tunnels/read-tunnels.ts';
import { Secret } from '../../../src/model/secret.ts';

const HOSTS = `all:
  hosts:
    a: { ansible_host: 10.0.0.1 }
    b: { ansible_host: 10.0.0.2 }
    c: { ansible_host: 10.0.0.3 }
    d: { ansible_host: 10.0.0.4 }
`;
const STRONG = 'Xq7_bn2-Wr0pLk4.Vt9sZ';
const OTHER = 'gT5-kM8_hY1.cB6xNa3fE';

/** The warnings for these files, shortly: place, code, message. */
async function warnings(
  files: Readonly<Record<string, string>>,
  options: { cwd?: string; git?: string; opened?: string; env?: string } = {},
) {
  const { cwd = '/home/me/repo', git = '/home/me/repo/.git/HEAD', opened = STRONG, env = STRONG } = options;
  const prefixed = Object.entries({ 'hosts.yml': HOSTS, ...files }).map(([name, text]) => [
    `${cwd}/inventory/${name}`,
    text,
  ]);
  const source = memoryFiles({ ...Object.fromEntries(prefixed), [git]: 'ref' });
  const open = () => new Secret(opened);
  const vault = { file: () => new Secret(files['tunnels.plain'] ?? ''), value: open };
  const { inventory, diagnostics } = loadInventory(`${cwd}/inventory`, source, { vault });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const document = inventory.tunnelsDocument;
  const read = document
    ? await readTunnels(document, inventory.hosts, {
        varsOf: (host) => host.vars,
        secrets: {
          env: () => env,
          file: () => ({ fault: 'missing', why: 'there is none' }),
          command: async () => ({ fault: 'failed', why: 'none' }),
        },
      })
    : { tunnels: [], keys: new Map(), diagnostics: [] };
  expect(read.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return checkSecrets({ inventory, tunnels: read.tunnels, keys: read.keys }, source, cwd);
}

function short(found: Awaited<ReturnType<typeof warnings>>): readonly string[] {
  return found.map(({ code, message, span }) => `${span?.file.replace(/.*\//, '')}:${span?.line} ${code}: ${message}`);
}

const tunnel = (name: string, ends: readonly string[], keying: string) =>
  `  ${name}:\n    type: host-to-host\n    ends: { ${ends.map((end) => `${end}: {}`).join(', ')} }\n    keying: ${keying}\n`;

describe('plain text', () => {
  const text = `tunnels:\n${tunnel('t', ['a', 'b'], `{ psk: ${STRONG} }`)}`;

  test('in a git work tree', async () => {
    const found = await warnings({ 'tunnels.yml': text });
    expect(short(found)).toEqual([
      'tunnels.yml:5 secret-plaintext: the psk of tunnel t stands in plain text in a git work tree',
    ]);
    expect(found[0]).toMatchObject({ severity: 'warning', span: { column: 20, endColumn: 20 + STRONG.length } });
    expect(found[0]?.fix).toBe(
      'ipsec-play keygen t --force draws a new one, encrypted; ipsec-play vault encrypt-string keeps this one',
    );
    expect(JSON.stringify(found)).not.toContain(STRONG);
  });

  test('where .git is a file, as in a linked work tree', async () => {
    expect(await warnings({ 'tunnels.yml': text }, { git: '/home/me/repo/.git' })).toHaveLength(1);
  });

  test('where the folder that is worked in is below', async () => {
    expect(await warnings({ 'tunnels.yml': text }, { cwd: '/home/me/repo/ipsec' })).toHaveLength(1);
  });

  test("is nobody else's matter elsewhere", async () => {
    expect(await warnings({ 'tunnels.yml': text }, { git: '/home/you/.git/HEAD' })).toEqual([]);
    expect(await warnings({ 'tunnels.yml': text }, { git: '/home/me/repo/inventory/host_vars/.git/HEAD' })).toEqual([]);
  });

  test('is none where it is vaulted, or elsewhere', async () => {
    const vaulted = `tunnels:\n${tunnel('t', ['a', 'b'], '{ psk: !vault "$ANSIBLE_VAULT;1.1;AES256\\n61" }')}`;
    expect(await warnings({ 'tunnels.yml': vaulted })).toEqual([]);
    expect(await warnings({ 'tunnels.yml': `tunnels:\n${tunnel('t', ['a', 'b'], '{ psk: { env: K } }')}` })).toEqual(
      [],
    );
  });

  test('is none in a file that is encrypted as a whole', async () => {
    expect(await warnings({ 'tunnels.yml': '$ANSIBLE_VAULT;1.1;AES256\n61', 'tunnels.plain': text })).toEqual([]);
  });

  test('is found in every place of a key', async () => {
    const key = (digit: number) => `0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e9${digit}`;
    const plain = await warnings({
      'tunnels.yml': [
        'defaults:',
        `  keying: { psk: ${OTHER} }`,
        'tunnels:',
        '  m:',
        '    type: host-to-host',
        '    ends: { a: {}, b: {} }',
        '    keying:',
        '      manual:',
        `        a: { ah: { spi: 0x200, key: ${key(1)} } }`,
        `        b: { ah: { spi: 0x300, key: ${key(2)} } }`,
        'meshes:',
        `  x: { type: host-to-host, members: [c, d], keying: { psk: { derive: ${STRONG} } } }`,
      ].join('\n'),
    });
    expect(short(plain)).toEqual([
      'tunnels.yml:2 secret-plaintext: the psk of the defaults stands in plain text in a git work tree',
      'tunnels.yml:9 secret-plaintext: the ah key that a sends with in tunnel m stands in plain text in a git work tree',
      'tunnels.yml:10 secret-plaintext: the ah key that b sends with in tunnel m stands in plain text in a git work tree',
      'tunnels.yml:12 secret-plaintext: the master key of mesh x stands in plain text in a git work tree',
    ]);
  });

  test('passwords of connections, once for each place', async () => {
    const found = await warnings({
      'hosts.yml': `${HOSTS}  vars:\n    ansible_password: letmein\n    ansible_user: root\n`,
      'group_vars/all.yml': 'ansible_become_password: 12345\n',
      'host_vars/a.yml': 'ansible_password: "{{ lookup_it }}"\n',
      'host_vars/b.yml': 'ansible_password: !vault "$ANSIBLE_VAULT;1.1;AES256\\n61"\n',
    });
    expect(short(found)).toEqual([
      'all.yml:1 secret-plaintext: ansible_become_password stands in plain text in a git work tree',
      'hosts.yml:8 secret-plaintext: ansible_password stands in plain text in a git work tree',
    ]);
  });
});

describe('weak keys', () => {
  test('wherever they come from, each in its place', async () => {
    const text = [
      'tunnels:',
      tunnel('t1', ['a', 'b'], '{ psk: !vault "$ANSIBLE_VAULT;1.1;AES256\\n61" }'),
      tunnel('t2', ['a', 'c'], '{ psk: { env: K } }'),
      'meshes:',
      '  x: { type: host-to-host, members: [b, c, d], keying: { psk: { derive: !vault "$ANSIBLE_VAULT;1.1;AES256\\n62" } } }',
    ].join('\n');
    const found = await warnings({ 'tunnels.yml': text }, { opened: 'Key_Value01', env: 'Xq7_bn2-Wr', git: '/x' });
    expect(short(found)).toEqual([
      'tunnels.yml:5 secret-weak: the psk of tunnel t1 is made of common words, and can be guessed',
      'tunnels.yml:10 secret-weak: the psk of tunnel t2 has fewer than 20 characters, and can be guessed',
      'tunnels.yml:13 secret-weak: the master key of mesh x is made of common words, and can be guessed',
    ]);
    expect(found.map(({ fix }) => fix)).toEqual([
      'ipsec-play keygen t1 --force draws a new one, encrypted',
      'a random one there, such as openssl rand -hex 24 makes',
      'ipsec-play keygen x --force draws a new one, encrypted',
    ]);
    expect(JSON.stringify(found)).not.toMatch(/Key_Value|Xq7/);
  });

  test('manual keys by their bytes', async () => {
    const text = `tunnels:\n${tunnel('m', ['a', 'b'], '{ manual: { a: { ah: { spi: 0x200, key: 0x0123456789abcdef0123456789abcdef01234567 } }, b: { ah: { spi: 0x300, key: 0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98 } } } }')}`;
    expect(short(await warnings({ 'tunnels.yml': text }, { git: '/x' }))).toEqual([
      'tunnels.yml:5 secret-weak: the ah key that a sends with in tunnel m counts up or down, and can be guessed',
    ]);
  });

  test("those of an absent tunnel are nobody's", async () => {
    const text = `tunnels:\n${tunnel('t', ['a', 'b'], '{ psk: password }')}    state: absent\n`;
    expect(await warnings({ 'tunnels.yml': text }, { git: '/x' })).toEqual([]);
  });
});

describe('one psk for several', () => {
  const outside = { git: '/x' };

  test('tunnels between different hosts, one warning with all places', async () => {
    const text = `tunnels:\n${['t1 a b', 't2 a c', 't3 c d']
      .map((line) => line.split(' '))
      .map(([name = '', ...ends]) => tunnel(name, ends, `{ psk: ${STRONG} }`))
      .join('')}`;
    const found = await warnings({ 'tunnels.yml': text }, outside);
    expect(short(found)).toEqual([
      'tunnels.yml:5 secret-shared: t1, t2, t3 have the same psk, between different hosts',
    ]);
    expect(found[0]?.related?.map(({ message, span }) => `${message} ${span.line}`)).toEqual(['t2 9', 't3 13']);
    expect(found[0]?.fix).toBe('ipsec-play keygen t1 t2 t3 --force, for a key each');
  });

  test('not where the keys only come from different places', async () => {
    const text = `tunnels:\n${tunnel('t1', ['a', 'b'], `{ psk: ${STRONG} }`)}${tunnel('t2', ['a', 'c'], '{ psk: { env: K } }')}`;
    expect(short(await warnings({ 'tunnels.yml': text }, outside))).toHaveLength(1);
    expect(short(await warnings({ 'tunnels.yml': text }, { ...outside, env: OTHER }))).toEqual([]);
  });

  test('two tunnels between the same hosts must share, and so must those to one address', async () => {
    const pair = (name: string, networks: string, b = 'b') =>
      `  ${name}:\n    type: network-to-network\n    ends: { a: { network: 10.${networks}.1.0/24, gateway: 10.${networks}.1.1 }, ${b}: { network: 10.${networks}.2.0/24, gateway: 10.${networks}.2.1 } }\n    keying: { psk: ${STRONG} }\n`;
    expect(await warnings({ 'tunnels.yml': `tunnels:\n${pair('t1', '1')}${pair('t2', '2')}` }, outside)).toEqual([]);
    const alias = { 'hosts.yml': HOSTS.replace('10.0.0.3', '10.0.0.2') };
    const text = `tunnels:\n${pair('t1', '1')}${pair('t2', '2', 'c')}`;
    expect(await warnings({ ...alias, 'tunnels.yml': text }, outside)).toEqual([]);
    expect(await warnings({ 'tunnels.yml': text }, outside)).toHaveLength(1);
  });

  test('a mesh with one psk, and none with derived ones', async () => {
    const mesh = (psk: string) =>
      `meshes:\n  x:\n    type: host-to-host\n    members: [a, b, c]\n    keying: { psk: ${psk} }\n`;
    const found = await warnings({ 'tunnels.yml': mesh(STRONG) }, outside);
    expect(short(found)).toEqual([
      'tunnels.yml:5 secret-shared: this one psk serves 3 tunnels between different hosts: x-a-b, x-a-c, x-b-c',
    ]);
    expect(found[0]?.fix).toContain('derive');
    expect(await warnings({ 'tunnels.yml': mesh(`{ derive: ${STRONG} }`) }, outside)).toEqual([]);
    const two = mesh(STRONG).replace('[a, b, c]', '[a, b]');
    expect(await warnings({ 'tunnels.yml': two }, outside)).toEqual([]);
  });
});
