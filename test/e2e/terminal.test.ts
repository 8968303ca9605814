import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Fleet, startFleet } from '../support/fleet.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import type { Running } from '../support/fleet-process.ts';
import { type Workspace, workspace } from '../support/fleet-workspace.ts';
import { until } from '../support/until.ts';

describe.skipIf(!canRunFleet('script'))('apply at a terminal', () => {
  let fleet: Fleet;
  let site: Workspace;
  /** script(1) gives it a terminal for stdin, stdout and stderr. */
  const apply = (...more: string[]): Running => {
    const words = [process.execPath, `${fleet.dir}/dist/cli.js`, 'apply', 'play.yml', '-i', 'hosts.yml', ...more].join(
      ' ',
    );
    return fleet.controlSpawn(['script', '-qefc', words, '/dev/null'], { cwd: site.dir, input: { open: true } });
  };
  const file = () => fleet.host('one').read('root/a-file');

  beforeAll(async () => {
    fleet = await startFleet({ hosts: [{ name: 'one', address: '198.51.100.1' }] });
    site = workspace(fleet);
    site.write('hosts.yml', 'all: { hosts: { one: { ansible_host: 198.51.100.1 } }, vars: { ansible_user: root } }\n');
    site.write(
      'play.yml',
      '- name: Work\n  hosts: all\n  tasks:\n    - name: A file\n      file: { path: /root/a-file, content: "wanted\\n" }\n    - name: Another\n      file: { path: /root/another, content: "more\\n" }\n',
    );
  });
  afterAll(() => fleet?.stop());
  beforeEach(async () => {
    await fleet.host('one').exec('rm -f /root/a-file /root/another');
  });

  test('shows the plan, asks, and goes ahead after a yes', async () => {
    const running = apply();
    await running.heard(/Apply this to 1 host.*\[y\/N\]/);
    expect(running.said().stdout).toMatch(/\+wanted/);
    expect(file()).toBeNull();
    running.write('y\n');
    const { code, stdout } = await running.ended;
    expect(code).toBe(0);
    expect(stdout).toContain('changed and proven');
    expect(file()).toBe('wanted\n');
  });

  test.each(['n\n', '\n', '\u0004', 'yikes\n'])('changes nothing after %j', async (answer) => {
    const running = apply();
    await running.heard(/\[y\/N\]/);
    running.write(answer);
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('Nothing was changed');
    expect(code).toBe(0);
    expect(file()).toBeNull();
  });

  test('ends with 130 when it is interrupted at the question', async () => {
    const running = apply();
    await running.heard(/\[y\/N\]/);
    running.write('\u0003');
    expect((await running.ended).code).toBe(130);
    expect(file()).toBeNull();
  });

  test('a second Ctrl-C leaves a terminal with a cursor', async () => {
    const { exec, read } = fleet.host('one');
    site.write(
      'slow.yml',
      '- name: Work\n  hosts: all\n  tasks:\n    - name: Slow\n      command: touch /root/begun; sleep 20\n',
    );
    const words = `stty cols 100 rows 30; ${process.execPath} ${fleet.dir}/dist/cli.js apply slow.yml -i hosts.yml --yes`;
    const running = fleet.controlSpawn(['script', '-qefc', words, '/dev/null'], {
      cwd: site.dir,
      input: { open: true },
    });
    await until(() => read('root/begun') !== null);
    running.write('\u0003');
    await running.heard(/stopping/);
    running.write('\u0003');
    const { code, stdout } = await running.ended;
    expect(code).toBe(130);
    expect(stdout).toContain('left at once');
    expect(stdout).toContain('\u001b[?25l');
    expect(stdout.lastIndexOf('\u001b[?25h')).toBeGreaterThan(stdout.lastIndexOf('\u001b[?25l'));

    // The host still is at it, and would take no other run.
    const run = read('var/lib/ipsec-play/lock/owner')?.split('\n')[0] ?? '';
    expect((await site.run(['rollback', run, '-i', 'hosts.yml'])).code).toBe(0);
    expect(read('var/lib/ipsec-play/lock/owner')).toBeNull();
    await exec('rm /root/begun');
  });

  test('does nothing to a host that changed since its plan was shown', async () => {
    const running = apply();
    await running.heard(/\[y\/N\]/);
    await fleet.host('one').exec('echo somebody was here > /root/a-file');
    running.write('y\n');
    const { code, stdout } = await running.ended;
    expect(stdout).toContain('changed after its plan was shown');
    expect(code).toBe(4);
    expect(file()).toBe('somebody was here\n');
    expect(fleet.host('one').read('root/another')).toBeNull();
  });

  test('asks nothing with --yes, nor where nothing is to be done', async () => {
    const first = await apply('--yes').ended;
    expect([first.code, /\[y\/N\]/.test(first.stdout)]).toEqual([0, false]);
    expect(file()).toBe('wanted\n');
    const second = await apply().ended;
    expect([second.code, /\[y\/N\]/.test(second.stdout)]).toEqual([0, false]);
  });

  test('goes on where stdout cannot be written, and says so in the end', async () => {
    const words = `${process.execPath} ${fleet.dir}/dist/cli.js apply play.yml -i hosts.yml --yes > /dev/full`;
    const { code, stderr } = await fleet.controlSpawn(['sh', '-c', words], { cwd: site.dir }).ended;
    expect(file()).toBe('wanted\n');
    expect(fleet.host('one').read('root/another')).toBe('more\n');
    expect(fleet.host('one').read('var/lib/ipsec-play/lock/owner')).toBeNull();
    expect(stderr).toMatch(/^ipsec-play: stdout could not be written, and is not whole: ENOSPC.*\n$/);
    expect(code).toBe(3);
  });
});
