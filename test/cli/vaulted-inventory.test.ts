import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCase } from '../inventory/cases.ts';
import { type Project, type Ran, shippedProject } from '../support/cli.ts';
import { sealVault } from '../support/seal-vault.ts';

const PASSWORD = 'open sesame';

let project: Project;
beforeEach(() => {
  project = shippedProject();
  project.write('pass', `${PASSWORD}\n`);
});
afterEach(() => project.remove());

const WITH = ['--vault-password-file', 'pass'];
const inline = (text: string, indent = 8, password = PASSWORD, id?: string) =>
  [
    '!vault |',
    ...sealVault(text, password, id)
      .trimEnd()
      .split('\n')
      .map((line) => ' '.repeat(indent) + line),
  ].join('\n');

function sealFile(path: string, password = PASSWORD, id?: string): string {
  const text = project.read(path);
  project.write(path, sealVault(text, password, id));
  return text;
}

/** Every psk and key of the shipped tunnels as a `!vault` value. */
function sealKeys(): readonly string[] {
  const keys: string[] = [];
  const text = project
    .read('inventory/tunnels.yml')
    .replace(/^( *)(psk|key|authentication_key): (\S.*)$/gm, (_, pad: string, key: string, value: string) => {
      const plain = value.replace(/^(['"])(.*)\1$/, '$2');
      keys.push(plain);
      return `${pad}${key}: ${inline(plain, pad.length + 2)}`;
    });
  expect(keys.length).toBeGreaterThan(1);
  project.write('inventory/tunnels.yml', text);
  return keys;
}

const TUNNELS_AND_A_WORD = `- hosts: all
  become: true
  tasks:
    - ipsec_tunnels: { tunnels: all }
    - file: { path: /etc/word, content: "{{ word }}" }
`;

async function ok(...argv: string[]): Promise<Ran> {
  const ran = await project.run(...argv);
  expect({ argv, stderr: ran.stderr, code: ran.code }).toMatchObject({ code: 0 });
  return ran;
}

/** What the lab's hosts hold after an apply, without what differs from run to run. */
async function applied(lab: string, ...more: string[]): Promise<string> {
  await ok('apply', 'playbooks/site.yml', `--lab=${lab}`, ...more);
  return ['pinky', 'ijin', 'lana', 'lanb']
    .flatMap((host) =>
      [
        'etc/racoon/psk.txt',
        'etc/sysconfig/network-scripts/keys-ipsec0',
        'etc/sysconfig/network-scripts/keys-ipsec1',
      ].map((path) => [host, path]),
    )
    .map(([host, path]) => {
      try {
        return `${host} ${path}\n${project.read(`${lab}/${host}/root/${path}`)}`;
      } catch {
        return `${host} ${path} -`;
      }
    })
    .join('\n');
}

describe('an encrypted inventory does the same as the plain one', () => {
  test('with its keys encrypted one by one, and with all of its files encrypted', async () => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write('inventory/group_vars/all.yml', 'motd_word: s3same-street\nansible_user: root\n');
    const plain = await applied('lab-plain');
    expect(plain).toMatch(/IKE_PSK=/);
    sealKeys();
    expect(await applied('lab-keys', ...WITH)).toBe(plain);
    for (const path of [
      'inventory/tunnels.yml',
      'inventory/hosts.yml',
      'inventory/group_vars/all.yml',
      'playbooks/site.yml',
    ])
      sealFile(path);
    expect(await applied('lab-files', ...WITH)).toBe(plain);
  }, 120_000);

  test('with the options of racoon in an encrypted file of variables', async () => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write('inventory/group_vars/all.yml', 'racoon: { sainfo: { lifetime: 2 hour } }\n');
    const check = ['check', 'playbooks/site.yml', '--lab', '-l', 'lana'];
    const { stdout } = await project.run(...check);
    expect(stdout).toContain('lifetime time 2 hour');
    sealFile('inventory/group_vars/all.yml');
    const { stdout: sealed, stderr } = await project.run(...check, ...WITH);
    expect(stderr).not.toContain('error[');
    expect(sealed).toContain('lifetime time 2 hour');
  });

  test('in what tasks and inventory show', async () => {
    const commands = [
      ['tasks', 'playbooks/site.yml', '-o', 'json'],
      ['inventory', 'list', '-o', 'json'],
      ['inventory', 'list'],
      ['inventory', 'graph'],
    ];
    const plain = [];
    for (const argv of commands) plain.push((await ok(...argv)).stdout);
    sealFile('inventory/hosts.yml');
    sealFile('inventory/tunnels.yml');
    for (const [at, argv] of commands.entries()) expect((await ok(...argv, ...WITH)).stdout).toBe(plain[at]);
  });
});

describe('sources of the password', () => {
  test.each([
    ['a file', {}, WITH],
    ['an id', {}, ['--vault-id', 'dev@pass']],
    ['the variable', { ANSIBLE_VAULT_PASSWORD_FILE: 'pass' }, []],
    ['the list of identities', { ANSIBLE_VAULT_IDENTITY_LIST: 'x@gone, dev@pass' }, []],
    ['a question', {}, ['-J']],
    ['a question by name', {}, ['--vault-id', 'dev@prompt']],
  ])('%s', async (_, env, argv) => {
    sealKeys();
    const ask = async () => PASSWORD;
    const ran = await project.runIn({ env, ask }, 'validate', 'playbooks/site.yml', ...argv);
    expect(ran).toMatchObject({ code: 0, stdout: /^valid: / });
  });

  test('nobody is asked, and no file read, when nothing is encrypted', async () => {
    const ask = async () => expect.unreachable('asked');
    const env = { ANSIBLE_VAULT_PASSWORD_FILE: 'gone' };
    expect((await project.runIn({ env, ask }, 'validate', 'playbooks/site.yml', '-J')).code).toBe(0);
  });

  test('one password of two that is not there is a warning, the only one an error', async () => {
    sealKeys();
    expect(await project.run('validate', '--vault-id', 'x@gone', ...WITH)).toMatchObject({
      code: 0,
      stderr: /warning\[vault-password\]: .*gone is not there/,
    });
    const ran = await project.run('validate', '--vault-id', 'x@gone');
    expect(ran).toMatchObject({ code: 3, stderr: /error\[vault-password\]: .*gone is not there/ });
    expect(ran.stderr).not.toMatch(/vault-no-password/);
  });
});

describe('without a password', () => {
  test('one message tells it, with some of the places', async () => {
    const keys = Array.from(
      { length: 50 },
      (_, at) => `  t${at}:
    type: host-to-host
    ends: { pinky: { nickname: n${at}, address: 10.0.0.${at + 1} }, ijin: { nickname: n${at}, address: 10.1.0.${at + 1} } }
    keying:
      psk: ${inline(`key-${at}`)}`,
    );
    project.write('inventory/tunnels.yml', `tunnels:\n${keys.join('\n')}\n`);
    const ran = await project.run('validate');
    expect(ran.code).toBe(3);
    expect(ran.stderr.match(/error\[/g)).toHaveLength(1);
    expect(ran.stderr).toMatch(/error\[vault-no-password\].*45 more/);
    expect(ran.stderr.match(/see: /g)).toHaveLength(4);
    expect(ran.stderr).toMatch(/write: --vault-password-file FILE, or -J/);
  });

  test('lists need none: keys and variables stay closed', async () => {
    sealKeys();
    mkdirSync(join(project.path, 'inventory/host_vars'));
    project.write('inventory/host_vars/lana.yml', `token: ${inline('t', 2)}\nplain: x\nmixed: "a {{ token }}"\n`);
    await ok('tasks', 'playbooks/site.yml');
    await ok('inventory', 'graph');
    const { stdout } = await ok('inventory', 'host', 'lana');
    expect(stdout).toMatch(/^token +\[vault\]/m);
    expect(stdout).toMatch(/^mixed +\[secret\]/m);
    const listed = JSON.parse((await ok('inventory', 'list', '-o', 'json')).stdout);
    expect(listed._meta.hostvars.lana.token.__ansible_vault).toMatch(/^\$ANSIBLE_VAULT;1\.1;AES256\n/);
    // nor does a wrong one matter, as nothing is opened
    project.write('pass', 'wrong');
    await ok('inventory', 'list', ...WITH);
  });

  test('whole files of variables are left out of lists with a warning, and the hosts cannot be', async () => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write('inventory/group_vars/all.yml', sealVault('a: b\n', PASSWORD));
    expect(await ok('inventory', 'graph')).toMatchObject({ stderr: /warning\[vault-no-password\]/ });
    expect((await project.run('validate')).code).toBe(3);
    sealFile('playbooks/host-to-host.yml');
    expect((await project.run('tasks', 'playbooks/site.yml')).code).toBe(0);
    expect((await project.run('tasks', 'playbooks/host-to-host.yml')).code).toBe(3);
    sealFile('inventory/tunnels.yml');
    expect(await ok('inventory', 'list')).toMatchObject({ stderr: /1 more|see: / });
    expect((await project.run('tasks', 'playbooks/site.yml')).code).toBe(3);
    sealFile('inventory/hosts.yml');
    expect(await project.run('inventory', 'graph')).toMatchObject({
      code: 3,
      stderr: /hosts\.yml:1:1: error\[vault-no-password\]/,
    });
  });
});

describe('only what the run needs is opened', () => {
  beforeEach(() => {
    const text = project.read('inventory/tunnels.yml');
    expect(text).toMatch(/lana-lanb/);
    project.write(
      'inventory/tunnels.yml',
      `tunnels:
  lana-lanb:
    type: host-to-host
    ends: { lana: { nickname: a, address: 203.0.113.1 }, lanb: { nickname: a, address: 203.0.113.2 } }
    keying:
      psk: ${inline('lan-key')}
  pinky-ijin:
    type: host-to-host
    ends: { pinky: { nickname: b, address: 203.0.113.3 }, ijin: { nickname: b, address: 203.0.113.4 } }
    keying:
      psk: ${inline('pinky-key', 8, 'another password')}
`,
    );
  });

  test('the tunnels of the hosts that are worked on', async () => {
    const check = ['check', 'playbooks/site.yml', '--lab', ...WITH];
    expect((await project.run(...check, '--limit', 'lana')).code).toBe(2);
    expect((await project.run(...check, '--limit', 'lanb')).code).toBe(2);
    for (const limit of ['pinky', 'all', 'lana,ijin']) {
      expect(await project.run(...check, '--limit', limit)).toMatchObject({
        code: 3,
        stderr: /tunnels\.yml:.*vault-damaged|wrong/,
      });
    }
    // validate reads all, so that a wrong password is found before the night of the change
    expect((await project.run('validate', 'playbooks/site.yml', '--limit', 'lana', ...WITH)).code).toBe(3);
  });

  test('the passwords of the hosts that are worked on', async () => {
    mkdirSync(join(project.path, 'inventory/host_vars'));
    project.write('inventory/host_vars/pinky.yml', `ansible_password: ${inline('x', 2, 'another password')}\n`);
    project.write(
      'inventory/host_vars/lana.yml',
      `ansible_become_password: ${inline('y', 2)}\nansible_user: ${inline('operator', 2)}\n`,
    );
    const check = ['check', 'playbooks/site.yml', '--lab', ...WITH];
    expect((await project.run(...check, '--limit', 'lana')).code).toBe(2);
    expect(await project.run(...check, '--limit', 'pinky')).toMatchObject({
      code: 3,
      stderr: /host pinky: ansible_password/,
    });
    project.write('inventory/tunnels.yml', '');
    expect(await project.run('validate', ...WITH)).toMatchObject({ code: 3, stderr: /ansible_password/ });
  });
});

describe('how a host is reached may be encrypted', () => {
  test('it works, and what is encrypted is shown nowhere', async () => {
    mkdirSync(join(project.path, 'inventory/host_vars'));
    const user = 'us3r-c4nary';
    project.write(
      'inventory/host_vars/lana.yml',
      `secret_user: ${inline(user, 2)}\nansible_user: "{{ secret_user }}"\nansible_port: ${inline('2222', 2)}\nipsec_network: ${inline('10.1.0.0/16', 2)}\n`,
    );
    for (const password of [[], WITH]) {
      for (const argv of [
        ['inventory', 'host', 'lana'],
        ['inventory', 'host', 'lana', '-o', 'json'],
        ['inventory', 'list'],
        ['tasks', 'playbooks/site.yml'],
      ]) {
        const ran = await ok(...argv, ...password);
        expect({ argv, shown: ran.stdout.includes(user) || ran.stdout.includes('10.1.0.0') }).toEqual({
          argv,
          shown: false,
        });
      }
    }
    expect((await project.run('check', 'playbooks/site.yml', '--lab', '-l', 'lana', ...WITH)).code).toBe(2);
    expect((await project.run('check', 'playbooks/site.yml', '--lab', '-l', 'lana')).code).toBe(3);
  });
});

describe('values in playbooks', () => {
  test('are secrets in the arguments of tasks, in templates and conditions, and opened before any host is touched', async () => {
    project.write('vars.yml', sealVault('word: open-the-door\nhost_name: "{{ inventory_hostname }}-x"\n', PASSWORD));
    const playbook = `- hosts: lana
  vars:
    token: ${inline('t0ken-c4nary', 6)}
  vars_files: [../vars.yml]
  tasks:
    - file:
        path: /etc/literal
        content: ${inline('l1teral-c4nary', 10)}
    - file: { path: /etc/templated, content: "<{{ token }}|{{ token | upper }}|{{ word }}|{{ host_name }}>" }
    - file: { path: /etc/whole, content: "{{ token }}" }
      when: token == 't0ken-c4nary' and token is string and token | length == 12
    - file: { path: /etc/never, content: x }
      when: token != 't0ken-c4nary'
    - command: { cmd: cat > /tmp/stdin, stdin: "{{ token }}", creates: /tmp/stdin }
      register: done
    - file: { path: /etc/later, content: "{{ done.rc }} {{ token }}" }
`;
    project.write('playbooks/vault.yml', playbook);
    for (const format of [[], ['-o', 'json'], ['-v']]) {
      const ran = await project.run('check', 'playbooks/vault.yml', '--lab', ...WITH, ...format);
      expect(ran.code).toBe(2);
      expect(ran.stdout + ran.stderr).not.toMatch(/c4nary|open-the-door/i);
    }
    const ran = await project.run('apply', 'playbooks/vault.yml', '--lab', '-v', ...WITH);
    expect({ code: ran.code, stderr: ran.stderr }).toMatchObject({ code: 0 });
    expect(ran.stdout + ran.stderr).not.toMatch(/c4nary|open-the-door/i);
    const root = '.ipsec-play/lab/lana/root/';
    expect(project.read(`${root}etc/literal`)).toBe('l1teral-c4nary');
    expect(project.read(`${root}etc/templated`)).toBe('<t0ken-c4nary|T0KEN-C4NARY|open-the-door|lana-x>');
    expect(project.read(`${root}etc/whole`)).toBe('t0ken-c4nary');
    expect(project.read(`${root}etc/later`)).toBe('0 t0ken-c4nary');
    expect(() => project.read(`${root}etc/never`)).toThrow();
    // names need no password, and no condition is judged without one
    project.write(
      'playbooks/vault.yml',
      playbook.replace('  vars_files: [../vars.yml]\n', '').replace('|{{ word }}|{{ host_name }}', ''),
    );
    await ok('tasks', 'playbooks/vault.yml');
    expect(await project.run('check', 'playbooks/vault.yml', '--lab')).toMatchObject({
      code: 3,
      stderr: /vault-no-password/,
    });
  });

  test('what only the run will know is opened before it, too', async () => {
    project.write(
      'playbooks/late.yml',
      `- hosts: lana
  vars:
    token: ${inline('x', 6, 'another password')}
  tasks:
    - command: 'true'
      register: done
    - file: { path: /etc/later, content: "{{ done.rc }} {{ token }}" }
`,
    );
    expect(await project.run('apply', 'playbooks/late.yml', '--lab', ...WITH)).toMatchObject({
      code: 3,
      stderr: /vault-wrong-password/,
    });
  });

  test('-e @FILE may be encrypted', async () => {
    project.write('extra.yml', sealVault('ansible_user: someone\ntoken: "extr4-c4nary"\n', PASSWORD));
    const { stdout } = await ok('inventory', 'host', 'lana', '-e', '@extra.yml', ...WITH);
    expect(stdout).toMatch(/^ansible_user +someone/m);
    expect(stdout).toMatch(/^token +\[secret\]/m);
  });
});

describe('broken encrypted files show nothing of what is in them', () => {
  const CANARY = 'c4nary-Zq81';

  test.each([
    ['hosts.yml', `all:\n  hosts:\n    lana:\n      note: ${CANARY}\n   bad: ${CANARY}\n`],
    ['hosts.yml', `all:\n  hosts: [${CANARY}]\n`],
    [
      'hosts.yml',
      `all:\n  hosts:\n    lana: { ansible_port: ${CANARY} }\n    lanb: { ansible_connection: ${CANARY} }\n`,
    ],
    [
      'tunnels.yml',
      `tunnels:\n  lana-lanb:\n    type: ${CANARY}\n    ends: { lana: { address: ${CANARY} }, lanb: }\n    keying: { psk: ${CANARY} }\n`,
    ],
    ['tunnels.yml', `tunnels:\n  t: { keying: { psk: "${CANARY}\\q" } }\n`],
    ['tunnels.yml', `- ${CANARY}\n`],
    ['group_vars/all.yml', `- ${CANARY}\n`],
    ['group_vars/all.yml', `ansible_port: ${CANARY}\nipsec_ssh_profile: ${CANARY}\nx: "{{ ${CANARY}"\n`],
    ['group_vars/all.yml', `ansible_user: "{{ '${CANARY}' | nofilter }}"\nx: *${CANARY}\n`],
    ['group_vars/all.yml', `a: "${CANARY}\u0000"\n`],
  ])('%s: %j', async (name, text) => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write(`inventory/${name}`, sealVault(text, PASSWORD));
    for (const argv of [
      ['validate', 'playbooks/site.yml'],
      ['validate', '-o', 'json'],
      ['check', 'playbooks/site.yml', '--lab'],
      ['inventory', 'list'],
      ['inventory', 'list', '-o', 'json'],
      ['inventory', 'host', 'lana'],
      ['tasks', 'playbooks/site.yml'],
    ]) {
      // what says how a host is reached is shown there, encrypted or not
      if (argv[0] === 'inventory' && /ansible_/.test(text)) continue;
      const ran = await project.run(...argv, ...WITH);
      expect({ argv, shown: (ran.stdout + ran.stderr).includes(CANARY) }).toEqual({ argv, shown: false });
      if (argv[0] === 'validate') {
        expect({ argv, code: ran.code, text: ran.stdout + ran.stderr }).toMatchObject({
          code: 3,
          text: new RegExp(`${name}[":]`),
        });
      }
    }
  });

  test('a password of digits is as secret as any other; a number that is none stays one', async () => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write('inventory/group_vars/all.yml', 'db_password: 84755512\nnested: { token: 77553311 }\nports: 2\n');
    sealFile('inventory/group_vars/all.yml');
    const tasks = (argument: string) => `- hosts: lana
  become: true
  tasks:
    - command: { argv: [echo, ${argument}] }
    - file: { path: /etc/ports, content: "{{ ports + 1 }} of {{ ports }}\\n", sensitive: false }
`;
    for (const argument of ['"{{ db_password }}"', '"{{ nested.token }}"']) {
      project.write('playbooks/digits.yml', tasks(argument));
      const { stdout, stderr } = await project.run('check', 'playbooks/digits.yml', '--lab', ...WITH);
      expect(stdout + stderr).toMatch(/a secret in a command line can be seen/);
      expect(stdout + stderr).not.toMatch(/84755512|77553311/);
    }
    project.write('playbooks/digits.yml', tasks('x'));
    expect((await project.run('check', 'playbooks/digits.yml', '--lab', ...WITH)).stdout).toContain('+3 of 2');
  });

  test('places are told, lines are not', async () => {
    project.write('inventory/tunnels.yml', sealVault(`tunnels:\n  t:\n    typo: ${CANARY}\n`, PASSWORD));
    const { stderr } = await project.run('validate', ...WITH);
    expect(stderr).toMatch(
      /inventory\/tunnels\.yml:3:5: error\[unknown-key\].*\n {2}this file is encrypted: its lines are not shown/,
    );
  });
});

describe('mistakes', () => {
  const cases = join(import.meta.dirname, 'vault-faults');

  // each `.case` is an inventory, with a password or without; its `.golden` what a user gets to see
  test.each(readdirSync(cases).filter((name) => name.endsWith('.case')))('%s', async (name) => {
    const { files } = readCase(readFileSync(join(cases, name), 'utf8'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(project.path, 'faulty', dirname(path)), { recursive: true });
      project.write(`faulty/${path}`, text);
    }
    const password = files.pass === undefined ? [] : ['--vault-password-file', 'faulty/pass'];
    const { code, stderr } = await project.run('validate', '-i', 'faulty', ...password);
    expect(code).toBe(3);
    await expect(stderr).toMatchFileSnapshot(join(cases, name.replace('.case', '.golden')));
  });

  test.each([
    [
      'a wrong password',
      () => sealVault('tunnels:\n', 'no'),
      /tunnels\.yml:1:1: error\[vault-wrong-password\].*the vault password is wrong/,
    ],
    [
      'an unknown id',
      () => sealVault('tunnels:\n', 'no', 'prod'),
      /error\[vault-unknown-id\].*id prod.*given are: default/,
    ],
    [
      'a text that is cut off',
      () => sealVault('tunnels:\n', PASSWORD).slice(0, 200),
      /error\[vault-damaged\].*missing/,
    ],
    ['no header', () => '$ANSIBLE_VAULT\n3030', /error\[vault-damaged\].*no header/],
  ])('%s in place of a file', async (_, make, message) => {
    project.write('inventory/tunnels.yml', make());
    expect(await project.run('validate', ...WITH)).toMatchObject({ code: 3, stderr: message });
    expect(await project.run('check', 'playbooks/site.yml', '--lab', ...WITH)).toMatchObject({
      code: 3,
      stderr: message,
    });
  });

  test('what follows from a file or a key that does not open is not told as a mistake of its own', async () => {
    mkdirSync(join(project.path, 'inventory/group_vars'));
    project.write('inventory/group_vars/all.yml', 'word: s3same-street\n');
    project.write('playbooks/words.yml', TUNNELS_AND_A_WORD);
    sealFile('inventory/group_vars/all.yml');
    sealKeys();
    const { code, stderr } = await project.run('validate', 'playbooks/words.yml');
    expect(code).toBe(3);
    expect(stderr).toMatch(/error\[vault-no-password\]/);
    expect(stderr).not.toMatch(/no-tunnels|template-undefined/);
    // Where the file is only left out, what stands in it is missing; but then the password is what may help.
    const { stderr: listed } = await project.run('tasks', 'playbooks/words.yml');
    expect(listed).toMatch(/warning\[vault-no-password\]/);
    expect(listed).toMatch(/error\[template-undefined\][\s\S]*write: a vault password, /);

    await ok('validate', 'playbooks/words.yml', ...WITH);
    project.edit('playbooks/words.yml', '{{ word }}', '{{ wrod }}');
    expect((await project.run('validate', 'playbooks/words.yml', ...WITH)).stderr).toMatch(/did you mean "word"/);
  });

  test('an encrypted value where none can be', async () => {
    project.edit(
      'inventory/tunnels.yml',
      /address: 198.51.100.1 \}/g,
      `address: !vault "$ANSIBLE_VAULT;1.1;AES256\\n00" }`,
    );
    expect(await project.run('validate', ...WITH)).toMatchObject({ code: 3, stderr: /error\[vault-misplaced\]/ });
  });

  test('a psk that ends in a line feed, as echo makes it, is the psk; an empty one, or one with NUL, is none', async () => {
    const tunnels = (psk: string) => `tunnels:
  lana-lanb:
    type: host-to-host
    ends: { lana: { nickname: a, address: 203.0.113.1 }, lanb: { nickname: a, address: 203.0.113.2 } }
    keying:
      psk: ${inline(psk)}
`;
    project.write('inventory/tunnels.yml', tunnels('Key_Value-01-long-enough\n'));
    await ok('validate', ...WITH);
    for (const [psk, code] of [
      ['\n', 'secret-empty'],
      ['a\nb', 'psk-not-carriable'],
      ['a\0b', 'psk-not-carriable'],
    ] as const) {
      project.write('inventory/tunnels.yml', tunnels(psk));
      expect(await project.run('validate', ...WITH)).toMatchObject({
        code: 3,
        stderr: new RegExp(`error\\[${code}\\]`),
      });
    }
  });
});
