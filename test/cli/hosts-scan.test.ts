import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';
import { ESCAPES, hostileServer } from '../support/hostile-server.ts';
import { needs } from '../support/needs.ts';
import { freePort, generateKey, type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';

const FILE = 'inventory/known_hosts';

describe.skipIf(!needs('sshd', 'ssh', 'ssh-keygen'))('hosts scan', () => {
  let sshd: Sshd;
  let other: Sshd;
  let project: Project;
  beforeAll(async () => {
    [sshd, other] = await Promise.all([startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] }), startSshd()]);
    project = shippedProject();
    rmSync(join(project.path, 'inventory'), { recursive: true });
    mkdirSync(join(project.path, 'inventory'));
    mkdirSync(join(project.path, '.ssh'));
  });
  afterAll(async () => {
    project?.remove();
    await Promise.all([sshd?.stop(), other?.stop()]);
  });
  beforeEach(() => {
    for (const path of [FILE, '.ssh/known_hosts']) rmSync(join(project.path, path), { force: true });
    hosts(`gw: { ansible_host: 127.0.0.1, ansible_port: ${sshd.port} }`);
  });

  const hosts = (...entries: string[]) =>
    project.write('inventory/hosts.yml', `all:\n  hosts:\n${entries.map((entry) => `    ${entry}\n`).join('')}`);
  const scan = (...argv: string[]) => project.run('hosts', 'scan', ...argv);
  const lineOf = (server: Sshd, type: 'ed25519' | 'ecdsa' | 'rsa' = 'ed25519') => server.knownHosts(type);
  const foreign = (name = `[127.0.0.1]:${sshd.port}`) => `${name} ${other.hostKey('ed25519')}\n`;
  const fingerprintOf = (server: Sshd, type: string) =>
    execFileSync('ssh-keygen', ['-lf', join(server.dir, `host_${type}.pub`)], { encoding: 'utf8' }).split(' ')[1] ?? '';
  const present = () => existsSync(join(project.path, FILE));
  const statuses = (stdout: string) =>
    [...stdout.matchAll(/^\S.*\[127\.0\.0\.1\]:\d+ .*(?:SHA256:\S+) {2}(.*)$/gm)].map(([, status]) => status);

  test('shows new keys and writes nothing unasked', async () => {
    const { code, stdout, stderr } = await scan();
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const type of ['ed25519', 'ecdsa', 'rsa']) expect(stdout).toContain(`${fingerprintOf(sshd, type)}  new\n`);
    expect(stdout).toContain('compare them on the consoles');
    expect(stdout).toContain('Nothing was written. 3 keys can go to inventory/known_hosts: --yes writes them.');
    expect(present()).toBe(false);
  });

  test('Ctrl-C leaves at once, in a way that the ends of ProxyCommands are seen to', async () => {
    hosts(`gw: { ansible_ssh_common_args: "-o 'ProxyCommand=sleep 300'" }`);
    const left: number[] = [];
    const stays: string[] = [];
    let interrupt: (() => void) | null = null as (() => void) | null;
    const ran = project.runIn(
      {
        onInterrupt: (callback) => {
          interrupt = callback;
          return () => void stays.push('forgotten');
        },
        exitNow: ((code: number) => void left.push(code)) as never,
      },
      ...['hosts', 'scan', '--timeout', '1'],
    );
    await until(() => interrupt !== null, 5);
    interrupt?.();
    expect(left).toEqual([130]);
    expect((await ran).code).toBe(5);
    expect(stays).toEqual(['forgotten']);
  });

  test("what a host says moves nobody's cursor", async () => {
    const evil = await hostileServer();
    try {
      hosts(`gw: { ansible_host: 127.0.0.1, ansible_port: ${evil.port} }`);
      const { code, stdout, stderr } = await scan('-v');
      expect(code).toBe(5);
      for (const said of [stdout, stderr]) {
        expect(said).toContain('\\x1b]0;title\\x07');
        expect(said).not.toMatch(ESCAPES);
      }
    } finally {
      await evil.stop();
    }
  });

  test('new, then written, then known; and ssh(1) takes the file', async () => {
    expect((await scan('--yes')).stdout).toContain('Wrote 3 keys to inventory/known_hosts.');
    const text = project.read(FILE);
    expect(text.split('\n').slice(1).sort().join('\n').trim()).toBe(
      [lineOf(sshd, 'ed25519'), lineOf(sshd, 'ecdsa'), lineOf(sshd, 'rsa')].sort().join('').trim(),
    );
    expect(statSync(join(project.path, FILE)).mode & 0o777).toBe(0o644);
    const again = await scan('--yes');
    expect(again.code).toBe(0);
    expect(statuses(again.stdout)).toEqual([2, 3, 4].map((line) => `known ${FILE}:${line}`));
    expect(again.stdout).toContain('There is nothing to write');
    expect(project.read(FILE)).toBe(text);

    for (const algorithm of ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'rsa-sha2-512']) {
      const options = [
        `UserKnownHostsFile=${join(project.path, FILE)}`,
        'GlobalKnownHostsFile=/dev/null',
        'StrictHostKeyChecking=yes',
        `HostKeyAlgorithms=${algorithm}`,
        'BatchMode=yes',
        'IdentitiesOnly=yes',
      ].flatMap((option) => ['-o', option]);
      const ran = spawnSync(
        'ssh',
        ['-F', 'none', ...options, '-i', sshd.clientKey, '-p', String(sshd.port), `${sshd.user}@127.0.0.1`, 'echo in'],
        { encoding: 'utf8' },
      );
      expect(ran.stdout, ran.stderr).toBe('in\n');
    }
  });

  test('asks on a terminal, and heeds the answer', async () => {
    const questions: string[] = [];
    const answering = (answer: string | null) => ({
      interactive: true,
      ask: async (question: string) => {
        questions.push(question);
        return answer;
      },
    });
    for (const answer of ['n', '', null]) {
      expect((await project.runIn(answering(answer), 'hosts', 'scan')).stdout).toContain('Nothing was written.');
      expect(present()).toBe(false);
    }
    await project.runIn(answering('y'), 'hosts', 'scan', '-o', 'json');
    expect(present()).toBe(false);
    expect((await project.runIn(answering('y'), 'hosts', 'scan')).stdout).toContain('Wrote 3 keys');
    expect(present()).toBe(true);
    expect([...new Set(questions)]).toEqual([`Write 3 keys to ${FILE}? [y/N] `]);
  });

  test('a file that is there keeps its text, mode and lines; only what is missing is added', async () => {
    const before = `# ours\n\n${lineOf(sshd, 'rsa').trimEnd()} by hand\n# caf\xe9`;
    writeFileSync(join(project.path, FILE), Buffer.from(before, 'latin1'), { mode: 0o640 });
    expect((await scan('--yes')).code).toBe(0);
    const after = readFileSync(join(project.path, FILE), 'latin1');
    expect(after).toBe(`${before}\n${lineOf(sshd, 'ed25519')}${lineOf(sshd, 'ecdsa')}`);
    expect(statSync(join(project.path, FILE)).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(project.path, 'inventory')).sort()).toEqual(['hosts.yml', 'known_hosts']);
  });

  test('what the user knows goes to the project too', async () => {
    project.write('.ssh/known_hosts', lineOf(sshd));
    const { code, stdout } = await scan('--yes');
    expect(code).toBe(0);
    expect(statuses(stdout)).toEqual([`known ${project.path}/.ssh/known_hosts:1`, 'new', 'new']);
    expect(project.read(FILE)).toContain(lineOf(sshd));
    expect(project.read('.ssh/known_hosts')).toBe(lineOf(sshd));
  });

  test('changed: none of its keys is written, the others are', async () => {
    hosts(
      `gw: { ansible_host: 127.0.0.1, ansible_port: ${sshd.port} }`,
      `other: { ansible_host: 127.0.0.1, ansible_port: ${other.port} }`,
    );
    project.write(FILE, foreign());
    const { code, stdout } = await scan('--yes');
    expect(code).toBe(5);
    expect(stdout).toContain(`CHANGED, known is ${fingerprintOf(other, 'ed25519')} ${FILE}:1`);
    expect(stdout).toContain(`ssh-keygen -R '[127.0.0.1]:${sshd.port}' -f '${FILE}'`);
    expect(stdout).toContain('hosts scan --replace');
    expect(project.read(FILE)).toBe(`${foreign()}${lineOf(other)}`);
  });

  test('--replace puts the new keys in place of the old one, in the project alone', async () => {
    project.write(FILE, `# ours\n${foreign(`a,[127.0.0.1]:${sshd.port}`)}`);
    const unasked = await scan('--replace');
    expect(unasked.code).toBe(5);
    expect(unasked.stdout).toContain('--yes writes them');
    const { code, stdout } = await scan('--replace', '--yes');
    expect(stdout).toContain(`Wrote 3 keys in place of 1 to ${FILE}.`);
    expect(code).toBe(0);
    expect(project.read(FILE)).toBe(
      `# ours\n${foreign('a')}${lineOf(sshd, 'ed25519')}${lineOf(sshd, 'ecdsa')}${lineOf(sshd, 'rsa')}`,
    );
    expect((await scan()).code).toBe(0);
  });

  test('--replace does not go against a file of the user', async () => {
    project.write('.ssh/known_hosts', foreign());
    const { code, stdout } = await scan('--replace', '--yes');
    expect(code).toBe(5);
    expect(stdout).toContain(`ssh-keygen -R '[127.0.0.1]:${sshd.port}' -f '${project.path}/.ssh/known_hosts'`);
    expect(stdout).not.toContain('hosts scan --replace');
    expect(present()).toBe(false);
    expect(project.read('.ssh/known_hosts')).toBe(foreign());
  });

  test('revoked: nothing is written, whatever is said', async () => {
    project.write(FILE, `@revoked * ${sshd.hostKey('rsa')}\n`);
    const { code, stdout } = await scan('--replace', '--yes');
    expect(code).toBe(5);
    expect(statuses(stdout)).toEqual(['new', 'new', `REVOKED ${FILE}:1`]);
    expect(project.read(FILE)).toBe(`@revoked * ${sshd.hostKey('rsa')}\n`);
  });

  test('a host that cannot be reached says why, and the others go on', async () => {
    const port = await freePort();
    hosts(
      `gone: { ansible_host: 127.0.0.1, ansible_port: ${port} }`,
      `gw: { ansible_host: 127.0.0.1, ansible_port: ${sshd.port} }`,
      'here: { ansible_connection: local }',
    );
    const { code, stdout, stderr } = await scan('--yes', '-v');
    expect(code).toBe(5);
    expect(stdout).toMatch(new RegExp(`^gone .*127\\.0\\.0\\.1 port ${port} refuses the connection$`, 'm'));
    expect(stdout).not.toMatch(/^here/m);
    expect(stdout).toContain('Wrote 3 keys');
    expect(stderr.split('\n').sort().slice(1)).toEqual([
      `[gone] 127.0.0.1 port ${port} refuses the connection`,
      '[gw] host keys: 3',
    ]);
  });

  test('one address is scanned once; two hosts that known_hosts cannot tell apart are refused', async () => {
    const entry = (name: string, more = '') =>
      `${name}: { ansible_host: 127.0.0.1, ansible_port: ${sshd.port}${more} }`;
    hosts(entry('gw'), entry('alias'));
    const before = sshd.log().length;
    const twice = await scan();
    expect(twice.stdout).toMatch(/^gw, alias +\[127/m);
    expect(
      sshd
        .log()
        .slice(before)
        .match(/^Connection from/gm),
    ).toHaveLength(3);

    const common = ', ansible_ssh_common_args: -o HostKeyAlias=same';
    hosts(entry('gw', common), `other: { ansible_host: 127.0.0.1, ansible_port: ${other.port}${common} }`);
    const { code, stdout } = await scan('--yes');
    expect(code).toBe(5);
    expect(stdout).toContain('other is same too, and shows another key');
    expect(stdout).toContain('HostKeyAlias of its own');
    expect(present()).toBe(false);

    hosts(entry('gw', common));
    expect((await scan('--yes')).code).toBe(0);
    expect(project.read(FILE)).toContain(`same ${sshd.hostKey('ed25519')}\n`);
  });

  test('PATTERN and --limit choose', async () => {
    const entry = (name: string) => `${name}: { ansible_host: 127.0.0.1, ansible_port: ${other.port} }`;
    hosts(entry('a1'), entry('a2'), entry('b1'));
    const named = async (...argv: string[]) =>
      Object.keys(JSON.parse((await scan('-o', 'json', ...argv)).stdout).hosts);
    expect(await named('a?')).toEqual(['a1', 'a2']);
    expect(await named('a?', '--limit', '!a1')).toEqual(['a2']);
    expect(await named('--limit', 'b1')).toEqual(['b1']);
    for (const argv of [['c?'], ['a1', '--limit', 'b1'], ['--lab=x']]) expect((await scan(...argv)).code).toBe(3);
  });

  test('keys of tunnels and passwords are not needed', async () => {
    const password = '!vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        3132';
    hosts(`gw:\n      ansible_host: 127.0.0.1\n      ansible_port: ${other.port}\n      ansible_password: ${password}`);
    project.write(
      'inventory/tunnels.yml',
      'tunnels:\n  t:\n    type: host-to-host\n    ends:\n' +
        '      gw: { nickname: ipsec0, address: 198.51.100.1 }\n' +
        '      peer: { managed: false, address: 198.51.100.2 }\n' +
        '    keying: { psk: { env: IPSEC_PLAY_NOT_SET } }\n',
    );
    const { code, stdout, stderr } = await scan();
    rmSync(join(project.path, 'inventory/tunnels.yml'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('1 key can go to');
  });

  test('-o json', async () => {
    project.write(FILE, lineOf(sshd));
    const { code, stdout } = await scan('-o', 'json', '--yes');
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ schema: 'ipsec-play/hosts-scan/1', exitCode: code, file: FILE, written: 2 });
    const { name, keys, error } = document.hosts.gw;
    expect({ name, error, code }).toEqual({ name: `[127.0.0.1]:${sshd.port}`, error: null, code: 0 });
    expect(keys).toHaveLength(3);
    const fingerprint = fingerprintOf(sshd, 'ed25519');
    expect(keys[0]).toEqual({
      type: 'ssh-ed25519',
      fingerprint,
      status: 'known',
      known: { file: FILE, line: 1, type: 'ssh-ed25519', fingerprint },
      key: sshd.hostKey('ed25519').split(' ')[1],
    });
    expect(keys.slice(1).map(({ status, known }: { status: string; known: unknown }) => [status, known])).toEqual([
      ['new', null],
      ['new', null],
    ]);
  });

  test('known_hosts of the project that cannot be understood or read: no host is contacted', async () => {
    const before = sshd.log().length;
    project.write(FILE, `${lineOf(sshd)}rubbish\n\n@what gw x y\n`);
    const malformed = await scan('--yes');
    expect(malformed.code).toBe(3);
    expect(malformed.stderr).toContain(`${FILE}:2:1: error[known-hosts-line]`);
    expect(malformed.stderr).toContain(`${FILE}:4:1: error[known-hosts-line]`);
    rmSync(join(project.path, FILE));
    mkdirSync(join(project.path, FILE));
    const unreadable = await scan('--yes');
    rmSync(join(project.path, FILE), { recursive: true });
    expect(unreadable.code).toBe(3);
    expect(unreadable.stderr).toContain('error[file-unreadable]');
    expect(sshd.log().slice(before)).not.toContain('Connection from');
  });

  test('a malformed one of the user: nothing is written', async () => {
    project.write('.ssh/known_hosts', 'rubbish\n');
    const { code, stdout } = await scan('--yes');
    expect(code).toBe(5);
    expect(stdout).toContain('.ssh/known_hosts:1 cannot be understood');
    expect(present()).toBe(false);
  });

  test('a folder that cannot be written, a file that changes meanwhile', async () => {
    const asking = {
      interactive: true,
      ask: async () => {
        project.write(FILE, '# theirs\n');
        return 'y';
      },
    };
    const appeared = await project.runIn(asking, 'hosts', 'scan');
    expect(appeared.code).toBe(3);
    expect(appeared.stderr).toContain(`${FILE} cannot be written: EEXIST`);
    expect(project.read(FILE)).toBe('# theirs\n');
    project.write(FILE, '# ours\n');
    const changed = await project.runIn(asking, 'hosts', 'scan');
    expect(changed.code).toBe(3);
    expect(changed.stderr).toContain('somebody changed it meanwhile');
    expect(project.read(FILE)).toBe('# theirs\n');
  });

  test('the file counts in a run, and gets no keys by --accept-new-host-keys', async () => {
    const key = join(project.path, 'client');
    rmSync(key, { force: true });
    generateKey(key);
    sshd.authorize(readFileSync(`${key}.pub`, 'utf8'));
    chmodSync(key, 0o600);
    project.write('nothing.yml', '- name: Nothing\n  hosts: gw\n  tasks:\n    - name: True\n      command: "true"\n');
    const check = (...argv: string[]) =>
      project.run('apply', 'nothing.yml', '--yes', '--private-key', 'client', '-u', sshd.user, ...argv);
    expect((await check()).code).toBe(5);
    project.write(FILE, '# ours\n');
    expect((await check('--accept-new-host-keys')).code).toBe(0);
    expect(project.read(FILE)).toBe('# ours\n');
    expect(project.read('.ssh/known_hosts')).toContain(`[127.0.0.1]:${sshd.port} `);
    rmSync(join(project.path, '.ssh/known_hosts'));
    await scan('--yes');
    expect((await check()).code).toBe(0);
    project.write(FILE, `${project.read(FILE)}rubbish\n`);
    expect((await check()).code).toBe(5);
  });
});
