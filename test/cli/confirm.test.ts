import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { until } from '../support/until.ts';

/** `--confirm manual` on the lab: what is proven goes back unless a person keeps it. */
let project: Project;
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const keys = (host: string) =>
  readFileSync(join(root(host), `etc/sysconfig/network-scripts/keys-ipsec${host === 'lana' ? 0 : 1}`), 'utf8');
const stateOn = (host: string, run: string) => {
  const file = join(root(host), 'var/lib/ipsec-play/runs', run, 'state');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
};
const recordOf = (run: string) => join(project.path, '.ipsec-play/runs', `${run}.json`);
const ENDS = ['lana', 'lanb'];
const OLD = 'IKE_PSK=r3dh4tl1nux\n';

beforeAll(async () => {
  project = shippedProject();
  expect((await project.run('apply', 'playbooks/network-to-network.yml', '--lab')).code).toBe(0);
});
afterAll(() => project.remove());

async function change(key: string, ...more: string[]): Promise<string> {
  project.edit('inventory/tunnels.yml', /psk: (r3dh4tl1nux|key_canary_\w+)$/gm, `psk: ${key}`);
  const argv = ['apply', 'playbooks/network-to-network.yml', '--lab', '--confirm', 'manual', '-o', 'json', ...more];
  const { code, stdout, stderr } = await project.run(...argv);
  expect(code, stdout + stderr).toBe(0);
  const document = JSON.parse(stdout) as RunDocument;
  expect(checkValue(runSchema, document)).toEqual([]);
  expect(document.run).toMatch(/^\d{8}-\d{6}-[0-9a-f]+$/);
  return document.run ?? '';
}

describe('a run that waits for a person', () => {
  test('is shown with the time left, taken back by rollback, and nothing is left of it', async () => {
    const run = await change('key_canary_1');
    for (const host of ENDS) expect([keys(host), stateOn(host, run)]).toEqual(['IKE_PSK=key_canary_1\n', 'awaiting']);
    const { stdout } = await project.run('status', '--lab');
    expect(stdout).toMatch(new RegExp(`lana +${run} +awaiting +\\d+ s +the run ${run} of root@`));
    expect(stdout).toContain(`ipsec-play confirm ${run}, or ipsec-play rollback ${run}`);
    expect((await project.run('history')).stdout).toMatch(new RegExp(`^${run} .* awaiting$`, 'm'));

    const back = await project.run('rollback', run);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    expect(back.stdout).toContain(`the run ${run} is taken back`);
    for (const host of ENDS) expect([keys(host), stateOn(host, run)]).toEqual([OLD, null]);
    expect((await project.run('status', '--lab')).stdout).toMatch(/\n\nNo run is pending on these hosts\.\n$/);
    expect((await project.run('status', '--lab', '--runs')).stdout).toBe('No run is pending on these hosts.\n');
    expect((await project.run('history')).stdout).toMatch(new RegExp(`^${run} .* rolled back$`, 'm'));
  });

  test('is kept by confirm, on both ends; a second confirm finds it so', async () => {
    const run = await change('key_canary_2');
    const { code, stdout } = await project.run('confirm', run, '-o', 'json');
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      { hosts: { lana: { state: 'confirmed' }, lanb: { state: 'confirmed' } } },
    ]);
    for (const host of ENDS) {
      expect([keys(host), stateOn(host, run)]).toEqual(['IKE_PSK=key_canary_2\n', 'confirmed']);
      expect(existsSync(join(root(host), 'var/lib/ipsec-play/lock'))).toBe(false);
    }
    expect((await project.run('confirm', run)).stdout).toContain(`the run ${run} is confirmed already`);
    expect((await project.run('check', 'playbooks/network-to-network.yml', '--lab')).code).toBe(0);
  });

  test.each(['confirm', 'rollback'])(
    'is not settled on one end alone: %s from another place, with --limit',
    async (how) => {
      const run = await change(`key_canary_alone_${how}`);
      const before = ENDS.map(keys);
      renameSync(recordOf(run), `${recordOf(run)}~`);
      const { code, stderr } = await project.run(how, run, '--lab', '--limit', 'lana');
      renameSync(`${recordOf(run)}~`, recordOf(run));
      expect([code, stderr]).toEqual([3, expect.stringContaining(`the run ${run} changed lanb as well`)]);
      expect([ENDS.map(keys), ENDS.map((host) => stateOn(host, run))]).toEqual([before, ['awaiting', 'awaiting']]);
      expect((await project.run('rollback', run)).code).toBe(0);
    },
  );

  test('goes back when nobody says a word, though its tunnels work; confirm then says so, exit 4', async () => {
    const run = await change('key_canary_3', '--confirm-timeout', '2');
    await until(() => ENDS.every((host) => keys(host) === 'IKE_PSK=key_canary_2\n'), 30);
    await until(
      () =>
        ENDS.every(
          (host) => stateOn(host, run) !== 'awaiting' && !existsSync(join(root(host), 'var/lib/ipsec-play/lock')),
        ),
      30,
    );
    const { code, stdout } = await project.run('confirm', run);
    expect(code).toBe(4);
    expect(stdout).toContain('too late');
    expect(stdout).toContain('the old state is back everywhere');
  });

  test('of which one end has gone back is not confirmed on the other', async () => {
    const run = await change('key_canary_4');
    // One end alone loses its patience: as its keeper would.
    const dir = join(root('lana'), 'var/lib/ipsec-play/runs', run);
    execFileSync('ln', ['-s', 'back', join(dir, 'ended')]);
    await until(() => stateOn('lana', run) === 'restored', 30);
    expect(stateOn('lanb', run)).toBe('awaiting');
    const { code, stdout } = await project.run('confirm', run);
    expect([code, stdout]).toEqual([4, expect.stringContaining('the old state is back everywhere')]);
    for (const host of ENDS) expect(keys(host)).toBe('IKE_PSK=key_canary_2\n');
  });
});

test('a host takes no other run while one waits; --break-lock takes that one back first', async () => {
  const run = await change('key_canary_5');
  project.edit('inventory/tunnels.yml', 'key_canary_5', 'key_canary_6');
  const apply = ['apply', 'playbooks/network-to-network.yml', '--lab'];
  const refused = await project.run(...apply);
  expect(refused.code).toBe(4);
  expect(refused.stdout).toContain(run);
  for (const host of ENDS) expect(keys(host)).toBe('IKE_PSK=key_canary_5\n');

  const broken = await project.run(...apply, '--break-lock');
  expect(broken.code, broken.stdout + broken.stderr).toBe(0);
  expect(broken.stderr).toMatch(new RegExp(`\\[lana\\] --break-lock: the run ${run} of root@.*waits for a person`));
  expect(broken.stderr).toContain(`the state before the run ${run} is back`);
  for (const host of ENDS) expect(keys(host)).toBe('IKE_PSK=key_canary_6\n');
});

test('--break-lock does not take an end back whose other end is confirmed', { timeout: 60_000 }, async () => {
  const run = await change('key_canary_half');
  const folder = (host: string) => join(root(host), 'var/lib/ipsec-play/runs', run);
  for (const host of ENDS) writeFileSync(join(folder(host), 'state'), 'verified\n');
  execFileSync('ln', ['-s', 'keep', join(folder('lana'), 'ended')]);
  await until(() => stateOn('lana', run) === 'confirmed' && !existsSync(join(folder('lana'), '../../lock')), 60);
  const { stderr } = await project.run('apply', 'playbooks/network-to-network.yml', '--lab', '--break-lock');
  expect(stderr).toContain(`the run ${run} is confirmed on another end`);
  expect(ENDS.map((host) => stateOn(host, run))).toEqual(['confirmed', 'confirmed']);
});

test('several plays on one host cannot wait for a person', async () => {
  project.write(
    'playbooks/two.yml',
    '- hosts: lana\n  tasks: [{ command: "true" }]\n- hosts: lana\n  tasks: [{ command: "true" }]\n',
  );
  const { code, stderr } = await project.run('apply', 'playbooks/two.yml', '--lab', '--confirm', 'manual');
  expect([code, stderr]).toEqual([3, expect.stringContaining('several plays of this playbook work on lana')]);
});
