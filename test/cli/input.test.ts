import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject } from '../support/cli.ts';

let project: Project;

beforeEach(() => {
  project = shippedProject();
});
afterEach(() => project.remove());

describe('bad input: everything at once, exit 3, no host touched', () => {
  test('mistakes in the inventory, the tunnels, a playbook and the ways to hosts', async () => {
    project.edit('inventory/hosts.yml', 'pinky: { ansible_host: 198.51.100.1 }', 'pinky: { ansible_port: 99999 }');
    project.edit('inventory/tunnels.yml', 'psk: foobarbaz', "psk: ''");
    project.edit('inventory/tunnels.yml', '192.168.2.0/24', '192.168.2.1/24');
    project.edit('playbooks/site.yml', 'become: true', 'becom: true');
    for (const argv of [['check', '--lab'], ['apply', '--lab', '-y'], ['validate']]) {
      const { code, stdout, stderr } = await project.run(...argv, 'playbooks/site.yml');
      expect(code).toBe(3);
      expect(stdout).toBe('');
      expect(stderr.match(/^\S+:\d+:\d+: error\[[a-z-]+\]/gm)).toEqual([
        'inventory/hosts.yml:6:32: error[bad-connection]',
        'inventory/tunnels.yml:23:12: error[secret-empty]',
        'inventory/tunnels.yml:31:64: error[network-host-bits]',
        'playbooks/site.yml:5:3: error[play-unknown-key]',
      ]);
    }
    expect(existsSync(join(project.path, '.ipsec-play'))).toBe(false);
  });

  test('without a playbook, the ways to the ends of tunnels', async () => {
    project.edit('inventory/hosts.yml', 'ansible_user: root', 'ansible_connection: winrm');
    const { code, stderr } = await project.run('validate');
    expect(code).toBe(3);
    expect(stderr).toContain('error[bad-connection]: host lana: ansible_connection');
  });

  test('hosts that cannot be read are not missed at every place that names one', async () => {
    project.edit('inventory/hosts.yml', 'workstations:', 'workstations');
    const { code, stderr } = await project.run('validate', 'playbooks/host-to-host.yml');
    expect(code).toBe(3);
    expect(stderr).toContain('error[yaml-syntax]');
    expect(stderr).not.toMatch(/end-unknown|pattern-no/);
  });

  test('a file of variables that is not there is shown where it is named', async () => {
    project.edit('playbooks/site.yml', '  become: true', '  become: true\n  vars_files: [gone.yml]');
    const { stderr } = await project.run('validate', 'playbooks/site.yml');
    expect(stderr).toContain('playbooks/site.yml:6:16: error[file-unreadable]: playbooks/gone.yml cannot be read');
  });

  test('a file that is no UTF-8', async () => {
    writeFileSync(join(project.path, 'inventory/hosts.yml'), Buffer.from('all: # caf\xe9\n', 'latin1'));
    const { code, stderr } = await project.run('validate');
    expect(code).toBe(3);
    expect(stderr).toContain('inventory/hosts.yml:1:11: error[file-encoding]: this is not UTF-8 text');
  });
});

describe('bad input, for programs', () => {
  beforeEach(() => project.edit('inventory/tunnels.yml', '192.168.2.0/24', '192.168.2.1/24'));

  test.each(['check', 'apply'])(
    '%s -o json prints the document of a run, without hosts and with what is wrong',
    async (command) => {
      const { code, stdout, stderr } = await project.run(command, 'playbooks/site.yml', '--lab', '-o', 'json');
      expect(code).toBe(3);
      const document = JSON.parse(stdout);
      expect(checkValue(runSchema, document)).toEqual([]);
      expect(document).toMatchObject({
        schema: 'ipsec-play/run/1',
        command,
        playbook: 'playbooks/site.yml',
        exitCode: 3,
        hosts: {},
        recap: {},
        diagnostics: [
          {
            severity: 'error',
            code: 'network-host-bits',
            span: { file: 'inventory/tunnels.yml', line: 31, column: 64 },
          },
        ],
      });
      expect(stderr).toContain('error[network-host-bits]');
    },
  );

  test('-o jsonl prints one line', async () => {
    const { stdout } = await project.run('check', 'playbooks/site.yml', '--lab', '-o', 'jsonl');
    expect(stdout.endsWith('}\n')).toBe(true);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'run-refused',
      exitCode: 3,
      diagnostics: [{ severity: 'error' }],
    });
  });

  test('a document holds diagnostics with their place, their fix, and what belongs to them', async () => {
    project.edit('playbooks/site.yml', 'become: true', 'becom: true');
    project.edit('inventory/tunnels.yml', '  lana-lanb:', '  lana-lanb: {}\n  lana-lanb:');
    const { stdout } = await project.run('check', 'playbooks/site.yml', '-o', 'json');
    const document = JSON.parse(stdout);
    expect(checkValue(runSchema, document)).toEqual([]);
    expect(document.diagnostics.some(({ fix }: { fix?: string }) => fix !== undefined)).toBe(true);
  });

  test('a wrong option stays on stderr', async () => {
    const { code, stdout } = await project.run('check', 'playbooks/site.yml', '-o', 'json', '--total-timeout', '0');
    expect([code, stdout]).toEqual([3, '']);
  });
});

describe('the command line', () => {
  test.each([
    [['validate', 'playbooks/site.yml', '-t', '']],
    [['validate', 'playbooks/site.yml', '--skip-tags', ',']],
    [['check', 'playbooks/site.yml', '--lab=']],
    [['check', 'playbooks/site.yml', '--lab', '--timeout', '9999999']],
    [['check', 'playbooks/site.yml', '--lab', '-f', '0']],
    [['check', 'playbooks/site.yml', '--lab', '--command-timeout', '0']],
    [['check', 'playbooks/site.yml', '--lab', '--total-timeout', '1.5']],
  ])('%j is refused', async (argv) => {
    const { code, stderr } = await project.run(...argv);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: option .* is invalid/);
  });

  test('a command that touches no host takes the options of a run', async () => {
    const options = ['--lab', '-f', '3', '-b', '--timeout', '5', '--no-diff', '-u', 'root', '-K'];
    expect((await project.run('validate', ...options, 'playbooks/site.yml')).code).toBe(0);
    expect((await project.run('tasks', ...options, 'playbooks/site.yml')).code).toBe(0);
    expect((await project.run('inventory', 'list', ...options)).code).toBe(0);
  });

  test('-e key=value takes a template whole', async () => {
    project.write('playbooks/p.yml', '- hosts: pinky\n  tasks:\n    - name: "see {{ a }}"\n      command: ls\n');
    const { stdout } = await project.run('tasks', 'playbooks/p.yml', '-e', 'a={{ b }} b=me');
    expect(stdout).toContain('see me');
  });
});
