import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { sealVault } from '../support/seal-vault.ts';

/** Parts of a run, each as a machine of its own would make it, and what they come to together. */
let project: Project;
const SITE = 'playbooks/site.yml';
const TUNNELS = ['lana-lanb', 'pinky-ijin', 'store-a-store-b', 'workstations'];
const HOSTS = ['ijin', 'lana', 'lanb', 'pinky', 'store-a', 'store-b', 'workstation-a', 'workstation-b'];
beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());

/** Runs all shards and keeps what each has printed, as jobs do. */
async function inShards(count: number, name: string, ...argv: string[]) {
  const ran = [];
  for (let index = 1; index <= count; index++) {
    const file = `${name}-${index}.json`;
    const one = await project.run(...argv, '--lab', '-o', 'json', '--shard', `${index}/${count}`);
    project.write(file, one.stdout);
    ran.push({ ...one, file });
  }
  return ran;
}

const stable = ({ hosts, recap, exitCode }: RunDocument) =>
  JSON.parse(
    JSON.stringify({ hosts, recap, exitCode })
      .replaceAll(/"ms":[\d.]+/g, '"ms":0')
      .replaceAll(/fp:\w+/g, 'fp'),
  );

describe('check, apply, and what looks on', () => {
  test('the shards of a check, merged, are the check; they say what is theirs', async () => {
    const ran = await inShards(3, 'check', 'check', SITE);
    expect(ran.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(ran.map(({ stderr }) => stderr)).toEqual([
      'shard 1/3: 4 of 8 hosts, 4 of 8 tunnel ends\n',
      'shard 2/3: 2 of 8 hosts, 2 of 8 tunnel ends\n',
      'shard 3/3: 2 of 8 hosts, 2 of 8 tunnel ends\n',
    ]);
    const merged = await project.run('report', 'merge', ...ran.map(({ file }) => file), '-o', 'json');
    expect(merged.code).toBe(2);
    const whole = await project.run('check', SITE, '--lab', '-o', 'json');
    const document = JSON.parse(merged.stdout) as RunDocument;
    expect(checkValue(runSchema, document)).toEqual([]);
    expect(stable(document)).toEqual(stable(JSON.parse(whole.stdout)));
  }, 60_000);

  test('all shards applied are the whole applied; each run can be taken back by its own name', async () => {
    const ran = await inShards(2, 'apply', 'apply', SITE);
    expect(ran.map(({ code, stderr }) => [code, stderr.split(':')[0]])).toEqual([
      [0, 'shard 1/2'],
      [0, 'shard 2/2'],
    ]);
    const merged = await project.run('report', 'merge', ...ran.map(({ file }) => file), '-o', 'json');
    const { merged: parts } = JSON.parse(merged.stdout) as RunDocument;
    const runs = (parts?.shards ?? []).map(({ run }) => run ?? '');
    expect(new Set(runs).size).toBe(2);
    const shown = await project.run('show', runs[1] ?? '');
    expect(shown.stdout).toContain('--shard 2/2');
  }, 60_000);

  test.each([
    ['drift', ['drift', SITE], 0, [[], []]],
    ['status', ['status'], 0, [TUNNELS, HOSTS]],
    ['reload', ['reload', 'lan*', 'work*', '--check'], 2, [['lana-lanb', 'workstations'], []]],
  ])(
    '%s: the shards, merged, are the whole',
    async (name, argv, code, names) => {
      const ran = await inShards(2, name, ...argv);
      const files = ran.map(({ file }) => file);
      const merged = await project.run('report', 'merge', ...files, '-o', 'json');
      expect([merged.code, merged.stderr]).toEqual([code, '']);
      const { tunnels = [], hosts = {} } = JSON.parse(merged.stdout);
      const named = [Array.isArray(tunnels) ? tunnels : Object.keys(tunnels), Object.keys(hosts)];
      expect(named.map((each) => each.toSorted())).toEqual(names);
      const text = await project.run('report', 'merge', ...files);
      expect(text.code).toBe(code);
      expect(text.stdout).toMatch(/^1\/2 +\d +.*1.json\n2\/2 +\d +.*2.json$/m);
    },
    60_000,
  );

  test('a plan has its shard, which apply --plan keeps to', async () => {
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'an0ther_l0ng_Key');
    const hosts = JSON.parse((await project.run('tasks', SITE, '--shard', '1/2', '-o', 'json')).stdout).plays.flatMap(
      (play: { hosts: { host: string }[] }) => play.hosts.map(({ host }) => host),
    );
    await project.run('plan', SITE, '--lab', '--shard', '1/2', '--out', 'p.json');
    expect(Object.keys(JSON.parse(project.read('p.json')).hosts).sort()).toEqual(hosts.sort());
    const other = await project.run('apply', '--plan', 'p.json', '--lab', '--shard', '2/2');
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining('the plan was made with another --shard')]);
    const applied = await project.run('apply', '--plan', 'p.json', '--lab', '-o', 'json');
    const document = JSON.parse(applied.stdout) as RunDocument;
    expect([applied.code, document.shard?.index]).toEqual([0, 1]);
    expect(Object.keys(document.hosts).sort()).toEqual(hosts);
  }, 60_000);
});

test('shards of two commits are joined, and told of', async () => {
  const ran = await inShards(3, 'commits', 'check', SITE);
  const [before, after] = ['0123456789abcdef0123456789abcdef01234567', 'fedcba9876543210fedcba9876543210fedcba98'];
  const merge = async (...commits: (string | null | undefined)[]) => {
    for (const [at, { file, stdout }] of ran.entries())
      project.write(file, stdout.replace('"commit": null', `"commit": ${JSON.stringify(commits[at])}`));
    const { code, stderr } = await project.run('report', 'merge', ...ran.map(({ file }) => file));
    return [code, stderr];
  };
  const code = ran[0]?.code;
  expect(await merge(before, before, before)).toEqual([code, '']);
  expect(await merge(before, null, before)).toEqual([code, '']);
  expect(await merge(before, after, before)).toEqual([
    code,
    'the shards are not of one commit of the inventory, so keys and variables may differ: 1/3, 3/3 of 0123456789ab, 2/3 of fedcba987654\n',
  ]);
}, 60_000);

describe('a shard', () => {
  test('without hosts has nothing to do, says so, and reports', async () => {
    const ran = await inShards(20, 'many', 'tasks', SITE);
    const empty = ran.findIndex(({ stderr }) => stderr.includes('no host')) + 1;
    const idle = await project.run('check', SITE, '--lab', '-o', 'json', '--shard', `${empty}/20`);
    expect([idle.code, Object.keys(JSON.parse(idle.stdout).hosts)]).toEqual([0, []]);
    expect(idle.stderr).toBe(
      `shard ${empty}/20: no host of the 8 hosts falls to it; its tunnels and redundancy groups leave 4 sets to divide\n` +
        `shard ${empty}/20: none of its hosts is to be worked on: there is nothing to do here\n`,
    );
    for (const command of [['apply', SITE], ['verify'], ['status'], ['drift', SITE], ['up', 'lana-lanb']])
      expect([command, (await project.run(...command, '--lab', '--shard', `${empty}/20`)).code]).toEqual([command, 0]);
  }, 60_000);

  test('has no hosts of --limit: the same', async () => {
    const codes = [];
    for (const index of [1, 2, 3]) {
      const ran = await project.run('tasks', SITE, '--limit', 'lana', '--shard', `${index}/3`);
      codes.push([ran.code, ran.stderr.includes('lanb is the other end'), ran.stderr.includes('nothing to do')]);
    }
    expect(codes.sort()).toEqual([
      [0, false, true],
      [0, false, true],
      [0, true, false],
    ]);
    expect((await project.run('tasks', SITE, '--limit', 'nobody', '--shard', '1/3')).code).toBe(3);
  });

  test('that cannot be divided says so', async () => {
    const ran = await project.run('inventory', 'list', '--shard', '1/1');
    expect(ran.stderr).toBe('shard 1/1: 8 of 8 hosts, 8 of 8 tunnel ends\n');
    project.edit('inventory/hosts.yml', '  vars:\n', '  vars:\n    redundancy_group: all-of-them\n');
    const parts = [];
    for (const index of [1, 2]) parts.push(await project.run('inventory', 'list', '--shard', `${index}/2`));
    project.edit('inventory/hosts.yml', '    redundancy_group: all-of-them\n', '');
    expect(parts.map(({ stderr }) => stderr).sort()).toEqual([
      expect.stringMatching(/^shard \d\/2: 8 of 8 hosts, .*\n.*stay together, because tunnels or redundancy groups/),
      expect.stringMatching(/^shard \d\/2: no host of the 8 hosts falls to it; .* leave 1 set to divide\n$/),
    ]);
  });

  test('counts --max-down with the others, says that serial does not, and waits for no canary elsewhere', async () => {
    project.write(
      'playbooks/serial.yml',
      '- hosts: all\n  become: true\n  serial: 2\n  tasks:\n    - ipsec_tunnels: {}\n',
    );
    const ran = await project.run('check', 'playbooks/serial.yml', '--lab', '--shard', '1/2', '--max-down', '3');
    expect(ran.stderr).toContain('shard 1/2: --max-down 3 is for all shards together, 2 of it for this one\n');
    expect(ran.stderr).toContain(
      'serial counts the hosts of each shard: while all 2 shards run, up to 2 times as many',
    );
    const codes = [];
    for (const index of [1, 2]) {
      const { code, stderr } = await project.run('check', SITE, '--lab', '--shard', `${index}/2`, '--canary=lana');
      codes.push([code, /--canary lana: no play runs on it in shard \d\/2/.test(stderr)]);
    }
    expect(codes.sort()).toEqual([
      [0, false],
      [3, true],
    ]);
  }, 60_000);

  test('opens no keys of the others', async () => {
    const sealed = sealVault('an0ther_l0ng_Key', 'nobody knows').trimEnd().split('\n');
    const text = sealed.map((line) => `        ${line}\n`).join('');
    project.edit('inventory/tunnels.yml', 'psk: an0ther_l0ng_Key', `psk: !vault |\n${text}`);
    const codes = [];
    for (const index of [1, 2, 3])
      codes.push((await project.run('check', SITE, '--lab', '--shard', `${index}/3`)).code);
    expect(codes.sort()).toEqual([0, 0, 3]);
  }, 60_000);

  test('is refused where it means nothing', async () => {
    for (const wrong of ['0/3', '4/3', 'a/b', '1/0']) {
      const ran = await project.run('check', SITE, '--lab', '--shard', wrong);
      expect([ran.code, ran.stderr]).toEqual([
        3,
        expect.stringContaining('It must be I/N, part I of N parts, I from 1 on'),
      ]);
    }
    for (const command of [['prune'], ['rotate', 'lana-lanb'], ['rollback', '20261122-101530-3fa9'], ['keygen']])
      expect([command, (await project.run(...command, '--lab', '--shard', '1/2')).code]).toEqual([command, 3]);
  });
});

test('a job that was killed leaves an empty report: the others are joined, and the whole is not well', async () => {
  project.write('check-2.json', '');
  const files = ['check-1.json', 'check-2.json', 'check-3.json'];
  const ran = await project.run('report', 'merge', ...files);
  expect(ran.code).toBe(5);
  expect(ran.stderr).toContain('check-2.json is empty');
  expect(ran.stderr).toContain('shard 2/3: no report');
  expect(ran.stdout).toMatch(/^2\/3 +none +no report$/m);
  expect(ran.stdout).toMatch(/nothing is known of shard 2\/3\.\n$/);
  expect(readdirSync(project.path)).toContain('check-1.json');
  expect(readFileSync(join(project.path, 'check-1.json'), 'utf8')).not.toMatch(/r3dh4tl1nux/);
});
