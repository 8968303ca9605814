import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import type { ConnectFault, Connection } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { type Overrides, rejection, run, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { createUser, type TestUser } from '../support/test-user.ts';

const possible = needs('root', 'sshd', 'useradd', 'chpasswd');

describe.skipIf(!possible)('as another user', () => {
  let sshd: Sshd;
  let keyboard: Sshd;
  const users: TestUser[] = [];
  const user = (sudoers?: readonly string[], shell?: string) => {
    const made = createUser({ ...(sudoers ? { sudoers } : {}), ...(shell ? { shell } : {}) });
    users.push(made);
    return made;
  };
  beforeAll(async () => {
    sshd = await startSshd({ config: ['PasswordAuthentication yes'] });
    keyboard = await startSshd({ config: ['KbdInteractiveAuthentication yes'] });
  });
  afterAll(async () => {
    await sshd?.stop();
    await keyboard?.stop();
    for (const made of users) made.remove();
  });

  /** Connects, does something, closes. */
  const on = async <T>(
    overrides: Overrides,
    use: (connection: Connection) => Promise<T>,
    server = sshd,
  ): Promise<T> => {
    const connection = await transportTo(server).connect(targetOf(server, overrides));
    try {
      return await use(connection);
    } finally {
      await connection.close();
    }
  };
  const refused = async (overrides: Overrides) =>
    (await on(overrides, (it) => rejection(run(it, 'id -un')))) as ConnectFault;

  describe('passwords for SSH', () => {
    let joe: TestUser;
    beforeAll(() => {
      joe = user();
    });

    test('by password', async () => {
      const login = { user: joe.name, password: new Secret(joe.password) };
      expect((await on(login, (it) => run(it, 'id -un'))).stdout).toBe(`${joe.name}\n`);
    });

    test('by keyboard-interactive, where the server has only that', async () => {
      const login = { user: joe.name, password: new Secret(joe.password) };
      const connection = transportTo(keyboard, { identityFiles: [] }).connect(targetOf(keyboard, login));
      expect((await run(await connection, 'id -un')).stdout).toBe(`${joe.name}\n`);
      await (await connection).close();
    });

    test('a key and a password, where the server wants both', async () => {
      const both = await startSshd({
        config: ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'],
      });
      try {
        const login = { user: joe.name, password: new Secret(joe.password) };
        expect((await on(login, (it) => run(it, 'id -un'), both)).stdout).toBe(`${joe.name}\n`);
      } finally {
        await both.stop();
      }
    });

    test('a wrong one is tried once, and is nowhere to be seen', async () => {
      const login = { user: joe.name, password: new Secret('wr0ng-one') };
      for (const server of [sshd, keyboard]) {
        const log = server.log().length;
        const transport = transportTo(server, { identityFiles: [] });
        const fault = (await rejection(transport.connect(targetOf(server, login)))) as ConnectFault;
        expect(fault).toMatchObject({ code: 'authentication' });
        expect(fault.message).toContain('password');
        expect(`${fault.message} ${fault.fix}`).not.toContain('wr0ng');
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(
          server
            .log()
            .slice(log)
            .match(/Failed (password|keyboard)|error: PAM/g),
        ).toHaveLength(1);
      }
    });
  });

  describe.skipIf(!needs('sudo'))('by sudo', () => {
    const sudo = (password?: string) =>
      ({
        method: 'sudo',
        user: 'root',
        ...(password === undefined ? {} : { password: new Secret(password) }),
      }) as const;
    let asked: TestUser;
    let trusted: TestUser;
    let nobody: TestUser;
    let bound: TestUser;
    beforeAll(() => {
      asked = user(['USER ALL=(ALL) ALL']);
      trusted = user(['USER ALL=(ALL) NOPASSWD: ALL'], '/bin/bash');
      nobody = user();
      bound = user(['Defaults:USER requiretty', 'USER ALL=(ALL) ALL']);
    });

    test("with a password; stdin, outputs and exit code are the program's own", async () => {
      const ran = await on({ user: asked.name, become: sudo(asked.password) }, (it) =>
        run(it, 'id -un; cat; echo err >&2; exit 6', (shell) => shell.write('from stdin')),
      );
      expect(ran).toEqual({ stdout: 'root\nfrom stdin', stderr: 'err\n', end: { kind: 'exit', code: 6 } });
    });

    test('a password that is not asked for never reaches a shell', async () => {
      const ran = await on({ user: trusted.name, become: sudo('echo STOLEN >&2') }, (it) =>
        run(it, 'id -un; exec sh', (shell) => shell.write('echo applied\n')),
      );
      expect(ran).toEqual({ stdout: 'root\napplied\n', stderr: '', end: { kind: 'exit', code: 0 } });
    });

    test('without a password', async () => {
      const ran = await on({ user: trusted.name, become: sudo() }, (it) =>
        run(it, 'id -un; cat', (it) => it.write('in')),
      );
      expect(ran).toEqual({ stdout: 'root\nin', stderr: '', end: { kind: 'exit', code: 0 } });
    });

    test('as a user who is not root', async () => {
      const become = { ...sudo(), user: nobody.name };
      expect((await on({ user: trusted.name, become }, (it) => run(it, 'id -un'))).stdout).toBe(`${nobody.name}\n`);
    });

    test('several shells on one connection, a long program, all bytes', async () => {
      await on({ user: asked.name, become: sudo(asked.password) }, async (it) => {
        const bytes = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');
        for (let number = 0; number < 3; number += 1) {
          const ran = await run(it, `: ${'x'.repeat(100_000)}\ncat; id -un >&2`, (shell) => shell.write(bytes));
          expect(ran).toEqual({ stdout: bytes, stderr: 'root\n', end: { kind: 'exit', code: 0 } });
        }
      });
    });

    test('a wrong password fails soon', async () => {
      const begin = performance.now();
      const fault = await refused({ user: asked.name, become: sudo('wr0ng') });
      expect(performance.now() - begin).toBeLessThan(15_000);
      expect(fault).toMatchObject({ code: 'become' });
      expect(fault.message).toContain('refused the password');
      expect(fault.message).not.toContain('wr0ng');
    });

    test('a password that is wanted and not there', async () => {
      const fault = await refused({ user: asked.name, become: sudo() });
      expect(fault).toMatchObject({ code: 'become' });
      expect(fault.message).toContain('none was given');
    });

    test('a user who is not in sudoers', async () => {
      const fault = await refused({ user: nobody.name, become: sudo(nobody.password) });
      expect(fault).toMatchObject({ code: 'become' });
      expect(fault.message).toContain('does not allow');
    });

    test('a user to become who is not there', async () => {
      const fault = await refused({ user: trusted.name, become: { ...sudo(), user: 'no-such-user' } });
      expect(fault.message).toContain('there is no user no-such-user');
    });

    describe('that insists on a terminal', () => {
      const relays = () => readdirSync('/tmp').filter((name) => name.startsWith('ipsec-play.'));

      test('the streams stay apart, whole and open to their end', async () => {
        const bytes = Array.from({ length: 100_000 }, (_, index) => String.fromCharCode(index % 256)).join('');
        await on({ user: bound.name, become: sudo(bound.password) }, async (it) => {
          const first = await run(it, 'id -un >&2; cat; exit 6', (shell) => shell.write(bytes));
          expect(first.stdout === bytes).toBe(true);
          expect(first.stderr).toBe('root\n');
          expect(first.end).toEqual({ kind: 'exit', code: 6 });
          const second = await run(it, 'echo probed; exec sh', (shell) => shell.write('echo applied; exit 2\n'));
          expect(second).toEqual({ stdout: 'probed\napplied\n', stderr: '', end: { kind: 'exit', code: 2 } });
        });
        expect(relays()).toEqual([]);
      });

      test('a wrong password', async () => {
        const fault = await refused({ user: bound.name, become: sudo('wr0ng') });
        expect(fault.message).toContain('refused the password');
        await new Promise((resolve) => setTimeout(resolve, 500));
        expect(relays()).toEqual([]);
      });

      test('for another user than root it is a refusal', async () => {
        const fault = await refused({ user: bound.name, become: { ...sudo(bound.password), user: nobody.name } });
        expect(fault.message).toContain('insists on a terminal');
      });
    });
  });

  describe('by su', () => {
    let from: TestUser;
    let to: TestUser;
    beforeAll(() => {
      from = user();
      to = user();
    });
    const su = (password?: string) =>
      ({ method: 'su', user: to.name, ...(password === undefined ? {} : { password: new Secret(password) }) }) as const;

    test('with a password', async () => {
      const ran = await on({ user: from.name, become: su(to.password) }, (it) =>
        run(it, 'id -un; cat; echo err >&2; exit 6', (shell) => shell.write('from stdin')),
      );
      expect(ran).toEqual({ stdout: `${to.name}\nfrom stdin`, stderr: 'err\n', end: { kind: 'exit', code: 6 } });
    });

    test('from root, who is not asked: the password is swallowed', async () => {
      const ran = await on({ become: su('echo STOLEN') }, (it) => run(it, 'id -un; cat', (shell) => shell.write('in')));
      expect(ran).toEqual({ stdout: `${to.name}\nin`, stderr: '', end: { kind: 'exit', code: 0 } });
    });

    test('a wrong password', async () => {
      const fault = await refused({ user: from.name, become: su('wr0ng') });
      expect(fault).toMatchObject({ code: 'become' });
      expect(fault.message).toContain('refused the password');
    });

    test('no password', async () => {
      const fault = await refused({ user: from.name, become: su() });
      expect(fault.message).toContain('none was given');
    });

    test.skipIf(!needs('sudo'))('one that insists on a terminal, as that of RHEL 4 to 6', async () => {
      // Stands for that su, with a password of its own.
      const may = user(['USER ALL=(ALL) NOPASSWD: ALL']);
      const shim = `#!/bin/sh
[ -t 0 ] || { echo 'standard in must be a tty' >&2; exit 1; }
printf 'Password: '; read -r given; echo
[ "$given" = 'root secret' ] || { echo 'su: incorrect password'; exit 1; }
[ "$1 $2" = 'root -c' ] && exec sudo -n sh -c "$3"
`;
      const old = await startSshd({ config: ['SetEnv PATH=/tmp/ipsec-play-test-su:/usr/bin:/bin'] });
      try {
        mkdirSync('/tmp/ipsec-play-test-su', { recursive: true });
        writeFileSync('/tmp/ipsec-play-test-su/su', shim, { mode: 0o755 });
        const become = { method: 'su', user: 'root', password: new Secret('root secret') } as const;
        const ran = await on(
          { user: may.name, become },
          (it) => run(it, 'id -un >&2; cat; exit 6', (shell) => shell.write('\x03\x04\r\n\xff')),
          old,
        );
        expect(ran).toEqual({ stdout: '\x03\x04\r\n\xff', stderr: 'root\n', end: { kind: 'exit', code: 6 } });
        const wrong = { ...become, password: new Secret('wr0ng') };
        const fault = (await on(
          { user: may.name, become: wrong },
          (it) => rejection(run(it, ':')),
          old,
        )) as ConnectFault;
        expect(fault.message).toContain('refused the password');
      } finally {
        rmSync('/tmp/ipsec-play-test-su', { recursive: true, force: true });
        await old.stop();
      }
    });
  });
});
