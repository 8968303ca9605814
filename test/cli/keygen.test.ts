import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeSource } from '../../src/lang/source.ts';
import { parseYaml, Vaulted } from '../../src/lang/yaml.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { makeVault } from '../../src/secrets/vault/open-vault.ts';
import { oracleTest } from '../inventory/ansible.ts';
import { type Project, shippedProject, tree } from '../support/cli.ts';
import { sealVault } from '../support/seal-vault.ts';

const PASSWORD = 'correct-horse-battery';
const KEYED = ['--vault-password-file', 'vault-password'];

/** The shipped hosts; of four tunnels one has a key. */
const TUNNELS = `# tunnels of the shipped hosts
tunnels:
  pinky-ijin: # by hand
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.1 }
      ijin: { nickname: ipsec1, address: 198.51.100.2 }
    keying:
      psk:      # to come
    onboot: false

  # brought up at boot
  workstations:
    type: host-to-host
    ends:
      workstation-a: { nickname: ipsec0, address: 198.51.100.11 }
      workstation-b: { nickname: ipsec0, address: 198.51.100.12 }

    # no key yet

  lana-lanb:
    type: network-to-network
    ends:
      lana: { nickname: ipsec0, address: 203.0.113.1, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      lanb: { nickname: ipsec1, address: 203.0.113.2, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying: { psk: r3dh4tl1nux }   # everybody's

  store-a-store-b:
    type: host-to-host
    ends:
      store-a: { nickname: ipsec2, address: 198.51.100.21 }
      store-b: { nickname: ipsec2, address: 198.51.100.22 }
    keying:
      manual:
        store-a: { ah: {}, esp: { spi: 0x201 } }
        store-b:
          ah:
          esp: { spi: 0x301, authentication_key: }
`;

let project: Project;
beforeEach(() => {
  project = shippedProject();
  project.write('vault-password', `${PASSWORD}\n`);
  project.write('inventory/tunnels.yml', TUNNELS);
});
afterEach(() => project.remove());

const text = () => project.read('inventory/tunnels.yml');

/** Every vaulted value of a YAML text, opened. */
async function opened(yaml: string): Promise<Record<string, string>> {
  const { document } = parseYaml(makeSource('t', yaml));
  const vault = await makeVault([{ id: 'default', password: new Secret(PASSWORD) }]);
  const found: Record<string, string> = {};
  const walk = (value: unknown, path: string) => {
    if (value instanceof Vaulted) {
      const plain = vault.open(value.ciphertext);
      found[path] = plain instanceof Secret ? reveal(plain) : `closed: ${plain.code}`;
    } else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, path === '' ? key : `${path}.${key}`);
  };
  walk(document?.value, '');
  return found;
}

describe('keys are drawn', () => {
  test('for all that lack one; then validate is content, and there is nothing more to draw', async () => {
    const { code, stdout, stderr } = await project.run('keygen', ...KEYED);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toBe(`pinky-ijin       psk
workstations     psk
store-a-store-b  store-a ah: SPI
store-a-store-b  store-a ah: hmac-sha1 key
store-a-store-b  store-a esp: 3des-cbc key
store-a-store-b  store-b ah: SPI
store-a-store-b  store-b ah: hmac-sha1 key
store-a-store-b  store-b esp: 3des-cbc key
store-a-store-b  store-b esp: hmac-sha1 authentication key
lana-lanb  kept: the keys are there
7 keys and 2 SPIs drawn into inventory/tunnels.yml
`);
    const keys = await opened(text());
    expect(Object.values(keys).map((key) => key.length)).toEqual([44, 44, 42, 50, 42, 42, 50]);
    for (const key of Object.values(keys)) expect(stdout + stderr).not.toContain(key);
    expect((await project.run('validate', 'playbooks/site.yml', ...KEYED)).code).toBe(0);
    const after = tree(project.path);
    const again = await project.run('keygen', ...KEYED);
    expect([again.code, again.stdout.split('\n').at(-2)]).toEqual([0, 'nothing to draw']);
    expect(tree(project.path)).toEqual(after);
  });

  test('and every line that was there still is, but where a key came', async () => {
    await project.run('keygen', ...KEYED);
    const withoutKeys = text()
      .replace(/^ {6}psk: !vault \|( {6}# to come)\n(?: {8}\S+\n)+/m, '      psk:$1\n')
      .replace(/^ {4}keying:\n {6}psk: !vault \|\n(?: {8}\S+\n)+/m, '')
      .replace(/ah: \{ spi: 0x\w+, key: !vault "[^"]*" \}/, 'ah: {}')
      .replace(/, key: !vault "[^"]*", authentication_key/, ', authentication_key')
      .replace(/(\{ spi: 0x\d+)(?:, (?:key|authentication_key): !vault "[^"]*")+ \}/g, '$1 }');
    for (const line of TUNNELS.split('\n').filter((each) => !/^ +(store-|ah|esp)/.test(each)))
      expect(withoutKeys.split('\n')).toContain(line);
    expect(
      text()
        .split('\n')
        .filter((line) => /#/.test(line)),
    ).toEqual(
      TUNNELS.replace('psk:      #', 'psk: !vault |      #')
        .split('\n')
        .filter((line) => /#/.test(line)),
    );
  });

  oracleTest('that the real Ansible opens', async () => {
    await project.run('keygen', ...KEYED);
    const said = execFileSync(
      'ansible',
      [
        'localhost',
        '-i',
        'localhost,',
        '-c',
        'local',
        ...KEYED,
        '-e',
        '@inventory/tunnels.yml',
        '-m',
        'debug',
        '-a',
        'var=tunnels',
      ],
      {
        cwd: project.path,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
        env: { ...process.env, ANSIBLE_NOCOLOR: '1' },
      },
    );
    const { tunnels } = JSON.parse(said.slice(said.indexOf('{')));
    const ours = await opened(text());
    expect(tunnels['pinky-ijin'].keying.psk).toBe(ours['tunnels.pinky-ijin.keying.psk']);
    expect(tunnels['store-a-store-b'].keying.manual['store-b'].esp.authentication_key).toMatch(/^0x[0-9a-f]{40}$/);
  });

  test('that bring the tunnels up, in the lab', async () => {
    await project.run('keygen', ...KEYED);
    const hosts = ['--lab', '--limit', 'pinky,ijin,store-a,store-b', ...KEYED];
    const applied = await project.run('apply', 'playbooks/site.yml', '-y', ...hosts);
    expect(applied.code, applied.stderr + applied.stdout).toBe(0);
    for (const key of Object.values(await opened(text()))) expect(applied.stdout + applied.stderr).not.toContain(key);
    expect((await project.run('check', 'playbooks/site.yml', ...hosts)).code).toBe(0);
  }, 60_000);

  test('by a password that is typed, which is typed twice', async () => {
    const before = text();
    const typing = (...answers: string[]) => {
      const asked: string[] = [];
      const ask = async (question: string) => {
        asked.push(question);
        return answers.shift() ?? null;
      };
      return { asked, world: { ask } };
    };
    const differing = typing(PASSWORD, `${PASSWORD}x`);
    expect(await project.runIn(differing.world, 'keygen', 'pinky-ijin', '-J')).toMatchObject({
      code: 3,
      stderr: /error\[vault-password\]: the two passwords differ/,
    });
    expect(text()).toBe(before);
    const { asked, world } = typing(PASSWORD, PASSWORD);
    expect(await project.runIn(world, 'keygen', 'pinky-ijin', '-J')).toMatchObject({ code: 0, stderr: '' });
    expect(asked).toEqual(['New Vault password: ', 'Confirm New Vault password: ']);
    expect(Object.keys(await opened(text()))).toHaveLength(1);
  });

  test('of tunnels that are named, and not of hosts', async () => {
    expect(await project.run('keygen', '--limit', 'lana', ...KEYED)).toMatchObject({
      code: 3,
      stderr: /--limit chooses hosts/,
    });
    expect(text()).toBe(TUNNELS);
  });

  test('as the vault id that is asked for', async () => {
    const ids = ['--vault-id', 'dev@vault-password', '--vault-id', 'prod@vault-password'];
    await project.run('keygen', 'pinky-ijin', ...ids, '--encrypt-vault-id', 'prod');
    expect(text()).toContain('$ANSIBLE_VAULT;1.2;AES256;prod\n');
    const unknown = await project.run('keygen', 'workstations', ...ids, '--encrypt-vault-id', 'test');
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain('error[vault-unknown-id]');
  });

  test('the mode of the file is kept, and so are CRLF ends', async () => {
    project.write('inventory/tunnels.yml', TUNNELS.replaceAll('\n', '\r\n'));
    chmodSync(join(project.path, 'inventory/tunnels.yml'), 0o640);
    expect((await project.run('keygen', ...KEYED)).code).toBe(0);
    expect(text().replaceAll('\r\n', '')).not.toContain('\n');
    expect(statSync(join(project.path, 'inventory/tunnels.yml')).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(project.path, 'inventory')).sort()).toEqual(['hosts.yml', 'tunnels.yml']);
    expect((await project.run('validate', ...KEYED)).code).toBe(0);
  });

  test('in a file that is encrypted as a whole, which stays so', async () => {
    project.write('inventory/tunnels.yml', sealVault(TUNNELS, PASSWORD));
    const { code, stdout } = await project.run('keygen', ...KEYED);
    expect([code, stdout.split('\n').at(-2)]).toEqual([0, '7 keys and 2 SPIs drawn into inventory/tunnels.yml']);
    expect(text()).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n[0-9a-f\n]+\n$/);
    expect(text()).not.toBe(sealVault(TUNNELS, PASSWORD));
    const validated = await project.run('validate', ...KEYED);
    expect(validated.stderr).not.toContain('error[');
    expect(validated.code).toBe(0);
  });

  test('a dry run writes nothing, and wants no password', async () => {
    const before = tree(project.path);
    const { code, stdout } = await project.run('keygen', '--dry-run');
    expect([code, stdout.split('\n').at(-2)]).toEqual([
      0,
      '7 keys and 2 SPIs would be drawn for inventory/tunnels.yml',
    ]);
    expect(tree(project.path)).toEqual(before);
  });

  test('the document names places alone', async () => {
    const { stdout } = await project.run('keygen', 'pinky-ijin', 'lana*', '-o', 'json', ...KEYED);
    expect(JSON.parse(stdout)).toEqual({
      schema: 'ipsec-play/keygen/1',
      exitCode: 0,
      file: 'inventory/tunnels.yml',
      dryRun: false,
      drawn: [{ name: 'pinky-ijin', kind: 'tunnel', what: 'psk', place: ['tunnels', 'pinky-ijin', 'keying', 'psk'] }],
      kept: [{ name: 'lana-lanb', kind: 'tunnel', why: 'the keys are there' }],
      diagnostics: [],
    });
  });
});

describe('old keys', () => {
  test('are overwritten with --force alone', async () => {
    const refused = await project.run('keygen', 'lana-lanb', ...KEYED);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain(
      'inventory/tunnels.yml:26:20: error[keygen-exists]: tunnel lana-lanb has its keys already',
    );
    expect(refused.stderr + refused.stdout).not.toContain('r3dh4tl1nux');
    expect(text()).toBe(TUNNELS);
    expect((await project.run('keygen', 'lana-lanb', '--force', ...KEYED)).code).toBe(0);
    expect(text()).toMatch(/^ {4}keying: \{ psk: !vault "\$ANSIBLE_VAULT;[^"]*" \} {3}# everybody's$/m);
    const first = await opened(text());
    expect((await project.run('keygen', 'lana-lanb', '--force', ...KEYED)).code).toBe(0);
    expect(Object.values(await opened(text()))).not.toEqual(Object.values(first));
  });

  test('--force wants names', async () => {
    const { code, stderr } = await project.run('keygen', '--force', ...KEYED);
    expect(code).toBe(3);
    expect(stderr).toContain("write: ipsec-play keygen NAME --force; '*' stands for all of them");
    expect((await project.run('keygen', '*', '--force', ...KEYED)).code).toBe(0);
  });
});

describe('nothing is written', () => {
  test.each([
    ['without a password', ['keygen'], 'error[vault-no-password]'],
    ['with a password file that is not there', ['keygen', '--vault-password-file', 'gone'], 'error[vault-password]'],
    ['for a name that is not known', ['keygen', 'pinky-ijn', ...KEYED], 'did you mean "pinky-ijin"?'],
    ['where there is no tunnels.yml', ['keygen', '-i', 'playbooks', ...KEYED], 'error['],
  ])('%s', async (_, argv, said) => {
    const before = tree(project.path);
    const { code, stdout, stderr } = await project.run(...argv);
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain(said);
    expect(tree(project.path)).toEqual(before);
  });

  test('where YAML is broken, or another psk of the same hosts would differ', async () => {
    const cases: [string, string, string][] = [
      ['    onboot: false', '    onboot: [', 'yaml-syntax'],
      ['workstation-b: {', 'workstation-b: {}\n      workstation-b: {', 'yaml-duplicate-key'],
    ];
    for (const [from, to, said] of cases) {
      project.write('inventory/tunnels.yml', TUNNELS.replace(from, to));
      const before = tree(project.path);
      const { code, stderr } = await project.run('keygen', ...KEYED);
      expect([code, tree(project.path)]).toEqual([3, before]);
      expect(stderr).toContain(`error[${said}]`);
    }
  });

  test('where keys would not agree, which only the addresses of the inventory tell', async () => {
    project.edit(
      'inventory/hosts.yml',
      'ijin: { ansible_host: 198.51.100.2 }',
      'ijin: { ansible_host: 198.51.100.2 }\n        twin: { ansible_host: 198.51.100.2 }',
    );
    const other = `  pinky-twin:\n    type: network-to-network\n    ends:\n      pinky: { nickname: ipsec7, network: 10.1.0.0/24, gateway: 10.1.0.1 }\n      twin: { nickname: ipsec7, network: 10.2.0.0/24, gateway: 10.2.0.1 }\n    keying: { psk: Xq7_bn2-Wr0pLk4.Vt9sZ }\n`;
    project.write('inventory/tunnels.yml', TUNNELS + other);
    const { code, stderr } = await project.run('keygen', ...KEYED);
    expect(code).toBe(3);
    expect(stderr).toContain('error[peer-psk-differs]');
    expect(text()).toBe(TUNNELS + other);
  });

  test('the document says why', async () => {
    const { code, stdout } = await project.run('keygen', '-o', 'json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 3, drawn: [], diagnostics: [{ code: 'vault-no-password' }] });
  });
});

describe('law', () => {
  test('after keygen validate accepts, a second keygen draws nothing, and all keys open', async () => {
    const hosts = ['h1', 'h2', 'h3', 'h4', 'h5'];
    const lines = hosts.map(
      (host, index) =>
        `    ${host}: { ansible_host: 10.0.0.${index + 1}, ipsec_network: 10.${index + 1}.0.0/16, ipsec_gateway: 10.${index + 1}.0.1 }`,
    );
    writeFileSync(join(project.path, 'inventory/hosts.yml'), `all:\n  hosts:\n${lines.join('\n')}\n`);
    project.write('playbooks/p.yml', '- hosts: all\n  tasks:\n    - name: tunnels\n      ipsec_tunnels: {}\n');
    await fc.assert(
      fc.asyncProperty(inventory(hosts), async (yaml) => {
        project.write('inventory/tunnels.yml', yaml);
        const first = await project.run('keygen', ...KEYED);
        expect(first.stderr, yaml).not.toContain('error[');
        expect(first.code).toBe(0);
        const after = text();
        for (const [place, key] of Object.entries(await opened(after))) {
          expect(key, place).not.toContain('closed');
          expect(first.stdout + first.stderr).not.toContain(key);
        }
        const validated = await project.run('validate', 'playbooks/p.yml', ...KEYED, '--strict');
        expect(validated.stderr, after).toBe('');
        expect(validated.code).toBe(0);
        const second = await project.run('keygen', ...KEYED);
        expect(second.stdout).toContain('nothing to draw');
        expect(text()).toBe(after);
      }),
      { numRuns: 25 },
    );
  }, 120_000);
});

/** Tunnels of disjoint pairs, each without its keys in another way, and perhaps a mesh of all. */
function inventory(hosts: readonly string[]): fc.Arbitrary<string> {
  const pairs = hosts.flatMap((a, index) => hosts.slice(index + 1).map((b) => [a, b] as const));
  const form = fc.constantFrom('bare', 'empty', 'flow', 'null', 'ah', 'esp', 'both', 'aes');
  const comments = fc.boolean();
  const tunnels = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...pairs), form, comments), {
      minLength: 1,
      maxLength: 5,
      selector: ([pair]) => pair.join(),
    })
    .map((chosen) => `tunnels:\n${chosen.map(([[a, b], how, noted]) => tunnel(a, b, how, noted)).join('')}`);
  const mesh = fc
    .tuple(fc.constantFrom('', '      keying: {}\n', '      keying:\n          psk: { derive: }\n'), comments)
    .map(
      ([keying, noted]) =>
        `meshes:${noted ? ' # all' : ''}\n  m:\n      type: network-to-network\n      members: [${hosts.join(', ')}]\n${keying}`,
    );
  return fc.oneof({ weight: 4, arbitrary: tunnels }, mesh);
}

function tunnel(a: string, b: string, how: string, noted: boolean): string {
  const note = noted ? ' # noted' : '';
  const keying: Record<string, string> = {
    bare: '',
    empty: `    keying:${note}\n      psk:${note}\n`,
    flow: `    keying: { psk: }${note}\n`,
    null: `    keying:${note}\n${noted ? '    # below\n' : ''}`,
    ah: `    keying: { manual: { ${a}: { ah: }, ${b}: { ah: {} } } }${note}\n`,
    esp: `    keying:\n      manual:\n        ${a}:\n          esp:${note}\n        ${b}: { esp: }\n`,
    both: `    keying:\n      manual:\n        ${a}: { ah: {}, esp: {} }${note}\n        ${b}:\n          ah: {}\n          esp:\n            key:${note}\n`,
    aes: `    esp: { encryption: aes, authentication: md5 }\n    keying: { manual: { ${a}: { esp: }, ${b}: { esp: } } }\n`,
  };
  return `  ${a}-${b}:${note}\n    type: network-to-network\n    ends: { ${a}: {}, ${b}: {} }\n${keying[how]}${noted ? '\n' : ''}`;
}
