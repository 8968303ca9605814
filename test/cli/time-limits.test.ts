import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { longTime, sleepers, wakeSleepers } from '../support/sleepers.ts';

/** Commands that really hang, on this machine itself and on a host of the lab: what runs is looked for in /proc. */
let project: Project;
let folder: string;

beforeAll(() => {
  project = shippedProject();
  // Another user writes here.
  folder = mkdtempSync(join(tmpdir(), 'time-limits-'));
  chmodSync(folder, 0o777);
  project.write('here.yml', 'all: { hosts: { here: { ansible_connection: local } } }\n');
});
afterAll(() => {
  wakeSleepers();
  project.remove();
  rmSync(folder, { recursive: true, force: true });
});

async function run(...argv: string[]): Promise<RunDocument & { code: number }> {
  const { code, stdout, stderr } = await project.run('apply', 'playbooks/hang.yml', '-o', 'json', ...argv);
  expect(stderr).toBe('');
  return { ...JSON.parse(stdout), code };
}

function hangs(hosts: string, time: string, timeout = ''): void {
  project.write(
    'playbooks/hang.yml',
    `- hosts: ${hosts}
  tasks:
    - { name: quick, command: ":" }
    - name: hangs
      command: "sleep ${time} & sh -c 'sleep ${time}; :'; touch ${folder}/after-it"
${timeout}
    - { name: next, command: "touch ${folder}/next" }
`,
  );
}

const BACK = 'On this host the old state was put back, and is proven by reading the host again';
const ended = (seconds: number) => `it did not end within ${seconds} s; it was ended, and may be half done`;

describe.each([
  ['as the user who runs it', []],
  ...(needs('root', 'sudo') ? [['as another user, through sudo', ['-b', '-e', 'ansible_become_user=nobody']]] : []),
] as [string, string[]][])('on this machine, %s', (_, become) => {
  test('a command that hangs is ended after --command-timeout, with all that it started', async () => {
    const time = longTime();
    hangs('here', time);
    const document = await run('-i', 'here.yml', '--command-timeout', '2', ...become);
    expect(document.code).toBe(4);
    expect(document.hosts.here).toMatchObject({
      status: 'failed',
      error: { code: 'command-timeout', message: `hangs: ${ended(2)}. ${BACK}` },
    });
    expect(document.hosts.here?.tasks.map(({ status }) => status)).toEqual(['skipped', 'failed', 'skipped']);
    expect(document.hosts.here?.tasks[0]?.error?.code).toBe('put-back');
    expect(document.hosts.here?.tasks[1]?.ms).toBeGreaterThan(1900);
    expect(document.recap.here).toMatchObject({ failed: 1, skipped: 2 });
    expect(sleepers(time)).toEqual([]);
    expect([existsSync(join(folder, 'after-it')), existsSync(join(folder, 'next'))]).toEqual([false, false]);
  });
});

test('timeout of the task goes before it', async () => {
  const time = longTime();
  hangs('here', time, '      timeout: 1');
  const document = await run('-i', 'here.yml', '--command-timeout', '500');
  expect(document.hosts.here?.tasks[1]?.error?.message).toBe(ended(1));
  expect(sleepers(time)).toEqual([]);
});

test('--total-timeout lets the running task end, and begins nothing after it', async () => {
  project.write(
    'playbooks/hang.yml',
    `- hosts: here
  tasks:
    - { name: slow, command: "sleep 3; touch ${folder}/slow" }
    - { name: next, command: "touch ${folder}/next" }
`,
  );
  const document = await project.run('apply', 'playbooks/hang.yml', '-i', 'here.yml', '--total-timeout', '2');
  expect(document.code).toBe(4);
  expect(document.stderr).toBe(
    'stopping, the 2 s of --total-timeout are over: running tasks end, nothing new begins\n[here] putting the old state back: it was stopped\n',
  );
  expect(document.stdout).toContain(`the 2 s of --total-timeout are over: stopped before its end. ${BACK}`);
  expect(document.stdout).toContain('Out of time (--total-timeout). 1 host failed.');
  expect([existsSync(join(folder, 'slow')), existsSync(join(folder, 'next'))]).toEqual([true, false]);
});

const isolates = spawnSync('unshare', ['-r', '-m', '-p', '-i', '-n', '-u', '-f', 'true']).status === 0;

test.skipIf(!isolates)(
  'on a host of the lab, over SSH; there it is the first process of a namespace, which heeds no TERM',
  async () => {
    const time = longTime();
    project.write('playbooks/hang.yml', `- hosts: pinky\n  tasks: [{ name: hangs, command: "exec  sleep ${time}" }]\n`);
    const document = await run('--lab', '--command-timeout', '3');
    expect(document.hosts.pinky?.error).toEqual({ code: 'command-timeout', message: `hangs: ${ended(3)}. ${BACK}` });
    expect(sleepers(time)).toEqual([]);
  },
  30_000,
);
