import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { type OperationDocument, operationSchema } from '../../src/report/operation-document.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { verifySchema } from '../../src/report/verdict-document.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/**
 * `up`, `down` and `reload` on the lab: planned, both ends together, proven by the kernels. Each test begins where the one
 * before it has left the tunnel, which it says first.
 */
let project: Project;
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const spd = (host: string) => readFileSync(join(root(host), 'var/lib/lab-kernel/spd'), 'utf8');
const messages = (host: string) => readFileSync(join(root(host), 'var/log/messages'), 'utf8');
const files = (host: string) => tree(join(root(host), 'etc'));

beforeAll(async () => {
  project = shippedProject();
  ok(await project.run('apply', 'playbooks/site.yml', '--lab', '-l', 'pinky,ijin,lana,lanb,store-a,store-b'));
}, 120_000);
afterAll(() => project.remove());

function ok(ran: Ran): Ran {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return ran;
}
function document({ stdout }: Ran): OperationDocument {
  const read = JSON.parse(stdout) as OperationDocument;
  expect(checkValue(operationSchema, read)).toEqual([]);
  if (read.run !== null) expect(checkValue(runSchema, read.run)).toEqual([]);
  if (read.verify !== null) expect(checkValue(verifySchema, read.verify)).toEqual([]);
  return read;
}

const both = (of: (host: string) => string) => ['pinky', 'ijin'].map(of);
const stands = () => both((host) => (spd(host) === '' ? 'down' : 'up'));
const check = async (hosts: string) => (await project.run('check', 'playbooks/site.yml', '--lab', '-l', hosts)).code;
/** The hosts in the order in which their tasks start. */
const order = async (operation: string) => {
  const { stdout } = ok(await project.run(operation, 'pinky-ijin', '--lab', '-o', 'jsonl'));
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type?: string; host?: string })
    .filter(({ type }) => type === 'task-started')
    .map(({ host }) => host);
};

describe('down and up', () => {
  test('of a tunnel that does not start at boot', { timeout: 120_000 }, async () => {
    expect(both(spd).every((text) => text !== '')).toBe(true);
    const before = ['pinky', 'ijin'].map((host) => Object.keys(files(host)));

    const foreseen = await project.run('down', 'pinky-ijin', '--lab', '--check');
    expect(foreseen.code).toBe(2);
    expect(foreseen.stdout).toContain('ifdown ipsec1');
    expect(both(spd).every((text) => text !== '')).toBe(true);

    const down = ok(await project.run('down', 'pinky-ijin', '--lab'));
    expect(both(spd)).toEqual(['', '']);
    expect(down.stdout).toContain('pinky-ijin  down  ijin: no policies; pinky: no policies');
    expect(down.stdout).toMatch(/run \S+; `ipsec-play rollback \S+` takes it back/);
    expect(down.stderr).not.toContain('onboot');
    expect(['pinky', 'ijin'].map((host) => Object.keys(files(host)))).toEqual(before);
    expect(await check('pinky,ijin'), 'being down is no drift').toBe(0);

    const again = document(ok(await project.run('down', 'pinky-ijin', '--lab', '-o', 'json')));
    expect(Object.values(again.run?.hosts ?? {}).map(({ status }) => status)).toEqual(['ok', 'ok']);
    expect(again.proof?.['pinky-ijin']?.status).toBe('proven');

    const up = ok(await project.run('up', 'pinky-ijin', '--lab', '-o', 'json'));
    expect(document(up)).toMatchObject({
      schema: 'ipsec-play/operation/1',
      command: 'up',
      exitCode: 0,
      tunnels: ['pinky-ijin'],
      notes: [expect.stringContaining('down again after the next boot')],
      verify: { tunnels: { 'pinky-ijin': { status: 'proven' } } },
      proof: null,
    });
    expect(up.stdout).not.toContain('Key_Value01');
    expect(both(spd).every((text) => text !== '')).toBe(true);
    const verified = JSON.parse(project.read('.ipsec-play/verified.json'));
    expect(Object.values(verified.worlds)).toMatchObject([{ 'pinky-ijin': { status: 'proven', cause: null } }]);
  });

  test('tell what the next boot or apply makes of it, and can be taken back', { timeout: 120_000 }, async () => {
    const down = ok(await project.run('down', 'lana-lanb', '--lab', '--yes'));
    expect(down.stderr).toContain('lana-lanb: onboot is true, so the next apply, boot or network restart brings it up');
    expect(spd('lana')).toBe('');
    expect(await check('lana,lanb')).toBe(2);
    const run = /rollback (\S+)`/.exec(down.stdout)?.[1] ?? '';
    ok(await project.run('rollback', run));
    expect([spd('lana'), spd('lanb')].every((text) => text !== '')).toBe(true);
    expect(await check('lana,lanb')).toBe(0);
    ok(await project.run('verify', 'lana-lanb', '--lab'));
  });

  test('go by the other end first when down', { timeout: 120_000 }, async () => {
    expect(await order('down')).toEqual(['ijin', 'pinky']);
    expect(stands()).toEqual(['down', 'down']);
  });

  test('leave neither end up where the other one does not come up', { timeout: 120_000 }, async () => {
    expect(stands()).toEqual(['down', 'down']);
    const faults = join(root('pinky'), 'var/lib/lab-faults');
    mkdirSync(faults, { recursive: true });
    writeFileSync(join(faults, 'ifup-silent'), '');
    const { code, stdout } = await project.run('up', 'pinky-ijin', '--lab');
    rmSync(join(faults, 'ifup-silent'));
    expect(code).toBe(4);
    expect(stdout).toContain('the kernel has no ipsec policies for it');
    expect(both(spd)).toEqual(['', '']);
  });

  test('bring nothing up that is not what the inventory says', { timeout: 120_000 }, async () => {
    expect(stands()).toEqual(['down', 'down']);
    const keys = join(root('ijin'), 'etc/sysconfig/network-scripts/keys-ipsec1');
    const text = readFileSync(keys, 'utf8');
    writeFileSync(keys, 'IKE_PSK=by_hand\n');
    const { code, stdout } = await project.run('up', 'pinky-ijin', '--lab');
    writeFileSync(keys, text);
    expect([code, stdout]).toEqual([4, expect.stringContaining('not what the inventory says')]);
    expect(stdout).not.toContain('by_hand');
    expect(both(spd)).toEqual(['', '']);
  });

  test('go by the responder first when up', { timeout: 120_000 }, async () => {
    expect(await order('up')).toEqual(['pinky', 'ijin']);
    expect(stands()).toEqual(['up', 'up']);
  });

  test('ask on a terminal, and do nothing on a no; what is there already is only proven', {
    timeout: 120_000,
  }, async () => {
    const asked: string[] = [];
    const world = (answer: string) => ({
      interactive: true,
      ask: async (question: string) => {
        asked.push(question);
        return answer;
      },
    });
    const kept = await project.runIn(world('n'), 'down', 'pinky-ijin', '--lab');
    expect([kept.code, kept.stderr]).toEqual([0, expect.stringContaining('Nothing was changed.')]);
    expect(asked).toEqual([expect.stringContaining('2 hosts')]);
    expect(both(spd).every((text) => text !== '')).toBe(true);
    ok(await project.runIn(world('y'), 'down', 'pinky-ijin', '--lab'));
    expect(both(spd)).toEqual(['', '']);
    ok(await project.runIn(world('y'), 'up', 'pinky-ijin', '--lab'));
    expect(asked).toHaveLength(3);
    const again = ok(await project.runIn(world('n'), 'up', 'pinky-ijin', '--lab'));
    expect(again.stdout).toContain('1 tunnel: 1 proven.');
    expect(asked).toHaveLength(3);
  });

  test('a kernel that still has the policies fails the proof', { timeout: 120_000 }, async () => {
    const ifcfg = join(root('pinky'), 'etc/sysconfig/network-scripts/ifcfg-ipsec1');
    const text = readFileSync(ifcfg, 'utf8');
    rmSync(ifcfg);
    const { code, stdout } = await project.run('down', 'pinky-ijin', '--lab');
    writeFileSync(ifcfg, text);
    expect(code).toBe(6);
    expect(stdout).toMatch(/pinky-ijin {2}FAILED {2}ijin: no policies; pinky: still there: .*its files are not there/);
    ok(await project.run('up', 'pinky-ijin', '--lab'));
  });

  test('work on the one end of a tunnel whose other one somebody else manages', { timeout: 120_000 }, async () => {
    const before = project.read('inventory/tunnels.yml');
    project.edit('inventory/tunnels.yml', 'ijin: { nickname', 'ijin: { managed: false, nickname');
    const down = ok(await project.run('down', 'pinky-ijin', '--lab'));
    expect(down.stdout).toContain('ijin: somebody else manages this end; pinky: no policies');
    expect(stands()).toEqual(['down', 'up']);
    expect((await project.run('status', '--lab')).stdout).toMatch(/^pinky-ijin .* external \| no /m);
    project.write('inventory/tunnels.yml', before);
  });

  test('names that nobody knows, and tunnels that are to go, are refused', async () => {
    for (const command of ['up', 'down', 'reload']) {
      const { code, stderr } = await project.run(command, 'pinky-ijn', '--lab');
      expect([code, stderr]).toEqual([3, expect.stringContaining('tunnel-matches-nothing')]);
      expect(stderr).toContain('pinky-ijin');
    }
    const before = project.read('inventory/tunnels.yml');
    project.edit('inventory/tunnels.yml', '      psk: foobarbaz\n', '      psk: foobarbaz\n    state: absent\n');
    const { code, stderr } = await project.run('down', 'workstations', '--lab');
    project.write('inventory/tunnels.yml', before);
    expect([code, stderr]).toEqual([3, expect.stringContaining('tunnel-absent')]);
  });
});

describe('reload', () => {
  test('only where racoon runs, and proven', { timeout: 120_000 }, async () => {
    const count = (host: string) => messages(host).split('racoon: INFO: caught signal 1\n').length;
    const before = count('lana');
    const read = document(ok(await project.run('reload', 'lana-lanb', '--lab', '-o', 'json')));
    expect(count('lana')).toBe(before + 1);
    expect(read.proof?.['lana-lanb']).toMatchObject({
      status: 'proven',
      ends: [{ daemon: 'running', what: 'racoon runs, and has read its files' }, { daemon: 'running' }],
    });

    const manual = ok(await project.run('reload', 'store-a-store-b', '--lab'));
    expect(manual.stderr).toContain('nothing that racoon could read again');

    rmSync(join(root('lanb'), 'var/lib/lab-kernel/daemons/racoon'));
    const half = document(ok(await project.run('reload', 'lana-lanb', '--lab', '-o', 'json')));
    expect(half.run?.hosts.lanb?.status).toBe('ok');
    expect(half.proof?.['lana-lanb']?.ends.map(({ what }) => what)).toEqual([
      'racoon runs, and has read its files',
      'racoon does not run here',
    ]);
  });

  test('fails where racoon ends by it', { timeout: 120_000 }, async () => {
    const conf = join(root('lana'), 'etc/racoon/racoon.conf');
    const text = readFileSync(conf, 'utf8');
    writeFileSync(conf, `${text}sainfo {`);
    const { code, stdout } = await project.run('reload', 'lana-lanb', '--lab');
    writeFileSync(conf, text);
    expect([code, stdout]).toEqual([4, expect.stringContaining('racoon has ended')]);
  });
});
