import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Terminal } from '../../src/cli/machine/terminal.ts';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import type { PlanDocument } from '../../src/report/plan-document.ts';
import { planSchema } from '../../src/report/plan-schema.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/** Plans for a change board, on the rehearsal lab: two pairs of hosts, of which one pair or the other moves. */
let project: Project;
const LAB = '.ipsec-play/lab';
const HOSTS = 'lana,lanb,pinky,ijin';
const PLAYBOOK = 'playbooks/site.yml';
const SECRETS = ['Key_Value01', 'r3dh4tl1nux'];
const onHost = (host: string, path: string) => join(project.path, LAB, host, 'root', path);
const allHosts = () => tree(join(project.path, LAB));

beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());
afterEach(() => {
  vi.useRealTimers();
});

function plan(file: string, ...more: string[]): Promise<Ran> {
  return project.run('plan', PLAYBOOK, '--lab', '-l', HOSTS, '--out', file, ...more);
}

function apply(file: string, ...more: string[]): Promise<Ran> {
  return project.run('apply', '--plan', file, '--lab', ...more);
}

function read(file: string): PlanDocument {
  const document = JSON.parse(project.read(file)) as PlanDocument;
  expect(checkValue(planSchema, document)).toEqual([]);
  return document;
}

/** Every other attempt changes nothing, on no host, and leaves the plan usable. */
async function refused(attempt: () => Promise<Ran>, code: number, said: RegExp): Promise<Ran> {
  const before = allHosts();
  const ran = await attempt();
  expect([ran.code, ran.stdout + ran.stderr]).toEqual([code, expect.stringMatching(said)]);
  expect(allHosts()).toEqual(before);
  return ran;
}

describe('the file', () => {
  test('is written where changes are pending too, for its owner alone, and touches no host', async () => {
    await project.run('check', PLAYBOOK, '--lab', '-l', HOSTS);
    const before = allHosts();
    const { code, stdout, stderr } = await plan('first.json');
    expect(code).toBe(0);
    expect(stdout).toContain('4 hosts would change.');
    expect(stderr).toContain('is in first.json, to be applied at any time');
    expect(allHosts()).toEqual(before);
    expect(statSync(join(project.path, 'first.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(project.path, '.ipsec-play/plans/key')).mode & 0o777).toBe(0o600);
    expect(project.read('.ipsec-play/plans/.gitignore')).toBe('*\n');
  });

  test('names all files that were read, and all that was read on each host', () => {
    const { inputs, hosts, impact } = read('first.json');
    expect(Object.keys(inputs)).toEqual(['inventory/hosts.yml', 'inventory/tunnels.yml', PLAYBOOK]);
    expect(Object.keys(hosts)).toEqual(['ijin', 'lana', 'lanb', 'pinky']);
    expect(Object.keys(hosts.lana?.state ?? {})).toEqual(
      expect.arrayContaining(['/etc/racoon/psk.txt', '/etc/sysctl.conf', 'package ipsec-tools', 'connections host']),
    );
    expect(impact.tunnels.map(({ name }) => name).sort()).toEqual(['lana-lanb', 'pinky-ijin']);
  });

  test('is the same the next time, but for its name, its time and its seal', async () => {
    await plan('second.json');
    const unlike = project
      .read('second.json')
      .split('\n')
      .filter((line, index) => line !== project.read('first.json').split('\n')[index]);
    expect(unlike.map((line) => /"(\w+)":/.exec(line)?.[1])).toEqual(['id', 'at', 'seal']);
  });

  test('holds no secret, nor what could be tried against a list of words', async () => {
    const shown = await Promise.all(
      ['human', 'markdown', 'json'].map((format) => project.run('show', 'first.json', '--format', format)),
    );
    for (const text of [project.read('first.json'), ...shown.map(({ stdout, stderr }) => stdout + stderr)])
      for (const secret of SECRETS) expect(text).not.toContain(secret);
    const key = project.read('.ipsec-play/plans/key');
    project.write('.ipsec-play/plans/key', `${'ab'.repeat(32)}\n`);
    await plan('other-key.json');
    project.write('.ipsec-play/plans/key', key);
    const digests = (file: string) => new Set(project.read(file).match(/fp:[0-9a-f]+/g));
    const [own, other] = [digests('first.json'), digests('other-key.json')];
    expect(own.size).toBeGreaterThan(20);
    expect([...own].filter((digest) => other.has(digest))).toEqual([]);
  });

  test('like contents of two hosts look unlike, like secrets alike', () => {
    const { hosts } = read('first.json');
    expect(hosts.lana?.state['/etc/sysctl.conf']).not.toBe(hosts.lanb?.state['/etc/sysctl.conf']);
    const keys = ['lana', 'lanb'].map((name) => {
      const task = hosts[name]?.tasks.find((each) => each.name.startsWith('keys-'));
      return task?.diff[0]?.after;
    });
    expect(keys[0]).toMatch(/^IKE_PSK=fp:[0-9a-f]{8}\n$/);
    expect(keys[0]).toBe(keys[1]);
  });

  test('in a folder that is not there is refused before any host is asked', async () => {
    const { code, stdout, stderr } = await project.run('plan', PLAYBOOK, '--lab', '--out', 'nowhere/plan.json');
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('nowhere/plan.json cannot be written: there is no folder nowhere');
  });

  test('is never overwritten without --force', async () => {
    project.write('taken.json', 'mine\n');
    await refused(() => plan('taken.json'), 3, /taken\.json is there already/);
    expect(project.read('taken.json')).toBe('mine\n');
    expect((await plan('taken.json', '--force')).code).toBe(0);
    expect(read('taken.json').schema).toBe('ipsec-play/plan/1');
    expect(statSync(join(project.path, 'taken.json')).mode & 0o777).toBe(0o600);
  });

  test('is what -o json prints', async () => {
    const { stdout } = await plan('printed.json', '-o', 'json');
    expect(stdout).toBe(project.read('printed.json'));
  });
});

describe('a plan is refused, and nothing is changed on any host', () => {
  beforeAll(async () => {
    expect((await plan('plan.json', '--not-after', '2100-01-01T00:00Z')).code).toBe(0);
  });

  test('where a host moved, naming what; the other pair of hosts is held back too', async () => {
    const path = onHost('lana', '/etc/sysctl.conf');
    const text = readFileSync(path);
    writeFileSync(path, `${text}# by hand\n`);
    const { stdout } = await refused(() => apply('plan.json', '-o', 'json'), 4, /plan-stale/);
    const document = JSON.parse(stdout) as RunDocument;
    expect(checkValue(runSchema, document)).toEqual([]);
    expect(document.hosts.lana?.error).toEqual({
      code: 'plan-stale',
      message: expect.stringContaining('not as it was when the plan was made: /etc/sysctl.conf. Nothing was changed'),
    });
    for (const host of ['lanb', 'pinky', 'ijin']) {
      expect(document.hosts[host]?.status).toBe('skipped');
      expect(document.hosts[host]?.error?.message).toContain('does not hold for lana');
    }
    const { stdout: shown } = await refused(() => apply('plan.json'), 4, /RECAP/);
    expect(shown).toContain('/etc/sysctl.conf');
    expect(shown).toContain('1 host failed, 3 hosts not begun.');
    writeFileSync(path, text);
  });

  test('where only the mode of a file is another', async () => {
    const state = read('plan.json').hosts.pinky?.state ?? {};
    const name = Object.keys(state).find((each) => each.endsWith('/ifup-ipsec')) ?? '';
    const file = onHost('pinky', name);
    const { mode } = statSync(file);
    chmodSync(file, 0o700);
    await refused(() => apply('plan.json'), 4, /not as it was when the plan was made: \S+ifup-ipsec/);
    chmodSync(file, mode);
  });

  test('where a file of the inventory or the playbook is another one, new or gone', async () => {
    const tunnels = project.read('inventory/tunnels.yml');
    project.write('inventory/tunnels.yml', `${tunnels}# a comment\n`);
    const { stdout } = await refused(() => apply('plan.json', '-o', 'json'), 3, /plan-input/);
    expect((JSON.parse(stdout) as RunDocument).diagnostics?.map(({ message }) => message)).toEqual([
      'inventory/tunnels.yml is another one than when the plan was made',
    ]);
    project.write('inventory/tunnels.yml', tunnels);

    const playbook = project.read(PLAYBOOK);
    project.write(PLAYBOOK, `${playbook}# a comment\n`);
    await refused(() => apply('plan.json'), 3, /playbooks\/site\.yml is another one/);
    project.write(PLAYBOOK, playbook);

    mkdirSync(join(project.path, 'inventory/host_vars'));
    project.write('inventory/host_vars/lana.yml', 'unused: 1\n');
    await refused(() => apply('plan.json'), 3, /inventory\/host_vars\/lana\.yml was not there when the plan was made/);
    rmSync(join(project.path, 'inventory/host_vars'), { recursive: true });
  });

  test('where the command line says something else', async () => {
    await refused(() => apply('plan.json', '-l', 'lana'), 3, /made with another --limit/);
    await refused(() => apply('plan.json', '-t', 'x'), 3, /made with another --tags/);
    await refused(() => apply('plan.json', '-b'), 3, /made with another --become/);
    await refused(() => apply('plan.json', '-e', 'a=1'), 3, /extra variables are not those/);
    await refused(() => project.run('apply', '--plan', 'plan.json'), 3, /made on stand-ins of the hosts/);
    await refused(() => project.run('apply', PLAYBOOK, '--plan', 'plan.json', '--lab'), 3, /--plan stands alone/);
    await refused(() => project.run('apply', '--lab'), 3, /apply of what/);
  });

  test('before --not-before and after --not-after', async () => {
    await plan('early.json', '--not-before', '2099-12-31 23:00+01:00');
    expect(read('early.json').window).toEqual({ notBefore: '2099-12-31T22:00:00.000Z', notAfter: null });
    await refused(() => apply('early.json'), 3, /plan-window.*from 2099-12-31 22:00:00 UTC on, not yet/s);
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2100-01-01T00:00:01Z') });
    await refused(() => apply('plan.json'), 3, /plan-window.*until 2100-01-01 00:00:00 UTC/s);
  });

  test('where it was altered: a value, the order, a key that comes twice', async () => {
    const text = project.read('plan.json');
    for (const altered of [
      text.replace('2100-01-01', '2101-01-01'),
      text.replace('"status": "changed"', '"status": "ok"'),
      text.replace('"tool":', '"tool": "0.0.0",\n  "tool":'),
      JSON.stringify(JSON.parse(text)),
    ]) {
      expect(altered).not.toBe(text);
      project.write('altered.json', altered);
      await refused(() => apply('altered.json'), 3, /plan-altered/);
      await refused(() => project.run('show', 'altered.json'), 3, /plan-altered/);
    }
    project.write('no-plan.json', '{"schema": "ipsec-play/run/1"}');
    await refused(() => apply('no-plan.json'), 3, /plan-form/);
    project.write('half.json', text.slice(0, 500));
    await refused(() => apply('half.json'), 3, /plan-form/);
    await refused(() => apply('missing.json'), 3, /file-unreadable/);
  });

  test('of another version', async () => {
    const { planSeal } = await import('../../src/secrets/plan-seal.ts');
    const { planText, sealedText } = await import('../../src/report/plan-document.ts');
    const { Secret } = await import('../../src/model/secret.ts');
    const { seal: _, ...rest } = { ...read('plan.json'), tool: '0.0.9' };
    const seal = planSeal(new Secret(project.read('.ipsec-play/plans/key').trim())).seal(sealedText(rest));
    project.write('old.json', planText({ ...rest, seal }));
    await refused(() => apply('old.json'), 3, /plan-version.*made with ipsec-play 0\.0\.9/s);
  });

  test('without its key, or with one that others may read; it can be shown all the same', async () => {
    const key = join(project.path, '.ipsec-play/plans/key');
    chmodSync(key, 0o644);
    await refused(() => apply('plan.json'), 3, /may be read by others/);
    chmodSync(key, 0o600);
    const text = readFileSync(key);
    rmSync(key);
    await refused(() => apply('plan.json'), 3, /plan-key/);
    const { code, stdout, stderr } = await project.run('show', 'plan.json');
    expect(code).toBe(0);
    expect(stdout).toContain('4 hosts would change.');
    expect(stderr).toContain('nobody can tell here whether the file is as it was written');
    writeFileSync(key, text, { mode: 0o600 });
  });
});

describe('secrets and variables that no file holds', () => {
  const withKey = (key: string): Partial<Terminal> => ({ env: { PATH: process.env.PATH, LAN_KEY: key } });

  test('another secret in the environment is noticed, another -e too', async () => {
    const tunnels = project.read('inventory/tunnels.yml');
    project.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux', 'psk: { env: LAN_KEY }');
    const argv = ['plan', PLAYBOOK, '--lab', '-l', HOSTS, '-e', 'who=canary', '--out', 'env.json'];
    expect((await project.runIn(withKey('a-first-Canary'), ...argv)).code).toBe(0);
    expect(project.read('env.json')).not.toMatch(/canary/i);
    const again = (key: string, who: string) => () =>
      project.runIn(withKey(key), 'apply', '--plan', 'env.json', '--lab', '-e', `who=${who}`);
    const { stderr } = await refused(again('a-second-Canary', 'canary'), 3, /plan-differs/);
    expect(stderr).toMatch(/lana \(keys-ipsec0, psk\.txt\)/);
    expect(stderr).not.toMatch(/Canary/);
    await refused(again('a-first-Canary', 'somebody'), 3, /extra variables are not those/);
    project.write('inventory/tunnels.yml', tunnels);
  });
});

describe('an encrypted file', () => {
  test('counts as it is on the disk: encrypted anew it is another one', async () => {
    const vault = ['--vault-password-file', 'password'];
    const file = 'inventory/host_vars/lana.yml';
    project.write('password', 'of the vault\n');
    mkdirSync(join(project.path, 'inventory/host_vars'));
    project.write(file, 'unused: a-vaulted-Canary\n');
    expect((await project.run('vault', 'encrypt', file, ...vault)).code).toBe(0);
    const once = project.read(file);
    expect((await plan('vaulted.json', ...vault)).code).toBe(0);
    expect(Object.keys(read('vaulted.json').inputs)).toContain(file);
    expect(project.read('vaulted.json')).not.toContain('Canary');

    for (const command of ['decrypt', 'encrypt']) await project.run('vault', command, file, ...vault);
    expect(project.read(file)).not.toBe(once);
    await refused(() => apply('vaulted.json', ...vault), 3, /host_vars\/lana\.yml is another one/);
    project.write(file, once);
    await refused(() => apply('vaulted.json', ...vault, '-e', 'a=1'), 3, /extra variables are not those/);
    rmSync(join(project.path, 'inventory/host_vars'), { recursive: true });
  });
});

describe('at a terminal', () => {
  const at = (answer: () => string | Promise<string>): Partial<Terminal> => ({
    interactive: true,
    ask: async () => answer(),
  });

  test('the plan is shown, and no is no: it can still be applied', async () => {
    const ran = () =>
      project.runIn(
        at(() => 'n'),
        ...['apply', '--plan', 'plan.json', '--lab'],
      );
    const { stdout } = await refused(ran, 0, /Nothing was changed/);
    expect(stdout).toContain('+++ /etc/sysconfig/network-scripts/ifcfg-ipsec0');
    expect(project.read('plan.json')).toBeTruthy();
  });

  test('a host that moves while one thinks holds back all, and the plan is used up', async () => {
    const path = onHost('ijin', '/etc/sysconfig/network-scripts/ifcfg-ipsec1');
    const before = allHosts();
    await plan('slow.json');
    const { code, stdout } = await project.runIn(
      at(() => {
        writeFileSync(path, 'TYPE=Ethernet\n');
        return 'y';
      }),
      ...['apply', '--plan', 'slow.json', '--lab'],
    );
    expect([code, stdout]).toEqual([4, expect.stringContaining('4 hosts failed.')]);
    rmSync(path);
    expect(allHosts()).toEqual(before);
    await refused(() => apply('slow.json'), 3, /plan-used/);
  });

  test('the time may be over when one answers', async () => {
    const ran = () =>
      project.runIn(
        at(() => {
          vi.useFakeTimers({ toFake: ['Date'], now: new Date('2100-01-01T00:00:01Z') });
          return 'y';
        }),
        ...['apply', '--plan', 'plan.json', '--lab'],
      );
    await refused(ran, 3, /plan-window/);
  });
});

describe('applied', () => {
  test('a plan does what it says, and nothing else', async () => {
    const { hosts } = read('plan.json');
    const { code, stdout } = await apply('plan.json', '-o', 'json');
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as RunDocument;
    expect(Object.keys(document.hosts).sort()).toEqual(Object.keys(hosts));
    for (const [name, { tasks }] of Object.entries(document.hosts)) {
      const done = tasks.filter(({ status }) => status === 'changed').map(({ id, diff }) => ({ id, diff }));
      const planned = hosts[name]?.tasks.filter(({ status }) => status === 'changed' || status === 'unknown') ?? [];
      const sure = planned.filter(({ status }) => status === 'changed').map(({ id, diff }) => ({ id, diff }));
      expect(done).toEqual(expect.arrayContaining(sure));
      expect(planned.map(({ id }) => id)).toEqual(expect.arrayContaining(done.map(({ id }) => id)));
    }
    expect((await project.run('check', PLAYBOOK, '--lab', '-l', HOSTS)).code).toBe(0);
  });

  test('it is used up, and show says so', async () => {
    await refused(() => apply('plan.json'), 3, /plan-used.*was applied already: \d{4}-\d\d-\d\d .* by root@/s);
    expect((await project.run('show', 'plan.json')).stdout).toMatch(/^applied \d{4}-.* UTC by root@.*, run /m);
  });

  test('one in which nothing changes is a plan too', async () => {
    const { stdout } = await plan('nothing.json');
    expect(stdout).toContain('4 hosts in sync.');
    const before = allHosts();
    expect((await apply('nothing.json')).code).toBe(0);
    expect(Object.keys(allHosts())).toEqual(Object.keys(before));
  });

  test('no plan is written for a host that cannot be changed', async () => {
    const path = onHost('lana', '/etc/sysconfig/network-scripts/ifup-ipsec');
    const text = readFileSync(path);
    rmSync(path);
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'an0ther_Key');
    await refused(() => plan('blocked.json'), 4, /No plan was written/);
    expect(() => project.read('blocked.json')).toThrow('ENOENT');
    writeFileSync(path, text, { mode: 0o755 });
  });
});

describe('times', () => {
  test.each([
    ['--not-before', 'tomorrow', /is no time/],
    ['--not-before', '2026-11-22', /is no time/],
    ['--not-before', '2099-02-30T10:00Z', /is no time/],
    ['--not-after', '2020-01-01T00:00Z', /is over already/],
  ])('%s %s', async (option, value, said) => {
    await refused(() => plan('never.json', option, value), 3, said);
  });

  test('the end comes after the beginning', async () => {
    const window = ['--not-before', '2099-01-01T00:00Z', '--not-after', '2099-01-01T01:00+02:00'];
    await refused(() => plan('never.json', ...window), 3, /not later than/);
  });
});
