import { describe, expect, test } from 'vitest';
import { type ConnectionOverrides, targetOf } from '../../src/inventory/connection.ts';
import { Vaulted } from '../../src/lang/yaml.ts';
import { reveal, Secret } from '../../src/model/secret.ts';

function resolve(vars: Record<string, unknown>, overrides: ConnectionOverrides = {}) {
  return targetOf({ name: 'lana', groups: ['all'], vars }, vars, overrides, (name) => ({
    file: `${name}.yml`,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 2,
  }));
}

describe('targets', () => {
  test('nothing said', () => {
    const { target, diagnostics, variables } = resolve({});
    expect(target).toEqual({ name: 'lana', connection: 'ssh', address: 'lana' });
    expect(diagnostics).toEqual([]);
    expect(variables.size).toBe(0);
  });

  test('what changes the way to a host and is not heeded is said', () => {
    const { target, diagnostics } = resolve({ ansible_ssh_executable: '/opt/ssh', ansible_become_flags: '-H' });
    expect(target).not.toBeNull();
    const ignored = { severity: 'warning', code: 'connection-ignored' };
    expect(diagnostics).toMatchObject([ignored, ignored]);
  });

  test('an old host may use old algorithms, it alone', () => {
    expect(resolve({ ipsec_ssh_profile: 'el5' }).target?.sshProfile).toBe('el5');
    expect(resolve({}).target).not.toHaveProperty('sshProfile');
  });

  test.each([
    {
      ansible_host: '{{ ip }}',
      ip: '10.0.0.1',
      ansible_port: '{{ 2200 + 22 }}',
      ansible_user: 'admin',
      ansible_password: 'hunter2',
      ansible_ssh_private_key_file: '~/.ssh/id',
    },
    {
      ansible_ssh_host: '10.0.0.1',
      ansible_ssh_port: '2222',
      ansible_ssh_user: 'admin',
      ansible_ssh_pass: 'hunter2',
      ansible_private_key_file: '~/.ssh/id',
    },
  ])('from variables and their aliases', (vars) => {
    const { target, diagnostics } = resolve(vars);
    expect(diagnostics).toEqual([]);
    expect(target).toMatchObject({ address: '10.0.0.1', port: 2222, user: 'admin', privateKeyFile: '~/.ssh/id' });
    expect(target?.password && reveal(target.password)).toBe('hunter2');
    expect(JSON.stringify(target)).not.toContain('hunter2');
  });

  test('an encrypted password without its tag is none', () => {
    for (const name of ['ansible_password', 'ansible_become_password']) {
      const { diagnostics } = resolve({ ansible_become: true, [name]: '$ANSIBLE_VAULT;1.1;AES256\n6162\n' });
      expect(diagnostics).toMatchObject([{ code: 'bad-connection', message: /encrypted/, fix: /!vault/ }]);
    }
  });

  test('become', () => {
    const vars = {
      ansible_become: 'yes',
      ansible_become_method: 'su',
      ansible_become_user: 'toor',
      ansible_become_pass: 'pw',
    };
    expect(resolve(vars).target?.become).toMatchObject({ method: 'su', user: 'toor', password: new Secret('pw') });
    expect(resolve({ ansible_become: true }).target?.become).toEqual({ method: 'sudo', user: 'root' });
    expect(resolve({ ansible_become: 'no' }).target?.become).toBeUndefined();
    expect(resolve({}, { become: true, becomePassword: new Secret('k') }).target?.become).toEqual({
      method: 'sudo',
      user: 'root',
      password: new Secret('k'),
    });
    expect(resolve({ ansible_become: true }, { become: false }).target?.become).toBeUndefined();
  });

  test('the command line goes before the inventory', () => {
    const overrides = { user: 'me', privateKeyFile: '/k', connectTimeout: 3 };
    expect(
      resolve({ ansible_user: 'x', ansible_ssh_private_key_file: 'y', ansible_ssh_timeout: 9 }, overrides).target,
    ).toMatchObject(overrides);
    expect(resolve({ ansible_ssh_timeout: '9' }).target?.connectTimeout).toBe(9);
  });

  test.each([
    ['local', 'local'],
    ['ssh', 'ssh'],
    ['smart', 'ssh'],
    ['ansible.builtin.ssh', 'ssh'],
  ])('connection %s', (written, connection) => {
    expect(resolve({ ansible_connection: written }).target?.connection).toBe(connection);
  });
});

describe('mistakes', () => {
  test.each<[string, unknown]>([
    ['ansible_port', 0],
    ['ansible_port', 70000],
    ['ansible_port', 'ssh'],
    ['ansible_port', 22.5],
    ['ansible_port', '{{ nothing }}'],
    ['ansible_host', ''],
    ['ansible_host', ['10.0.0.1']],
    ['ansible_host', '{{ loop_a }}'],
    ['ansible_user', true],
    ['ansible_password', 12345],
    ['ansible_password', new Vaulted('x')],
    ['ansible_password', ''],
    ['ansible_connection', 'winrm'],
    ['ansible_become', 'maybe'],
    ['ansible_become_method', 'doas'],
    ['ipsec_ssh_profile', 'el6'],
    ['ansible_ssh_timeout', 'soon'],
  ])('%s: %j', (name, value) => {
    const { target, diagnostics } = resolve({ [name]: value, loop_a: '{{ ansible_host }}' });
    expect(target).toBeNull();
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]).toMatchObject({ severity: 'error', span: { file: `${name}.yml` } });
    expect(diagnostics[0]?.message).toContain(`host lana: ${name}`);
  });

  test('all at once, and no password among them', () => {
    const { diagnostics } = resolve({ ansible_port: 0, ansible_connection: 'sssh', ansible_password: 12345 });
    expect(diagnostics).toHaveLength(3);
    expect(diagnostics.find(({ message }) => message.includes('connection'))?.fix).toBe('did you mean "ssh"?');
    expect(JSON.stringify(diagnostics)).not.toContain('12345');
  });
});
