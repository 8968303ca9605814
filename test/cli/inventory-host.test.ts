import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';

let project: Project;

beforeEach(() => {
  project = shippedProject();
  for (const folder of ['.ssh', 'fleet']) mkdirSync(join(project.path, folder));
  project.write('fleet/hosts.yml', HOSTS);
});
afterEach(() => project.remove());

const HOSTS = `all:
  vars: { ansible_user: admin, ansible_ssh_common_args: "-o 'ProxyJump=me@bastion:2200' -C" }
  hosts:
    pinky: { ansible_host: 192.0.2.1, ansible_become: true, ansible_password: canary }
    brain: { ansible_port: 2222, ansible_host_key_checking: false }
    lana:
    lanb: { ansible_connection: local }
    hub:
`;

const shown = (...argv: string[]) => project.run('inventory', 'host', ...argv, '-i', 'fleet');

/** The row of a setting, its blanks squeezed. */
function row(stdout: string, name: string): string | undefined {
  const lines = stdout.slice(stdout.indexOf('CONNECTION')).split('\n');
  return lines.find((line) => line.startsWith(`${name}  `))?.replace(/ {2,}/g, '  ');
}

test('how a host is reached, and where each part of it was said', async () => {
  project.write(
    '.ssh/config',
    'Host 192.0.2.*\n  IdentityFile ~/.ssh/gateways\n  User never\nHost bastion\n  HostName 198.51.100.1\n',
  );
  const { code, stdout, stderr } = await shown('pinky', '--timeout', '9', '--ssh-config', '~/.ssh/config');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const config = join(project.path, '.ssh/config');
  expect(row(stdout, 'address')).toBe('address  192.0.2.1  fleet/hosts.yml:4');
  expect(row(stdout, 'port')).toBe('port  22  default');
  expect(row(stdout, 'user')).toBe('user  admin  fleet/hosts.yml:2');
  expect(row(stdout, 'identity files')).toBe(`identity files  ${dirname(config)}/gateways  ${config}:2`);
  expect(row(stdout, 'proxy jump')).toBe('proxy jump  me@bastion:2200 (me@198.51.100.1:2200)  fleet/hosts.yml:2');
  expect(row(stdout, 'timeout')).toBe('timeout  9  --timeout');
  expect(row(stdout, 'become')).toBe('become  sudo to root  fleet/hosts.yml:4');
  expect(stdout).not.toContain('canary');
});

test('as JSON', async () => {
  const { code, stdout } = await shown('brain', '-o', 'json', '-u', 'typed', '-e', 'ansible_timeout=7');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).connection).toMatchObject({
    address: { value: 'brain', from: 'the name of the host' },
    port: { value: 2222, from: 'fleet/hosts.yml:5' },
    user: { value: 'typed', from: '--user' },
    timeout: { value: 7, from: '--extra-vars' },
    accept_new_host_keys: { value: true, from: 'fleet/hosts.yml:5' },
  });
});

test('this machine', async () => {
  const { stdout } = await shown('lanb');
  expect(row(stdout, 'connection')).toBe('connection  local  fleet/hosts.yml:7');
  expect(row(stdout, 'address')).toBeUndefined();
});

test('a configuration that is wrong: the variables are shown, and what is wrong; exit 3', async () => {
  project.write('.ssh/config', 'Host *\n  Port 99999\n');
  const { code, stdout, stderr } = await shown('lana');
  expect(code).toBe(3);
  expect(stdout).toContain('ansible_user');
  expect(stdout).not.toContain('CONNECTION');
  expect(stderr).toMatch(/how lana is reached is not known: .*\.ssh\/config line 2: Bad port '99999'/);
  const json = await shown('lana', '-o', 'json');
  expect(json.code).toBe(3);
  expect(JSON.parse(json.stdout).connection).toBeNull();
  expect((await shown('lana', '--ssh-config', 'none')).code).toBe(0);
});

test('options of ssh that cannot be meant: exit 3, with the place', async () => {
  project.edit('fleet/hosts.yml', '-C"', '-W x"');
  const { code, stderr } = await shown('lana');
  expect(code).toBe(3);
  expect(stderr).toContain('fleet/hosts.yml:2:');
  expect(stderr).toContain('error[bad-connection]: host lana: ansible_ssh_common_args has -W');
});
