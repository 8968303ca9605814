import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** `resume RUN`, on the lab: what a controller that died has left is brought to one end or the other, on both hosts. */
let project: Project;
const PLAYBOOK = 'playbooks/network-to-network.yml';
const ENDS = ['lana', 'lanb'];
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const runOf = (host: string, run: string, file = '') => join(root(host), 'var/lib/ipsec-play/runs', run, file);
const keys = () =>
  ENDS.map((host, index) =>
    readFileSync(join(root(host), `etc/sysconfig/network-scripts/keys-ipsec${index}`), 'utf8').trim(),
  );

beforeAll(async () => {
  project = shippedProject();
  expect((await project.run('apply', PLAYBOOK, '--lab')).code).toBe(0);
}, 120_000);
afterAll(() => project.remove());

/** A run that has changed both ends and then lost its controller: as `--confirm manual` leaves it, but for its record. */
async function cutOff(key: string, ...more: string[]): Promise<string> {
  project.edit('inventory/tunnels.yml', /psk: (r3dh4tl1nux|key_\w+)$/gm, `psk: ${key}`);
  const { code, stdout } = await project.run('apply', PLAYBOOK, '--lab', '--confirm', 'manual', '-o', 'json', ...more);
  expect(code, stdout).toBe(0);
  const run = (JSON.parse(stdout) as RunDocument).run ?? '';
  const file = join(project.path, '.ipsec-play/runs', `${run}.json`);
  const record = JSON.parse(readFileSync(file, 'utf8')) as object;
  // No process can have this number: it is beyond the largest that Linux gives.
  writeFileSync(file, JSON.stringify({ ...record, ended: null, outcome: 'running', pending: false, pid: 4_194_305 }));
  return run;
}

/** What a controller that dies between two confirmations leaves. */
async function confirmAlone(host: string, run: string): Promise<void> {
  execFileSync('ln', ['-s', 'keep', runOf(host, run, 'ended')]);
  const { until } = await import('../support/until.ts');
  await until(() => readFileSync(runOf(host, run, 'state'), 'utf8') === 'confirmed\n', 60);
  await until(() => !existsSync(join(root(host), 'var/lib/ipsec-play/lock')), 60);
}

/** Takes a host's run back to an earlier moment. */
function asOf(host: string, run: string, state: 'running' | 'verified'): void {
  if (state === 'running') rmSync(runOf(host, run, 'proven'));
  writeFileSync(runOf(host, run, 'state'), `${state}\n`);
}

describe('a run whose controller died', { timeout: 120_000 }, () => {
  test('when all hosts had proven their changes, is confirmed', async () => {
    const run = await cutOff('key_one');
    for (const host of ENDS) asOf(host, run, 'verified');
    expect((await project.run('history')).stdout).toMatch(new RegExp(`^${run} .* running$`, 'm'));
    const { code, stdout } = await project.run('resume', run);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`the run ${run}: its proven changes are confirmed`)]);
    expect(keys()).toEqual(['IKE_PSK=key_one', 'IKE_PSK=key_one']);
    for (const host of ENDS) {
      expect(readFileSync(runOf(host, run, 'state'), 'utf8')).toBe('confirmed\n');
      expect(existsSync(join(root(host), 'var/lib/ipsec-play/lock'))).toBe(false);
    }
    expect((await project.run('history')).stdout).toMatch(new RegExp(`^${run} .* confirmed$`, 'm'));
  });

  test('of one shard, is confirmed with the hosts of that shard alone', async () => {
    const shards = ['1/2', '2/2'];
    const listed = await Promise.all(shards.map((shard) => project.run('inventory', 'list', '--shard', shard)));
    const own = shards.find((_, at) => listed[at]?.stdout.includes('lana')) ?? '';
    const run = await cutOff('key_of_a_shard', '--shard', own);
    for (const host of ENDS) asOf(host, run, 'running');
    const { code, stdout, stderr } = await project.run('resume', run);
    expect([code, stdout], stderr).toEqual([0, expect.stringContaining('its proven changes are confirmed')]);
    expect(keys()).toEqual(['IKE_PSK=key_of_a_shard', 'IKE_PSK=key_of_a_shard']);
  });

  test('when all hosts are changed and nothing is left to do there, is proven and confirmed', async () => {
    const run = await cutOff('key_two');
    for (const host of ENDS) asOf(host, run, 'running');
    const { code, stdout } = await project.run('resume', run, '-o', 'json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { hosts: { lana: { state: 'confirmed' }, lanb: { state: 'confirmed' } } },
    ]);
    expect(keys()).toEqual(['IKE_PSK=key_two', 'IKE_PSK=key_two']);
  });

  test('when one of them is not as it should be, goes back on both, and says which and why', async () => {
    const run = await cutOff('key_three');
    for (const host of ENDS) asOf(host, run, 'running');
    writeFileSync(join(root('lanb'), 'etc/sysconfig/network-scripts/keys-ipsec1'), 'IKE_PSK=half\n');
    const { code, stdout } = await project.run('resume', run);
    expect([code, stdout]).toEqual([
      4,
      expect.stringContaining('the old state is back, because lanb had not come to its end'),
    ]);
    expect(keys()).toEqual(['IKE_PSK=key_two', 'IKE_PSK=key_two']);
    for (const host of ENDS) expect(existsSync(runOf(host, run))).toBe(false);
  });

  test('when one of them has gone back by itself, goes back on the other', async () => {
    const run = await cutOff('key_four');
    execFileSync('ln', ['-s', 'back', runOf('lana', run, 'ended')]);
    const { until } = await import('../support/until.ts');
    await until(() => readFileSync(runOf('lana', run, 'state'), 'utf8') === 'restored\n', 60);
    const { code, stdout } = await project.run('resume', run);
    expect([code, stdout]).toEqual([4, expect.stringContaining('lana had gone back by itself')]);
    expect(keys()).toEqual(['IKE_PSK=key_two', 'IKE_PSK=key_two']);
  });

  test('between two confirmations, is confirmed on the other end too', async () => {
    const run = await cutOff('key_half');
    for (const host of ENDS) asOf(host, run, 'verified');
    await confirmAlone('lana', run);
    const { code, stdout } = await project.run('resume', run);
    expect([code, stdout]).toEqual([0, expect.stringContaining(`the run ${run}: its proven changes are confirmed`)]);
    expect(keys()).toEqual(['IKE_PSK=key_half', 'IKE_PSK=key_half']);
    for (const host of ENDS) expect(readFileSync(runOf(host, run, 'state'), 'utf8')).toBe('confirmed\n');
    expect((await project.run('resume', run)).code).toBe(0);
  });

  test('between two confirmations, is taken back by rollback on both ends together', async () => {
    const run = await cutOff('key_other_half');
    for (const host of ENDS) asOf(host, run, 'verified');
    await confirmAlone('lana', run);
    const { code, stdout } = await project.run('rollback', run);
    expect([code, stdout]).toEqual([4, expect.stringContaining('is confirmed on lana, lanb')]);
    expect(keys()).toEqual(['IKE_PSK=key_other_half', 'IKE_PSK=key_other_half']);
    expect((await project.run('rollback', run)).code).toBe(0);
    expect(keys()).toEqual(['IKE_PSK=key_half', 'IKE_PSK=key_half']);
  });

  test('when one end was changed and the other only prepared, and cleared since, goes back', async () => {
    const run = await cutOff('key_early');
    expect((await project.run('rollback', run)).code).toBe(0);
    const again = await cutOff('key_earlier');
    asOf('lana', again, 'running');
    // What the keeper of a controller that is gone does where nothing is changed.
    execFileSync('sh', ['-c', `ln -s back '${runOf('lanb', again, 'ended')}'`]);
    const { until } = await import('../support/until.ts');
    // Its number goes last: until then it still writes there.
    const isThrough = () => !existsSync(runOf('lanb', again, 'keeper.pid'));
    await until(() => readFileSync(runOf('lanb', again, 'state'), 'utf8') === 'restored\n' && isThrough(), 60);
    rmSync(runOf('lanb', again), { recursive: true });
    const { code, stdout } = await project.run('resume', again);
    expect([code, stdout]).toEqual([4, expect.stringContaining('lanb was not changed')]);
    expect(keys()).toEqual(['IKE_PSK=key_half', 'IKE_PSK=key_half']);
  });

  test('is not touched while that lives, nor without the same extra variables', async () => {
    const run = await cutOff('key_five');
    const other = await project.run('resume', run, '-e', 'a=b');
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining('the run had other extra variables')]);
    const file = join(project.path, '.ipsec-play/runs', `${run}.json`);
    const record = JSON.parse(readFileSync(file, 'utf8')) as object;
    const { spawn } = await import('node:child_process');
    const { until } = await import('../support/until.ts');
    const controller = spawn('sh', ['-c', 'sleep 60; : ipsec-play']);
    try {
      // A program's arguments are to be seen only a moment after it was started.
      await until(() => readFileSync(`/proc/${controller.pid}/cmdline`, 'utf8').includes('ipsec-play'), 10);
      writeFileSync(file, JSON.stringify({ ...record, pid: controller.pid }));
      const { code, stderr } = await project.run('resume', run);
      expect([code, stderr]).toEqual([3, expect.stringContaining('is still going on here')]);
    } finally {
      const gone = once(controller, 'exit');
      controller.kill();
      await gone;
    }
    expect((await project.run('rollback', run)).code).toBe(0);
  });

  test('without a record says what to do', async () => {
    const { code, stderr } = await project.run('resume', '20200101-000000-abcd');
    expect([code, stderr]).toEqual([3, expect.stringContaining('there is no record of the run')]);
  });
});
