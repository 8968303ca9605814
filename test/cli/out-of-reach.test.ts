import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { builtCommandLine, ipsecPlay } from '../chaos/command-line.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { type ServedLab, serveLab } from '../support/served-lab.ts';
import { until } from '../support/until.ts';

/** Commands about a run, where not all of its hosts answer or its controller was killed: both ends come to the same. */
const PLAYBOOK = 'playbooks/network-to-network.yml';
const ENDS = ['lana', 'lanb'];
let project: Project;
let cli: string;
let lab: ServedLab;
const folder = (host: string) => join(project.path, '.ipsec-play/lab', host);
const ours = (host: string) => join(folder(host), 'root/var/lib/ipsec-play');
const stateOn = (host: string, run: string) => {
  const file = join(ours(host), 'runs', run, 'state');
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : null;
};
const keys = () =>
  ENDS.map((host, index) =>
    readFileSync(join(folder(host), `root/etc/sysconfig/network-scripts/keys-ipsec${index}`), 'utf8').trim(),
  );
const both = (key: string) => [`IKE_PSK=${key}`, `IKE_PSK=${key}`];
const run = (...args: string[]) => ipsecPlay(cli, project.path, args);
const areFree = () => ENDS.every((host) => !existsSync(join(ours(host), 'lock')));

let made = 0;
/** A new key in the inventory. */
function newKey(): string {
  made += 1;
  project.edit('inventory/tunnels.yml', /psk: (r3dh4tl1nux|key_of_\d+)$/gm, `psk: key_of_${made}`);
  return `key_of_${made}`;
}

beforeAll(async () => {
  project = shippedProject();
  cli = await builtCommandLine();
  newKey();
  await apply();
  lab = await serveLab(project.path, ENDS);
}, 60_000);
afterAll(async () => {
  await lab?.stop();
  project.remove();
  rmSync(dirname(cli), { recursive: true, force: true });
});
/** Whatever the test before has left undone is done. */
beforeEach(async () => {
  for (const wire of lab.wires.values()) wire.mend();
  await apply();
}, 60_000);

async function apply(): Promise<void> {
  const { code, stdout, stderr } = await run('apply', PLAYBOOK, '--lab', '--yes').ended;
  expect(code, stdout + stderr).toBe(0);
}

describe('confirm', { timeout: 60_000 }, () => {
  async function waiting(confirmTimeout: string): Promise<string> {
    newKey();
    const args = ['--confirm', 'manual', '--confirm-timeout', confirmTimeout, '-o', 'json'];
    const { code, stdout, stderr } = await run('apply', PLAYBOOK, '--lab', '--yes', ...args).ended;
    expect(code, stdout + stderr).toBe(0);
    return (JSON.parse(stdout) as { run: string }).run;
  }

  test('with a host out of reach keeps nothing on the other, and both go back by themselves', async () => {
    const old = keys();
    const name = await waiting('6');
    lab.wires.get('lanb')?.outage(60_000);
    const broken = await run('status', '--runs', '--lab', '--limit', 'lanb').ended;
    expect([broken.code, broken.stdout]).toEqual([5, expect.stringMatching(/^No host could be asked/)]);
    const { code, stdout } = await run('confirm', name).ended;
    expect(stdout).toMatch(/^lana +waits to be confirmed$/m);
    expect(stdout).toMatch(/^lanb +not known: /m);
    expect(stdout).toMatch(/^not confirmed: lanb cannot be asked; \d s are left, then the old state comes back$/m);
    expect(code).toBe(5);
    expect(stateOn('lana', name)).toBe('awaiting');
    await until(areFree, 30);
    expect(keys()).toEqual(old);
  });

  test('with a host that falls silent before it knows of the others keeps nothing, exit 5', async () => {
    const old = keys();
    const name = await waiting('8');
    // The host stops at the sign of life, which comes before anything is decided.
    const slow = join(folder('lanb'), 'installed/mv');
    writeFileSync(
      slow,
      '#!/bin/sh\ncase $* in *lock*) ;; */session) : >"$LAB_ROOT/../stopped"; sleep 4 ;; esac\nexec /bin/mv "$@"\n',
    );
    chmodSync(slow, 0o755);
    const confirming = run('confirm', name, '--confirm-timeout', '1');
    await until(() => existsSync(join(folder('lanb'), 'stopped')));
    lab.wires.get('lanb')?.outage(60_000);
    const { code, stdout, stderr } = await confirming.ended;
    rmSync(slow);
    expect([code, stdout], stderr).toEqual([5, expect.stringContaining('not confirmed: lanb cannot be told')]);
    expect(stateOn('lana', name)).toBe('awaiting');
    await until(areFree, 40);
    expect(keys()).toEqual(old);
  });
});

test.each(['resume', 'rollback'])(
  '%s leaves an end alone when the other, out of reach, may have confirmed it',
  {
    timeout: 60_000,
  },
  async (how) => {
    const key = newKey();
    const { stdout: said } = await run('apply', PLAYBOOK, '--lab', '--yes', '--confirm', 'manual', '-o', 'json').ended;
    const name = (JSON.parse(said) as { run: string }).run;
    for (const host of ENDS) writeFileSync(join(ours(host), 'runs', name, 'state'), 'verified\n');
    execFileSync('ln', ['-s', 'keep', join(ours('lana'), 'runs', name, 'ended')]);
    await until(() => stateOn('lana', name) === 'confirmed', 30);
    lab.wires.get('lana')?.outage(60_000);
    const { code, stdout, stderr } = await run(how, name).ended;
    expect([code, stdout], stderr).toEqual([5, expect.stringContaining('perhaps kept on lana')]);
    expect(keys()).toEqual(both(key));
    lab.wires.get('lana')?.mend();
    expect((await run('resume', name).ended).code).toBe(0);
    expect([keys(), areFree()]).toEqual([both(key), true]);
  },
);

describe('resume, after the controller was killed', { timeout: 90_000 }, () => {
  test.each(['task-started', 'host-proving', 'host-finished'])('at the first %s', async (moment) => {
    const [old = ''] = keys();
    const key = newKey();
    // The other end takes its time over the confirmation, or the controller would be through before it can be killed.
    const slow = join(folder('lanb'), 'installed/mv');
    writeFileSync(slow, '#!/bin/sh\ncase $* in */left) sleep 5 ;; esac\nexec /bin/mv "$@"\n');
    if (moment === 'host-finished') chmodSync(slow, 0o755);
    else rmSync(slow);
    const running = run('apply', PLAYBOOK, '--lab', '--yes', '-o', 'jsonl');
    const events = () =>
      running
        .said()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { type: string; run?: string });
    await until(() => events().some(({ type }) => type === moment), 30);
    running.kill('SIGKILL');
    expect((await running.ended).code).toBe(137);
    rmSync(slow, { force: true });
    const [first] = events();
    expect(first?.type).toBe('run-started');

    const { code, stdout, stderr } = await run('resume', first?.run ?? '').ended;
    expect([0, 4], stdout + stderr).toContain(code);
    expect(keys()).toEqual(both(stdout.includes('the old state is back') ? old.replace('IKE_PSK=', '') : key));
    expect(areFree()).toBe(true);
    for (const host of ENDS) expect(['confirmed', null]).toContain(stateOn(host, first?.run ?? ''));

    await apply();
    expect((await run('check', PLAYBOOK, '--lab').ended).code).toBe(0);
    expect(keys()).toEqual(both(key));
  });
});
