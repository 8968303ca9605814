import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BastionStage, GATEWAYS, SECRETS, startBastionStage } from '../support/bastion-stage.ts';
import { canRunFleet } from '../support/fleet-needs.ts';
import { leaksOf, traceHost, watchModes, writtenIn } from '../support/watch-secrets.ts';

const SCRIPTS = 'etc/sysconfig/network-scripts';
const FOLDERS = [SCRIPTS, 'etc/racoon', 'tmp', 'var/tmp', 'root', 'etc'];
const NEXT = { nextPsk: 'Canary-rotated-71be02' };
const CANARIES = { ...SECRETS, ...NEXT };
const HOSTS = ['bastion', 'mute', 'second', ...GATEWAYS];

describe.skipIf(!canRunFleet('strace', 'ssh', 'ssh-agent', 'ssh-add'))('secrets behind a bastion', () => {
  let stage: BastionStage;
  const vault = ['--vault-password-file', 'vault-password'];
  const leaks = (text: string) => leaksOf(CANARIES, text);
  let temporary: string;
  /** Where this side notes its runs. */
  const notes = () => join(stage.site.dir, '.ipsec-play/runs');
  const env = () => ({ ...stage.env, TMPDIR: temporary });
  const run = (...args: string[]) => stage.site.run([...args, ...vault], { env: env() });
  /** Every command that reads secrets or logs in, in every form of output. */
  const FORMS = [[], ['-vvv'], ['-o', 'json'], ['-vvv', '-o', 'jsonl']];

  beforeAll(async () => {
    stage = await startBastionStage();
    temporary = join(stage.fleet.dir, 'temporary');
    mkdirSync(temporary);
  });
  afterAll(() => stage?.stop());

  test('a canary that is in a text is found, in each form', () => {
    for (const [name, canary] of Object.entries(CANARIES)) {
      const hex = Buffer.from(canary).toString('hex');
      for (const text of [canary, `x${JSON.stringify(canary)}y`, encodeURIComponent(canary), hex])
        expect(leaks(`before ${text} after`)).toEqual([name]);
    }
  });

  test('are in no byte that a check prints', async () => {
    for (const form of FORMS) {
      const { code, stdout, stderr } = await run('check', 'tunnels.yml', ...form);
      expect(code).toBe(2);
      expect(stdout).toMatch(/fp:[0-9a-f]+/);
      expect([form, leaks(stdout + stderr)]).toEqual([form, []]);
    }
  });

  test('nor in what the commands print that reach no host', async () => {
    for (const args of [
      ['validate', 'tunnels.yml'],
      ['tasks', 'tunnels.yml'],
      ['inventory', 'list'],
      ['inventory', 'host', 'gw-a'],
      ['inventory', 'host', 'gw-k'],
    ]) {
      for (const form of [['-vvv'], ['-o', 'json']]) {
        const { code, stdout, stderr } = await run(...args, ...form);
        expect([args, code]).toEqual([args, 0]);
        expect([args, leaks(stdout + stderr)]).toEqual([args, []]);
      }
    }
  });

  /** Applies under strace on every side: what is printed, what is an argument or in an environment, and each file's modes. */
  async function watchedApply(name: string, playbook: string) {
    const trace = join(stage.fleet.dir, `trace-${name}`);
    const watched = HOSTS.map((host) => [host, watchModes(stage.fleet.host(host), FOLDERS)] as const);
    const tracers = await Promise.all(HOSTS.map((host) => traceHost(stage.fleet.host(host), `${trace}-${host}`)));
    const ran = await stage.site.run(['apply', playbook, '--yes', '-vvv', '-o', 'jsonl', ...vault], {
      env: env(),
      tracedTo: `${trace}-control`,
      timeout: 110_000,
    });
    await Promise.all(tracers.map((stop) => stop()));
    const modes = new Map(watched.map(([host, stop]) => [host, stop()]));
    const programs = (side: string) => readFileSync(`${trace}-${side}`, 'utf8').replaceAll('\\"', '"');
    return { ...ran, modes, programs };
  }

  test.each([
    { what: 'the first apply', name: 'first', psk: SECRETS.psk },
    { what: 'the apply of another psk', name: 'rotation', psk: NEXT.nextPsk },
  ])(
    'are in no argument or environment on either side during $what, nor in a file that others may read',
    async ({ name, psk }) => {
      stage.site.write('inventory/tunnels.yml', stage.vaultedTunnels(psk));
      const { code, stdout, stderr, modes, programs } = await watchedApply(name, 'tunnels.yml');
      expect(stdout + stderr).toContain('gw-a');
      expect(code).toBe(0);
      expect(leaks(stdout + stderr)).toEqual([]);
      expect(stage.fleet.host('gw-b').read(`${SCRIPTS}/keys-ipsec2`)).toBe(`IKE_PSK=${psk}\n`);

      expect(programs('control')).toMatch(/execve\(.*cli\.js/);
      for (const gateway of ['gw-a', 'gw-b']) expect(programs(gateway)).toMatch(/execve\(.*"ifup"/);
      for (const side of ['control', ...HOSTS]) expect([side, leaks(programs(side))]).toEqual([side, []]);

      for (const gateway of ['gw-a', 'gw-b']) {
        const seen = [...(modes.get(gateway) ?? [])].filter(([file]) => /keys-|psk/.test(file));
        // Also what is there for a moment only: each begins with a dot, and is renamed into place.
        expect(seen.map(([file]) => file)).toEqual(
          expect.arrayContaining([expect.stringMatching(/^\.keys-ipsec.*~$/), 'psk.txt']),
        );
        for (const [file, found] of seen) expect([gateway, file, ...found]).toEqual([gateway, file, '0600']);
      }
    },
    120_000,
  );

  test('nor when they are a login by password, and become by su', async () => {
    const { code, stdout, stderr, programs } = await watchedApply('who', 'who.yml');
    expect(code).toBe(0);
    expect(leaks(stdout + stderr)).toEqual([]);
    expect(programs('gw-k')).toMatch(/execve\("\S*\/su"/);
    for (const side of ['control', ...HOSTS]) expect([side, leaks(programs(side))]).toEqual([side, []]);
  }, 120_000);

  test('the watch would have seen them', async () => {
    stage.site.write(
      'planted.yml',
      `- name: Planted
  hosts: gw-a
  become: true
  tasks:
    - name: One argument
      command: /bin/echo ${SECRETS.passphrase}; echo ${SECRETS.vaultPassword} > /var/tmp/left
`,
    );
    const { programs, stdout } = await watchedApply('planted', 'planted.yml');
    expect(leaks(programs('gw-a'))).toEqual(expect.arrayContaining(['passphrase']));
    expect(leaks(stdout)).toEqual(expect.arrayContaining(['passphrase']));
    expect(leftOn('gw-a')).toContainEqual({ file: 'var/tmp/left', leaks: ['vaultPassword'] });
    await stage.fleet.host('gw-a').exec('rm /var/tmp/left');
    writeFileSync(join(temporary, 'left'), SECRETS.psk);
    expect(leftHere().map(({ file }) => file)).toContain(join(temporary, 'left'));
    rmSync(join(temporary, 'left'));
    // What a user writes into a command is shown with it, and so noted in the record of the run.
    const records = leftHere().filter(({ file }) => file.startsWith(notes()));
    expect(records).toEqual([{ file: expect.stringMatching(/\.json$/), leaks: ['vaultPassword', 'passphrase'] }]);
    for (const { file } of records) rmSync(file);
  }, 120_000);

  test('are in no file that is left on a host but the two that need one, and what they were before a run', async () => {
    for (const host of HOSTS) {
      const isBackup = ({ file }: { file: string }) => /^var\/lib\/ipsec-play\/runs\/[^/]+\/backup\/\d+$/.test(file);
      const left = leftOn(host).filter(({ file }) => !/^(etc\/shadow)$/.test(file));
      const expected = { 'gw-a': 'ipsec1', 'gw-b': 'ipsec2' }[host];
      const files = expected === undefined ? [] : ['etc/racoon/psk.txt', `${SCRIPTS}/keys-${expected}`];
      const others = left.filter((one) => !isBackup(one));
      expect([host, others]).toEqual([host, files.map((file) => ({ file, leaks: ['nextPsk'] }))]);
      for (const file of files) expect([file, stage.fleet.host(host).mode(file)]).toEqual([file, '0600']);
      // For `rollback RUN`: both files as they were before the other psk came.
      const kept = left.filter(isBackup);
      expect([host, kept.map(({ leaks: names }) => names)]).toEqual([host, files.map(() => ['psk'])]);
      const mode = (path: string) => [host, path, stage.fleet.host(host).mode(path)];
      for (const { file } of kept) {
        expect(mode(file)).toEqual([host, file, '0600']);
        for (let at = dirname(file); at !== 'var/lib'; at = dirname(at)) expect(mode(at)).toEqual([host, at, '0700']);
      }
      const { stdout } = await stage.fleet.host(host).exec('find /var/lib/ipsec-play ! -type l -perm /077');
      // Files that others may read have backups with their own mode.
      const open = stdout.split('\n').filter((path) => path !== '' && !/\/backup\/\d+$/.test(path));
      expect([host, open]).toEqual([host, []]);
    }
  });

  test('nor in one that is left on this side, but those of the user', () => {
    const own = [join(stage.site.dir, 'vault-password'), join(stage.site.dir, 'planted.yml')];
    expect(leftHere().filter(({ file }) => !own.includes(file))).toEqual([]);
    const records = readdirSync(notes()).filter((name) => name.endsWith('.json'));
    expect(records.length).toBeGreaterThanOrEqual(3);
    for (const name of records) expect([name, statSync(join(notes(), name)).mode & 0o777]).toEqual([name, 0o600]);
    for (const name of ['first', 'rotation', 'who']) {
      const written = writtenIn(readFileSync(join(stage.fleet.dir, `trace-${name}-control`), 'utf8'));
      const elsewhere = written.filter((path) => path.startsWith('/') && !path.startsWith(stage.fleet.dir));
      expect(elsewhere.filter((path) => !path.startsWith('/dev/'))).toEqual([]);
    }
  });

  test('nor when a task prints its own files, a password is wrong, or the vault is', async () => {
    stage.site.write(
      'leaky.yml',
      '- name: Leaky\n  hosts: gw-a\n  become: true\n  tasks:\n    - name: Prints all keys\n      command: cat /etc/racoon/psk.txt; cat /etc/racoon/psk.txt >&2; exit 1\n',
    );
    for (const form of FORMS) {
      const { code, stdout, stderr } = await run('apply', 'leaky.yml', '--yes', ...form);
      expect(code).toBe(4);
      // What stands beside the key in the file is shown.
      expect(stdout).toContain('10.20.0.12');
      expect([form, leaks(stdout + stderr)]).toEqual([form, []]);
    }
    stage.site.write('other-password', 'Canary other vault\n');
    for (const form of FORMS) {
      const args = ['apply', 'tunnels.yml', '--yes', ...form, '--vault-password-file', 'other-password'];
      const { code, stdout, stderr } = await stage.site.run(args, { env: env() });
      expect(code).toBe(3);
      expect([form, leaksOf({ ...CANARIES, other: 'Canary other vault' }, stdout + stderr)]).toEqual([form, []]);
    }
  });

  /** The files of a host that hold a canary. */
  function leftOn(host: string) {
    return holding(stage.fleet.host(host).root, [...SKIPPED]).map(({ file, leaks: names }) => ({
      file: file.slice(stage.fleet.host(host).root.length + 1),
      leaks: names,
    }));
  }

  /** The files of this machine that hold a canary: in the user's home and project, and the folder for temporary files. */
  function leftHere() {
    return [stage.fleet.home, stage.site.dir, temporary].flatMap((folder) => holding(folder, []));
  }

  function holding(path: string, skipped: readonly string[]): { file: string; leaks: readonly string[] }[] {
    try {
      const stat = statSync(path);
      if (stat.isDirectory()) {
        const names = readdirSync(path).sort();
        return names.flatMap((name) => (skipped.includes(name) ? [] : holding(join(path, name), [])));
      }
      if (!stat.isFile()) return [];
      const found = leaks(readFileSync(path, 'latin1'));
      return found.length === 0 ? [] : [{ file: path, leaks: found }];
    } catch {
      return [];
    }
  }
});

/** Folders at the root of a host which are not its own. */
const SKIPPED = ['proc', 'sys', 'dev', 'usr', 'bin', 'lib', 'lib32', 'lib64', 'libx32'];
