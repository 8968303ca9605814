import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { targetOf } from '../../src/inventory/connection.ts';
import { splitShellWords } from '../../src/inventory/shell-words.ts';
import { readSshArguments } from '../../src/inventory/ssh-arguments.ts';
import { Secret } from '../../src/model/secret.ts';
import { needs } from '../support/needs.ts';

const span = (file: string) => ({ file, line: 1, column: 1, endLine: 1, endColumn: 2 });
const read = (vars: Record<string, unknown>) => targetOf({ name: 'lana', groups: ['all'], vars }, vars, {}, span);

describe('words', () => {
  test.each([
    ['', []],
    ['-J bastion', ['-J', 'bastion']],
    ['-Jbastion -p2222 -46', ['-J', 'bastion', '-p', '2222', '-4', '-6']],
    [
      `-o ProxyJump=a,b -o 'ProxyCommand=ssh -W "%h:%p" a'`,
      ['-o', 'ProxyJump=a,b', '-o', 'ProxyCommand=ssh -W "%h:%p" a'],
    ],
    ['-oUser=me -o "Port 22"', ['-o', 'User=me', '-o', 'Port 22']],
    ['-C -qAaxTkKv -J x', ['-J', 'x']],
    ['-vvvJ x', ['-J', 'x']],
    [
      '-b 10.0.0.1 -c aes128-cbc -m hmac-sha1',
      ['-o', 'BindAddress=10.0.0.1', '-o', 'Ciphers=aes128-cbc', '-o', 'MACs=hmac-sha1'],
    ],
    ['-S none -F ~/.ssh/other -i ~/k -l me', ['-F', '~/.ssh/other', '-i', '~/k', '-l', 'me']],
    ['-C -o ControlMaster=auto -o ControlPersist=60s', ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=60s']],
  ])('%s', (text, words) => {
    expect(readSshArguments(text)).toEqual({ words });
  });

  test.each([
    ['-o', '-o ProxyJump=bastion.example.com'],
    ['-J', '-J bastion.example.com'],
    ['-J ""', '-J bastion.example.com'],
    ['-o ProxyJump', '-o ProxyJump=bastion.example.com'],
    ['-o =x', '-o ProxyJump=bastion.example.com'],
    ['-p ssh', '-p 2222'],
    ['-p 0', '-p 2222'],
    ['-p 65536', '-p 2222'],
    ["-o 'ProxyJump=x", 'close it'],
    ['-o a\\', 'close it'],
    ['-W host:22', '-J bastion'],
    ['-L 1:h:2', '-J bastion'],
    ['--jump x', '-J bastion'],
    ['bastion', '-J bastion'],
    ['- x', '-J bastion'],
    ['-J a\n-J b', '-J bastion'],
    ['-J a\0', '-J bastion'],
  ])('%j is refused', (text, fix) => {
    expect(readSshArguments(text)).toMatchObject({ wrong: expect.any(String), fix: expect.stringContaining(fix) });
  });

  test('are split as a shell would', () => {
    expect(splitShellWords(`a "b c" 'd e' f\\ g "h\\"i" 'j\\' "" k'l'"m" "n\\o"`)).toEqual([
      'a',
      'b c',
      'd e',
      'f g',
      'h"i',
      'j\\',
      '',
      'klm',
      'n\\o',
    ]);
  });

  test.runIf(needs('python3'))('are split as Ansible splits them', () => {
    const texts = fc.sample(
      fc.string({ unit: fc.constantFrom('a', ' ', '"', "'", '\\', '-', '=', '\t'), maxLength: 12 }),
      500,
    );
    const program = `
import json, shlex, sys
def split(text):
    try: return shlex.split(text)
    except ValueError: return None
print(json.dumps([split(text) for text in json.load(sys.stdin)]))`;
    const theirs = JSON.parse(
      execFileSync('python3', ['-c', program], { input: JSON.stringify(texts), encoding: 'utf8' }),
    );
    expect(texts.map((text) => [text, splitShellWords(text)])).toEqual(texts.map((text, at) => [text, theirs[at]]));
  });
});

describe('of a host', () => {
  test('in the order in which Ansible gives them to ssh, each with its variable', () => {
    const { target, argumentVariables, diagnostics } = read({
      ansible_ssh_extra_args: '-p 3',
      ansible_ssh_common_args: '-J {{ bastion }}',
      ansible_ssh_args: '-C -4',
      bastion: 'b.example',
    });
    expect(diagnostics).toEqual([]);
    expect(target?.sshArguments).toEqual(['-4', '-J', 'b.example', '-p', '3']);
    expect(argumentVariables).toEqual([
      'ansible_ssh_args',
      'ansible_ssh_common_args',
      'ansible_ssh_common_args',
      'ansible_ssh_extra_args',
      'ansible_ssh_extra_args',
    ]);
  });

  test('that cannot be used are shown with what to write', () => {
    const { target, diagnostics } = read({ ansible_ssh_common_args: '-W bastion' });
    expect(target).toBeNull();
    expect(diagnostics).toMatchObject([
      { code: 'bad-connection', found: '-W bastion', span: span('ansible_ssh_common_args') },
    ]);
    expect(diagnostics[0]?.message).toBe(
      'host lana: ansible_ssh_common_args has -W, which does not say how the host is reached',
    );
  });

  test('are no place for a secret: ssh -G gets them as arguments', () => {
    const { target, diagnostics } = read({ ansible_ssh_common_args: new Secret('-J canary') });
    expect(target).toBeNull();
    expect(JSON.stringify(diagnostics)).not.toContain('canary');
  });

  test.each(['ansible_host_key_checking', 'ansible_ssh_host_key_checking'])(
    '%s: false believes new hosts, and says so',
    (name) => {
      const { target, diagnostics, argumentVariables } = read({
        [name]: 'no',
        ansible_ssh_args: '-o StrictHostKeyChecking=no',
      });
      expect(target?.sshArguments?.slice(0, 2)).toEqual(['-o', 'StrictHostKeyChecking=accept-new']);
      expect(argumentVariables.slice(0, 2)).toEqual([name, name]);
      expect(diagnostics).toMatchObject([{ severity: 'warning', code: 'connection-unchecked', span: span(name) }]);
      expect(read({ [name]: true })).toMatchObject({ target: { name: 'lana' }, diagnostics: [] });
      expect(read({ [name]: true }).target).not.toHaveProperty('sshArguments');
    },
  );

  test('retries', () => {
    expect(read({ ansible_ssh_retries: '3' }).target?.retries).toBe(3);
    expect(read({ ansible_retries: 0 }).target?.retries).toBe(0);
    expect(read({ ansible_ssh_retries: -1 })).toMatchObject({
      target: null,
      diagnostics: [{ code: 'bad-connection' }],
    });
  });

  test('which variable said what; the command line says none', () => {
    const vars = { ansible_ssh_host: '10.0.0.1', ansible_port: 22, ansible_ssh_user: 'x', ansible_become: true };
    const { variables } = targetOf({ name: 'lana', groups: ['all'], vars }, vars, { user: 'me' }, span);
    expect([...variables]).toEqual([
      ['address', 'ansible_ssh_host'],
      ['port', 'ansible_port'],
      ['become', 'ansible_become'],
    ]);
  });
});
