import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, type Ran, shippedProject, tree } from '../support/cli.ts';

/** `rollback RUN` of confirmed runs, on the lab: planned, guarded, proven, both ends together. */
let project: Project;
const PLAYBOOK = 'playbooks/network-to-network.yml';
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const keysFile = (host: string) =>
  join(root(host), `etc/sysconfig/network-scripts/keys-ipsec${host === 'lana' ? 0 : 1}`);
const keys = () => ['lana', 'lanb'].map((host) => readFileSync(keysFile(host), 'utf8').trim().replace('IKE_PSK=', ''));

/** What a host is, but for what the engine keeps there and for times. */
const stateOf = (host: string) =>
  Object.entries(tree(root(host)))
    .filter(([path]) => /^(etc|proc|var\/lib\/lab-kernel)\//.test(path))
    .map(([path, text]) => [path, text.replace(/^(\d+) \S+ /, '$1 ').replaceAll(/\t\d+\t\w{3} [\d :]+$/gm, '')]);

beforeAll(async () => {
  project = shippedProject();
  ok(await project.run('apply', PLAYBOOK, '--lab'));
}, 120_000);
afterAll(() => project.remove());

function ok(ran: Ran): Ran {
  expect(ran.code, ran.stdout + ran.stderr).toBe(0);
  return ran;
}

async function apply(...more: string[]): Promise<string> {
  const { stdout } = ok(await project.run('apply', PLAYBOOK, '--lab', '-o', 'json', ...more));
  return (JSON.parse(stdout) as RunDocument).run ?? '';
}

const newKey = (key: string) => project.edit('inventory/tunnels.yml', /psk: (r3dh4tl1nux|key_\w+)$/gm, `psk: ${key}`);

describe('a confirmed run', () => {
  test('goes back on both ends to the byte, and forward again when that is taken back', {
    timeout: 120_000,
  }, async () => {
    const before = ['lana', 'lanb'].map(stateOf);
    newKey('key_one');
    const run = await apply();
    expect(keys()).toEqual(['key_one', 'key_one']);
    const after = ['lana', 'lanb'].map(stateOf);

    const back = JSON.parse(ok(await project.run('rollback', run, '-o', 'json')).stdout) as RunDocument;
    expect(Object.values(back.hosts).map(({ status }) => status)).toEqual(['changed', 'changed']);
    expect(JSON.stringify(back)).not.toMatch(/key_one|r3dh4tl1nux/);
    expect(back.hosts.lana?.tasks[0]?.diff.map(({ path }) => path)).toContain('/etc/racoon/psk.txt');
    expect(['lana', 'lanb'].map(stateOf)).toEqual(before);

    const again = await project.run('rollback', run);
    expect([again.code, again.stdout]).toEqual([
      4,
      expect.stringContaining(`taken back already, by the run ${back.run}`),
    ]);

    ok(await project.run('rollback', back.run ?? ''));
    expect(['lana', 'lanb'].map(stateOf)).toEqual(after);
    const { stdout } = await project.run('history');
    expect(stdout).toMatch(new RegExp(`^${run} .* confirmed$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${back.run} .*\\(rollback ${run}\\) .* rolled back$`, 'm'));
    expect((await project.run('check', PLAYBOOK, '--lab')).code).toBe(0);
  });

  test('does not go back over a later run that changed the same files, which it names', {
    timeout: 120_000,
  }, async () => {
    newKey('key_two');
    const first = await apply();
    newKey('key_three');
    const second = await apply();
    const refused = await project.run('rollback', first);
    expect(refused.code).toBe(4);
    expect(refused.stdout).toContain(`to be taken back first: ipsec-play rollback ${second}`);
    expect(keys()).toEqual(['key_three', 'key_three']);
    ok(await project.run('rollback', second));
    ok(await project.run('rollback', first));
    expect(keys()).toEqual(['key_one', 'key_one']);
  });

  test('goes back on neither end where somebody changed a file of one', { timeout: 120_000 }, async () => {
    newKey('key_four');
    const run = await apply();
    writeFileSync(keysFile('lanb'), 'IKE_PSK=by_hand\n');
    const { code, stdout } = await project.run('rollback', run);
    expect(code).toBe(4);
    expect(stdout).toMatch(/changed since the run .*keys-ipsec1 \(somebody else has changed it\)/);
    expect(stdout).toContain('not changed, because lanb cannot be');
    expect(keys()).toEqual(['key_four', 'by_hand']);
    writeFileSync(keysFile('lanb'), 'IKE_PSK=key_four\n');
  });

  test('goes back though ifup has put the lines of a file in another order since, as it does at each boot', {
    timeout: 120_000,
  }, async () => {
    const psk = join(root('lana'), 'etc/racoon/psk.txt');
    const reverse = () => {
      const lines = readFileSync(psk, 'utf8').trimEnd().split('\n');
      expect(lines.length).toBeGreaterThan(1);
      writeFileSync(psk, `${lines.reverse().join('\n')}\n`);
    };
    writeFileSync(psk, `192.0.2.9 somebody_elses\n${readFileSync(psk, 'utf8')}`);
    newKey('key_of_order');
    const run = await apply();
    reverse();
    ok(await project.run('rollback', run));
    expect(keys()).toEqual(['key_four', 'key_four']);
    expect(readFileSync(psk, 'utf8')).toMatch(/^192\.0\.2\.9 somebody_elses$/m);

    newKey('key_reordered');
    const other = await apply();
    reverse();
    writeFileSync(psk, `192.0.2.10 a_third\n${readFileSync(psk, 'utf8')}`);
    const { code, stdout } = await project.run('rollback', other);
    expect([code, stdout]).toEqual([4, expect.stringMatching(/changed since the run .*psk\.txt/)]);
    expect(keys()).toEqual(['key_reordered', 'key_reordered']);
  });

  test('of which one end fails on the way back stays as it was on both', { timeout: 120_000 }, async () => {
    newKey('key_five');
    const run = await apply();
    const after = ['lana', 'lanb'].map(stateOf);
    // The way back of one end ends with an error, after it has put the files back.
    const script = join(root('lana'), 'var/lib/ipsec-play/runs', run, 'restore.sh');
    writeFileSync(script, readFileSync(script, 'utf8').replace('  back) ip_before;', '  back) ip_bad=1; ip_before;'));
    const { code, stdout } = await project.run('rollback', run);
    expect(code).toBe(4);
    expect(stdout).toContain('lana failed');
    expect(stdout).toContain('the old state was put back, and is proven by reading the host again');
    expect(keys()).toEqual(['key_five', 'key_five']);
    expect(['lana', 'lanb'].map(stateOf)).toEqual(after);
    expect(existsSync(join(root('lanb'), 'var/lib/ipsec-play/runs', run, 'rolled-back'))).toBe(false);
  });

  test('whose backups are gone is said to have nothing to go back to', async () => {
    const { code, stdout } = await project.run('rollback', '20200101-000000-abcd', '--lab');
    expect([code, stdout]).toEqual([4, expect.stringContaining('there is nothing of the run')]);
  });

  test('can be taken back from another place, which has no record of it', { timeout: 120_000 }, async () => {
    newKey('key_six');
    const run = await apply();
    const { rmSync } = await import('node:fs');
    rmSync(join(project.path, '.ipsec-play/runs'), { recursive: true });
    const { code, stderr, stdout } = await project.run('rollback', run, '--lab');
    expect(code, stdout).toBe(0);
    expect(stderr).toContain('there is no record of the run');
    expect(keys()).toEqual(['key_five', 'key_five']);
  });
});
