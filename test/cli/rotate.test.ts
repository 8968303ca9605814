import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeSource } from '../../src/lang/source.ts';
import { parseYaml, Vaulted } from '../../src/lang/yaml.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { makeVault } from '../../src/secrets/vault/open-vault.ts';
import { type Project, type Ran, shippedProject } from '../support/cli.ts';
import { sealVault } from '../support/seal-vault.ts';

/** `rotate`, on the lab: the new key on both ends and in tunnels.yml, or the old one everywhere. */
const PASSWORD = 'correct-horse-battery';
const KEYED = ['--vault-password-file', 'vault-password'];
const OLD = 'Old-key-0815-by-hand';
const FILE = 'inventory/tunnels.yml';
const LAB = ['--lab', '-y', ...KEYED];

const tunnels = (psk: string) => `# tunnels of the shipped hosts
tunnels:
  pinky-ijin: # by hand
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.1 }
      ijin: { nickname: ipsec1, address: 198.51.100.2 }
    keying:
      psk: ${psk}
    onboot: false   # never

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
        store-a: { ah: { spi: 0x200, key: 'abcdefghij0123456789' } }   # twenty
        store-b: { ah: { spi: 0x300, key: 'ABCDEFGHIJ0123456789' } }
    esp: false
    onboot: false
`;
const vaulted = (key: string) => `!vault |\n${sealVault(key, PASSWORD).trimEnd().replace(/^/gm, '        ')}`;

/** One lab for all: what a test rotates is what the next one begins with. */
let project: Project;
beforeAll(async () => {
  project = shippedProject();
  project.write('vault-password', `${PASSWORD}\n`);
  project.write(FILE, tunnels(OLD));
  const hosts = 'pinky,ijin,store-a,store-b';
  const ran = await project.prove('apply', 'playbooks/site.yml', ...LAB, '-l', hosts);
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
}, 120_000);
afterAll(() => project.remove());

const text = () => project.read(FILE);
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const onHost = (host: string, path: string) => readFileSync(join(root(host), path), 'utf8');
const pskOf = (host: string, nickname: string) =>
  /IKE_PSK='?([^'\n]*)/.exec(onHost(host, `etc/sysconfig/network-scripts/keys-${nickname}`))?.[1];
const sasOf = (host: string) =>
  onHost(host, 'var/lib/lab-kernel/sad')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
/** Its SPI, and when it was made: the lab's SPIs may come again. */
const named = (sa: readonly string[]) => `${sa[3]} ${sa[11]}`;
const journals = () => {
  const folder = join(project.path, '.ipsec-play/rotations');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name !== '.gitignore') : [];
};

const check = () => project.run('check', 'playbooks/site.yml', '--lab', '-l', 'pinky,ijin', ...KEYED);
const ages = (): Record<string, unknown>[] => JSON.parse(project.read('.ipsec-play/keys.json')).keys;
/** The key that pinky and ijin have. */
const standing = () => pskOf('pinky', 'ipsec1') ?? 'none at all';

const ageOf = (tunnel: string) => ages().find(({ name }) => name === tunnel)?.at;
const withoutKeys = () => text().replaceAll(/"(?:[\w-]{44}|0x[0-9a-f]{40})"/g, 'KEY');
/** The last that was recorded. */
const lastRun = () => readdirSync(join(project.path, '.ipsec-play/runs')).sort().at(-1)?.replace('.json', '') ?? '';

/** The values below a tunnel's `keying`, opened. */
async function keysOf(tunnel: string): Promise<readonly string[]> {
  const vault = await makeVault([{ id: 'default', password: new Secret(PASSWORD) }]);
  const { document } = parseYaml(makeSource('t', text()));
  const found: string[] = [];
  const walk = (value: unknown) => {
    if (value instanceof Vaulted) {
      const plain = vault.open(value.ciphertext);
      found.push(plain instanceof Secret ? reveal(plain) : plain.code);
    } else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) walk(inner);
    else if (typeof value === 'string') found.push(value);
  };
  const { value } = document ?? {};
  walk((value as Record<string, Record<string, Record<string, unknown>>>).tunnels?.[tunnel]?.keying);
  return found;
}

function expectSilence({ stdout, stderr }: Ran, ...keys: readonly (string | undefined)[]): void {
  for (const key of keys) {
    expect(key?.length).toBeGreaterThan(8);
    expect(stdout + stderr).not.toContain(key);
  }
}

describe('a new key', { timeout: 120_000 }, () => {
  test('is on both ends, proven with new SAs, and in tunnels.yml; of manual keying all are, and the SPIs stay', async () => {
    chmodSync(join(project.path, FILE), 0o640);
    const old = sasOf('pinky').map(named);
    expect(old.length).toBeGreaterThanOrEqual(4);
    // Of another peer: these stay.
    const foreign = sasOf('pinky')
      .find(([, to]) => to === '198.51.100.2')
      ?.with(1, '198.51.100.20');
    appendFileSync(join(root('pinky'), 'var/lib/lab-kernel/sad'), `${foreign?.join('\t')}\n`);
    const ran = await project.prove('rotate', 'pinky-ijin', 'store-a-store-b', ...LAB);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    expect(ran.stdout).toContain(`pinky-ijin, store-a-store-b: the new key is on both ends and in ${FILE}\n`);
    expect(ran.stderr).toContain('the ends are stand-ins, in .ipsec-play/lab; the hosts themselves get the key');
    const [key] = await keysOf('pinky-ijin');
    expect(key).toMatch(/^[\w-]{44}$/);
    expect([pskOf('pinky', 'ipsec1'), pskOf('ijin', 'ipsec1')]).toEqual([key, key]);
    const sas = sasOf('pinky');
    expect(sas.filter(([, to]) => to === '198.51.100.20')).toEqual([foreign]);
    const fresh = sas.filter(([, to]) => to !== '198.51.100.20').map(named);
    expect(fresh.length).toBeGreaterThanOrEqual(4);
    expect(fresh.filter((sa) => old.includes(sa))).toEqual([]);

    expect(text()).toMatch(/store-a: \{ ah: \{ spi: 0x200, key: "0x[0-9a-f]{40}" \} \} {3}# twenty\n/);
    expect(text()).toMatch(/store-b: \{ ah: \{ spi: 0x300, key: "0x[0-9a-f]{40}" \} \}\n/);
    const manual = [...text().matchAll(/"0x([0-9a-f]{40})"/g)].map((match) => match[1]);
    for (const host of ['store-a', 'store-b'])
      expect(
        sasOf(host)
          .map((sa) => [sa[3], sa[7] === '' ? sa[5] : sa[8]])
          .sort(),
      ).toEqual([
        ['512', manual[0]],
        ['768', manual[1]],
      ]);
    expectSilence(ran, key, OLD, ...manual, 'abcdefghij0123456789');

    // All but the values is as it was, byte for byte.
    const [a, b] = ["'abcdefghij0123456789'", "'ABCDEFGHIJ0123456789'"];
    expect(withoutKeys()).toBe(tunnels(OLD).replace(a, 'KEY').replace(b, 'KEY').replace(OLD, 'KEY'));
    expect(statSync(join(project.path, FILE)).mode & 0o777).toBe(0o640);
    expect(journals()).toEqual(['done']);
    expect(project.read('.ipsec-play/rotations/.gitignore')).toBe('*\n');
    expect(ages()).toMatchObject([{ file: FILE, name: 'pinky-ijin' }, { name: 'store-a-store-b' }]);
    expect(statSync(join(project.path, '.ipsec-play/keys.json')).mode & 0o777).toBe(0o600);
    expect((await check()).code).toBe(0);
  });

  test('is encrypted where the old one was; taken back, the old one is there as it was, and forward again', async () => {
    project.write(FILE, tunnels(vaulted(standing())));
    const [before, old, beforeAge] = [text(), standing(), ageOf('pinky-ijin')];
    const ran = await project.prove('rotate', 'pinky-ijin', ...LAB);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const [after, key] = [text(), standing()];
    expect(await keysOf('pinky-ijin')).toEqual([key]);
    expect(key).not.toBe(old);
    expectSilence(ran, key, old);
    expect(text().replace(/psk: !vault \|\n(?: {8}\S+\n)+/, 'psk: KEY\n')).toBe(tunnels('KEY'));
    const aged = ageOf('pinky-ijin');
    expect(aged).not.toBe(beforeAge);

    const run = (document: Ran) => /rollback (\S+)` takes it back/.exec(document.stdout)?.[1] ?? '';
    const back = await project.run('rollback', lastRun(), '--lab', ...KEYED);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect(back.stdout).toMatch(/pinky-ijin: the key of before \S+ is on both ends and in inventory\/tunnels.yml\n$/);
    expect([text(), standing(), pskOf('ijin', 'ipsec1')]).toEqual([before, old, old]);
    expect(ageOf('pinky-ijin')).toBe(beforeAge);
    expectSilence(back, key, old);
    expect((await check()).code).toBe(0);

    const forward = await project.run('rollback', run(back), '--lab', ...KEYED);
    expect(forward.code, forward.stdout + forward.stderr).toBe(0);
    expect([text(), standing(), journals()]).toEqual([after, key, ['done']]);
    expect(ageOf('pinky-ijin')).toBe(aged);
    expect((await check()).code).toBe(0);
  });

  test('in a file that is encrypted as a whole', async () => {
    const old = standing();
    project.write(FILE, sealVault(tunnels(old), PASSWORD));
    const ran = await project.prove('rotate', 'pinky-ijin', ...LAB);
    expect(ran.code, ran.stdout + ran.stderr).toBe(0);
    const opened = async () => {
      expect(text()).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n[0-9a-f\n]+\n$/);
      const vault = await makeVault([{ id: 'default', password: new Secret(PASSWORD) }]);
      const plain = vault.open(text());
      return plain instanceof Secret && reveal(plain);
    };
    const key = standing();
    expect(key).toMatch(/^[\w-]{44}$/);
    expect(await opened()).toBe(tunnels(JSON.stringify(key)));
    expectSilence(ran, key, old);
    const done = project.read(`.ipsec-play/rotations/done/${lastRun()}.json`);
    expect(done).not.toContain(key);
    expect(done).not.toContain(old);
    // As if it had been cut off, and somebody had written a third key since.
    const [after, journal] = [text(), `.ipsec-play/rotations/${lastRun()}.json`];
    project.write(FILE, sealVault(tunnels('Third-key-4711'), PASSWORD));
    const third = text();
    project.write(journal, done);
    const late = await project.run('rotate', '--resume', ...LAB);
    expect([late.code, late.stderr]).toEqual([4, expect.stringContaining('it has another key there by now')]);
    expect(text()).toBe(third);
    rmSync(join(project.path, journal));
    project.write(FILE, after);
    expect((await project.run('rollback', lastRun(), '--lab', ...KEYED)).code).toBe(0);
    expect([await opened(), standing()]).toEqual([tunnels(JSON.stringify(old)), old]);
  });
});

describe('the old key stays', { timeout: 120_000 }, () => {
  test('on both ends and in tunnels.yml, when the proof fails', async () => {
    const old = standing();
    project.write(FILE, tunnels(old));
    const [before, aged] = [text(), ages()];
    const fault = join(root('ijin'), 'var/lib/lab-faults');
    mkdirSync(fault, { recursive: true });
    writeFileSync(join(fault, 'ipsec-blocked'), '');
    const ran = await project.prove('rotate', 'pinky-ijin', ...LAB, '--confirm-timeout', '6');
    rmSync(join(fault, 'ipsec-blocked'));
    expect(ran.code, ran.stdout + ran.stderr).toBe(6);
    expect([text(), ages()]).toEqual([before, aged]);
    expect([pskOf('pinky', 'ipsec1'), pskOf('ijin', 'ipsec1')]).toEqual([old, old]);
    expect(ran.stdout).toContain(`pinky-ijin: the hosts have the old key, and so does ${FILE}`);
    expect(journals()).toEqual(['done']);
  });

  test('when nobody agrees, and in a dry run; nothing is written either way', async () => {
    const old = standing();
    project.write(FILE, tunnels(old));
    const before = text();
    const asked: string[] = [];
    const world = {
      interactive: true,
      ask: async (question: string) => {
        asked.push(question);
        return 'n';
      },
    };
    const refused = await project.runIn(world, 'rotate', 'pinky-ijin', '--lab');
    expect([refused.code, asked.length, refused.stderr]).toEqual([
      0,
      1,
      expect.stringContaining('Nothing was changed.'),
    ]);
    const dry = await project.run('rotate', 'pinky-ijin', 'lana*', '--lab', '--dry-run');
    expect([dry.code, dry.stderr]).toEqual([0, '']);
    expect(dry.stdout).toContain('pinky-ijin, lana-lanb: would get a new key\n');
    expect([text(), journals(), standing()]).toEqual([before, ['done'], old]);
  });

  test.each([
    ['{ env: PSK }', 'rotate-elsewhere'],
    ['{ derive: a-master-of-many-words }', 'rotate-derived'],
    ['', 'rotate-missing'],
    ['"{{ psk_of_pinky }}"', 'rotate-elsewhere'],
  ])('where it cannot be drawn: %s', async (written, code) => {
    project.write(FILE, tunnels(written));
    const ran = await project.runIn({ env: { PATH: process.env.PATH, PSK: OLD } }, 'rotate', 'pinky-ijin', ...LAB);
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining(`${FILE}:9:`)]);
    expect(ran.stderr).toContain(`error[${code}]`);
    expect(ran.stderr).toContain('  write: ');
    expect(text()).toBe(tunnels(written));
  });

  test('where the other end is somebody else’s, and of tunnels that share a line of psk.txt when not all are named', async () => {
    project.write(FILE, tunnels(OLD));
    project.edit(
      FILE,
      'ijin: { nickname: ipsec1, address: 198.51.100.2 }',
      'partner: { managed: false, address: 198.51.100.2 }',
    );
    const foreign = await project.run('rotate', 'pinky-ijin', ...LAB);
    expect([foreign.code, foreign.stderr]).toEqual([3, expect.stringContaining('error[rotate-external]')]);
    project.write(
      FILE,
      `${tunnels(OLD)}  second:
    type: network-to-network
    ends:
      lana: { nickname: ipsec5, address: 203.0.113.1, network: 192.168.7.0/24, gateway: 192.168.7.254 }
      lanb: { nickname: ipsec5, address: 203.0.113.2, network: 192.168.8.0/24, gateway: 192.168.8.254 }
    keying: { psk: r3dh4tl1nux }
`,
    );
    const alone = await project.run('rotate', 'second', ...LAB);
    expect([alone.code, alone.stderr]).toEqual([3, expect.stringContaining('error[rotate-peer]')]);
    expect(alone.stderr).toContain('write: ipsec-play rotate second lana-lanb');
  });

  test('where the command makes no sense', async () => {
    for (const [argv, said] of [
      [['rotate'], /which tunnels get new keys/],
      [['rotate', 'nobody'], /there is no tunnel, mesh or hub "nobody"/],
      [['rotate', 'pinky-ijin', '--limit', 'pinky'], /--limit chooses hosts/],
      [['rotate', '--older-than', '90'], /"90" is no age[\s\S]*12h, 90d, 12w/],
      [['rotate', '--older-than', '0d'], /is no age/],
      [['rotate', '--resume', 'pinky-ijin'], /--resume only/],
    ] as const)
      expect(await project.run(...argv)).toMatchObject({ code: 3, stdout: '', stderr: said });
  });
});

describe('the age of keys', { timeout: 120_000 }, () => {
  test('is recorded, and one that nobody recorded counts as older', async () => {
    const dry = ['rotate', '--older-than', '2h', '--lab', '--dry-run'];
    project.write(FILE, tunnels(standing()));
    project.edit(FILE, '{ psk: r3dh4tl1nux }', '{ psk: { file: key } }');
    project.write('inventory/key', 'r3dh4tl1nux\n');
    const path = join(project.path, '.ipsec-play/keys.json');
    const note = (hours: number) => {
      const at = new Date(Date.now() - hours * 3_600_000).toISOString();
      const keys = [{ file: FILE, name: 'pinky-ijin', at, run: 'r' }];
      writeFileSync(path, JSON.stringify({ schema: 'ipsec-play/keys/1', keys }));
    };
    rmSync(path);
    const first = await project.run(...dry);
    expect(first.stdout).toContain('pinky-ijin, store-a-store-b: would get a new key\n');
    expect(first.stdout).toContain('pinky-ijin, store-a-store-b: how old the key is, is not known here');
    expect(first.stdout).toContain('lana-lanb  kept: the key of tunnel lana-lanb is not in this file');
    note(1);
    // However the inventory is named.
    const young = await project.run(...dry, '-i', join(project.path, 'inventory'));
    expect(young.stdout).toContain('store-a-store-b: would get a new key\n');
    expect(young.stdout).toContain('pinky-ijin  kept: its key is younger\n');
    note(3);
    const older = await project.run(...dry);
    expect(older.stdout).toContain('pinky-ijin, store-a-store-b: would');
    expect(older.stdout).toMatch(/^store-a-store-b: how old the key is/m);
    expect((await project.run('rotate', 'pinky-ijin', '--older-than', '1w')).stdout).toBe(
      'pinky-ijin  kept: its key is younger\nnothing to rotate\n',
    );
  });

  test('is noted by keygen as well', async () => {
    const drawn = await project.run('keygen', 'pinky-ijin', '--force', ...KEYED);
    expect(drawn.code, drawn.stderr).toBe(0);
    expect(ages()).toMatchObject([{ file: FILE, name: 'pinky-ijin', run: null }]);
    expect((await project.run('rotate', 'pinky-ijin', '--older-than', '1h', ...KEYED)).stdout).toContain('younger');
  });
});
