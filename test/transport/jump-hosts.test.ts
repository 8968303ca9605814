import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Target } from '../../src/model/host.ts';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import { ConnectFault, type Connection } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { rejection, relayTo, run, settingsTo, targetOf } from '../support/ssh-hosts.ts';
import { freePort, generateKey, parentOf, type Sshd, startSshd } from '../support/sshd.ts';
import { createUser } from '../support/test-user.ts';
import { until } from '../support/until.ts';

const quiet = { stdout: () => {}, stderr: () => {} };

describe.skipIf(!needs('sshd', 'ssh-keygen'))('jump hosts', () => {
  let outer: Sshd;
  let inner: Sshd;
  let host: Sshd;
  beforeAll(async () => {
    [outer, inner, host] = await Promise.all([startSshd(), startSshd(), startSshd()]);
  });
  afterAll(() => Promise.all([outer, inner, host].map((sshd) => sshd?.stop())));

  const jump = (sshd: Sshd, name: string, more: Partial<SshSettings> = {}) => ({ ...settingsTo(sshd), name, ...more });
  const behind = (sshd: Sshd, via: SshSettings, more: Partial<SshSettings> = {}): SshSettings => ({
    ...settingsTo(sshd),
    name: 'gw',
    proxy: { kind: 'jump', via },
    ...more,
  });
  const transportWith = (settings: SshSettings | ((target: Target) => SshSettings)) =>
    sshTransport({
      settingsOf: async (target) => (typeof settings === 'function' ? settings(target) : settings),
      ask: null,
      env: process.env,
    });
  const target = targetOf({ address: 'unused', port: 1 });
  const accepted = (sshd: Sshd, since: number) =>
    sshd
      .log()
      .slice(since)
      .match(/Accepted publickey/g)?.length ?? 0;
  const faultOf = async (connecting: Promise<Connection>) => {
    const fault = await rejection(connecting);
    expect(fault).toBeInstanceOf(ConnectFault);
    return fault as ConnectFault;
  };
  const refused = (settings: SshSettings) => faultOf(transportWith(settings).connect(target));

  describe('the way', () => {
    test('through one', async () => {
      const transport = transportWith(behind(host, jump(outer, 'bastion')));
      const connection = await transport.connect(target);
      const ran = await run(connection, 'echo $SSH_CONNECTION; cat >&2; exit 3', (shell) => shell.write('in'));
      expect(ran.stdout).toMatch(new RegExp(` ${host.port}\n$`));
      expect(ran).toMatchObject({ stderr: 'in', end: { kind: 'exit', code: 3 } });
      await connection.close();
      await transport.close();
    });

    test('through two, whole and in order', async () => {
      const transport = transportWith(
        behind(host, { ...jump(inner, 'second'), proxy: { kind: 'jump', via: jump(outer, 'first') } }),
      );
      const connection = await transport.connect(target);
      const bytes = Array.from({ length: 3_000_000 }, (_, index) => String.fromCharCode((index * 7) % 256)).join('');
      const ran = await run(connection, 'cat', (shell) => shell.write(bytes));
      expect(ran.stdout === bytes).toBe(true);
      await connection.close();
      await transport.close();
    });

    test('that begins with a ProxyCommand', async () => {
      const via = jump(outer, 'bastion', { proxy: { kind: 'command', command: relayTo(outer.port) } });
      const transport = transportWith(behind(host, via));
      const connection = await transport.connect(target);
      expect((await run(connection, 'echo in')).stdout).toBe('in\n');
      await connection.close();
      await transport.close();
    });

    test.skipIf(!needs('root', 'useradd'))('with a user and a key of its own', async () => {
      const user = createUser();
      const key = join(outer.dir, 'own_key');
      generateKey(key);
      const bastion = await startSshd();
      bastion.authorize(readFileSync(`${key}.pub`, 'utf8'));
      try {
        const log = bastion.log().length;
        const via = jump(bastion, 'bastion', { user: user.name, namedIdentityFiles: [key], defaultIdentityFiles: [] });
        const transport = transportWith(behind(host, via));
        const connection = await transport.connect(target);
        expect((await run(connection, 'id -un')).stdout).toBe(`${host.user}\n`);
        expect(bastion.log().slice(log)).toContain(`Accepted publickey for ${user.name}`);
        await connection.close();
        await transport.close();
      } finally {
        await bastion.stop();
        user.remove();
      }
    });
  });

  describe('a connection to one', () => {
    test('is shared by all hosts behind it, and ends with the transport', async () => {
      const [logOuter, logInner] = [outer.log().length, inner.log().length];
      const first = jump(outer, 'first');
      const second: SshSettings = { ...jump(inner, 'second'), proxy: { kind: 'jump', via: first } };
      const transport = transportWith((to) => behind(host, to.name === 'near' ? first : second));
      const names = ['near', 'far', 'near', 'far', 'far', 'far'];
      const connections = await Promise.all(names.map((name) => transport.connect({ ...target, name })));
      for (const each of connections) expect((await run(each, 'echo in')).stdout).toBe('in\n');
      for (const each of connections) await each.close();
      const later = await transport.connect({ ...target, name: 'far' });
      await later.close();
      expect(accepted(outer, logOuter)).toBe(1);
      expect(accepted(inner, logInner)).toBe(1);
      expect(outer.log().slice(logOuter)).not.toMatch(/Received disconnect|Disconnected/);
      await transport.close();
      await until(() => /Disconnected from user/.test(outer.log().slice(logOuter)));
      await until(() => /Disconnected from user/.test(inner.log().slice(logInner)));
      await transport.close();
    });

    test('carries no more than eight new handshakes at a time', async () => {
      let open = 0;
      let most = 0;
      // Between the jump host and the host, so that the log-ins that are under way can be counted.
      const meter = createServer((near) => {
        const far = connect({ host: '127.0.0.1', port: host.port });
        open += 1;
        most = Math.max(most, open);
        far.on('data', (chunk) => near.write(chunk));
        near.on('data', (chunk) => far.write(chunk));
        for (const socket of [near, far]) socket.on('error', () => {});
        near.on('close', () => far.destroy());
        far.on('close', () => near.destroy());
      });
      await new Promise<void>((resolve) => meter.listen(0, '127.0.0.1', resolve));
      const { port } = meter.address() as { port: number };
      const settings = behind(host, jump(outer, 'bastion'), { port, acceptNewHostKeys: true });
      const transport = transportWith(settings);
      const connections = await Promise.all(
        Array.from({ length: 24 }, async () => {
          const connection = await transport.connect(target);
          open -= 1;
          return connection;
        }),
      );
      expect(most).toBeGreaterThan(1);
      expect(most).toBeLessThanOrEqual(8);
      // All of them stand at the same time.
      const ran = await Promise.all(connections.map((each, index) => run(each, `echo ${index}`)));
      expect(ran.map(({ stdout }) => stdout.trim())).toEqual(connections.map((_, index) => `${index}`));
      await Promise.all(connections.map((each) => each.close()));
      await transport.close();
      meter.close();
    });

    test('that broke is made anew for the next host; what ran through it is lost', async () => {
      const log = outer.log().length;
      const transport = transportWith(behind(host, jump(outer, 'bastion')));
      const connection = await transport.connect(target);
      const shell = await connection.shell('sleep 30', quiet);
      const pids = [
        ...outer
          .log()
          .slice(log)
          .matchAll(/User child is on pid (\d+)/g),
      ].map(([, pid]) => Number(pid));
      const [server = 0] = pids.length > 0 ? pids : [childrenOf(outer.pid).at(-1) ?? 0];
      process.kill(server, 'SIGKILL');
      const end = await shell.ended;
      expect(end.kind).toBe('lost');
      expect(end.kind === 'lost' && end.why).toContain('jump host bastion: the connection broke');
      expect(await rejection(connection.shell('echo never', quiet))).toMatchObject({ code: 'lost' });
      const again = await transport.connect(target);
      expect((await run(again, 'echo in')).stdout).toBe('in\n');
      expect(accepted(outer, log)).toBe(2);
      await again.close();
      await transport.close();
    });

    test('a host behind it that breaks does not touch the others', async () => {
      const transport = transportWith(behind(host, jump(outer, 'bastion')));
      const [one, other] = await Promise.all([transport.connect(target), transport.connect(target)]);
      let pid = 0;
      const shell = await one.shell('echo $$; sleep 30', { ...quiet, stdout: (bytes) => (pid = Number(bytes)) });
      await until(() => pid > 0);
      process.kill(parentOf(pid), 'SIGKILL');
      expect(await shell.ended).toMatchObject({ kind: 'lost' });
      expect((await run(other, 'echo still')).stdout).toBe('still\n');
      await other.close();
      await transport.close();
    });

    test('that falls silent is lost, and with it the hosts behind it', async () => {
      let silent = false;
      const proxy = createServer((near) => {
        const far = connect({ host: '127.0.0.1', port: outer.port });
        for (const [from, to] of [[near, far] as const, [far, near] as const]) {
          from.on('data', (chunk) => silent || to.write(chunk));
          from.on('error', () => {});
          from.on('close', () => to.destroy());
        }
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      const keepalive = { interval: 0.2, count: 3 };
      const via = jump(outer, 'bastion', { port, keepalive, hostKeyAlias: 'alias', acceptNewHostKeys: true });
      const transport = transportWith(behind(host, via));
      const connection = await transport.connect(target);
      const shell = await connection.shell('sleep 30', quiet);
      silent = true;
      expect(await shell.ended).toEqual({
        kind: 'lost',
        why: 'jump host bastion: the connection broke: the host stopped answering',
      });
      await connection.close();
      await transport.close();
      proxy.close();
    });
  });

  describe('is at fault, and the message says so', () => {
    test('another host key than the known one: refused for all behind it, asked once', async () => {
      const other = join(outer.dir, 'other_host');
      generateKey(other);
      const known = join(outer.dir, 'wrong_known');
      const key = readFileSync(`${other}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
      writeFileSync(known, `[127.0.0.1]:${outer.port} ${key}\n`);
      const log = outer.log().length;
      const transport = transportWith(behind(host, jump(outer, 'bastion', { knownHostsFiles: [known] })));
      const faults = await Promise.all([1, 2, 3].map(() => faultOf(transport.connect(target))));
      faults.push(await faultOf(transport.connect(target)));
      for (const fault of faults) {
        expect(fault).toMatchObject({ code: 'host-key-changed', passing: false });
        expect(fault.message).toMatch(/^jump host bastion: \[127\.0\.0\.1\]:\d+ shows another host key/);
        expect(fault.fix).toContain('ssh-keygen -R');
      }
      await until(() => /Connection (closed|reset)/.test(outer.log().slice(log)));
      expect(
        outer
          .log()
          .slice(log)
          .match(/Connection from/g),
      ).toHaveLength(1);
      expect(outer.log().slice(log)).not.toMatch(/Accepted|Failed/);
    });

    test('it does not take our key: asked once, and the host behind it not at all', async () => {
      const key = join(outer.dir, 'unknown_key');
      generateKey(key);
      const [logOuter, logHost] = [outer.log().length, host.log().length];
      const via = jump(outer, 'bastion', { namedIdentityFiles: [key], defaultIdentityFiles: [] });
      const transport = transportWith(behind(host, via));
      const fault = await faultOf(transport.connect(target));
      expect(await faultOf(transport.connect(target))).toBe(fault);
      expect(fault).toMatchObject({ code: 'authentication' });
      expect(fault.message).toMatch(/^jump host bastion: .*@127\.0\.0\.1 is refused: tried/);
      expect(fault.fix).toContain('ssh_config');
      expect(fault.fix).not.toContain('ansible_');
      await until(() => outer.log().slice(logOuter).includes('Connection'));
      expect(
        outer
          .log()
          .slice(logOuter)
          .match(/Connection from/g),
      ).toHaveLength(1);
      expect(host.log().slice(logHost)).not.toContain('Connection from');
    });

    test('it is not there yet: the next attempt may find it', async () => {
      const port = await freePort();
      const via = { ...settingsTo(outer), name: 'bastion', port };
      const transport = transportWith(() => behind(host, via));
      const faults = await Promise.all([1, 2].map(() => faultOf(transport.connect(target))));
      for (const fault of faults) {
        expect(fault).toMatchObject({ code: 'refused', passing: true });
        expect(fault.message).toMatch(/^jump host bastion: 127\.0\.0\.1 port \d+ refuses the connection$/);
      }
      const late = await startSshd({ port });
      try {
        const there = join(late.dir, 'known');
        writeFileSync(there, late.knownHosts());
        // The same object for the same jump host, but for the key that could not be known before.
        Object.assign(via, { knownHostsFiles: [there], defaultIdentityFiles: [late.clientKey] });
        const connection = await transport.connect(target);
        expect((await run(connection, 'echo in')).stdout).toBe('in\n');
        await connection.close();
        await transport.close();
      } finally {
        await late.stop();
      }
    });

    test('the second of two', async () => {
      const second: SshSettings = {
        ...jump(inner, 'second', { port: await freePort() }),
        proxy: { kind: 'jump', via: jump(outer, 'first') },
      };
      const fault = await refused(behind(host, second));
      expect(fault).toMatchObject({ code: 'refused', passing: true });
      expect(fault.message).toMatch(/^jump host second: jump host first cannot connect to 127\.0\.0\.1 port/);
    });

    test('the first of two is named alone', async () => {
      const first = jump(outer, 'first', { port: await freePort() });
      const second: SshSettings = { ...jump(inner, 'second'), proxy: { kind: 'jump', via: first } };
      const fault = await refused(behind(host, second));
      expect(fault).toMatchObject({ code: 'refused', passing: true });
      expect(fault.message).toMatch(/^jump host first: 127\.0\.0\.1 port \d+ refuses the connection$/);
    });

    test.each(['AllowTcpForwarding no', 'PermitOpen 192.0.2.1:22'])('it does not forward: %s', async (line) => {
      const bastion = await startSshd({ config: [line] });
      try {
        const fault = await refused(behind(host, jump(bastion, 'bastion')));
        expect(fault).toMatchObject({ code: 'proxy', passing: false });
        expect(fault.message).toBe(
          `jump host bastion lets no connection through to 127.0.0.1 port ${host.port}: prohibited`,
        );
        expect(fault.fix).toContain('AllowTcpForwarding');
      } finally {
        await bastion.stop();
      }
    });
  });

  describe('the host behind it is at fault', () => {
    const via = () => jump(outer, 'bastion');

    test('refused', async () => {
      const fault = await refused(behind(host, via(), { port: await freePort() }));
      expect(fault).toMatchObject({ code: 'refused', passing: true });
      expect(fault.message).toMatch(/^jump host bastion cannot connect to 127\.0\.0\.1 port \d+: Connection refused$/);
    });

    test('a name that the jump host does not know', async () => {
      const fault = await refused(behind(host, via(), { hostName: 'no-such-host.invalid' }));
      expect(fault.code).toBe('dns');
      expect(fault.message).toContain('jump host bastion cannot connect to no-such-host.invalid');
    });

    test('its host key', async () => {
      const known = join(host.dir, 'nothing_known');
      const fault = await refused(behind(host, via(), { knownHostsFiles: [known] }));
      expect(fault.code).toBe('host-key-unknown');
      expect(fault.message).not.toContain('jump host');
      expect(fault.message).toMatch(/ssh-ed25519 SHA256:/);
    });

    test('its authentication', async () => {
      const key = join(host.dir, 'wrong');
      generateKey(key);
      const fault = await refused(behind(host, via(), { namedIdentityFiles: [key], defaultIdentityFiles: [] }));
      expect(fault.code).toBe('authentication');
      expect(fault.message).not.toContain('jump host');
      expect(fault.fix).toContain('ansible_user');
    });

    test('it never answers, or closes at once', async () => {
      for (const [answer, code] of [
        [() => {}, 'timeout'],
        [(socket: { end(): void }) => socket.end(), 'network'],
      ] as const) {
        const sockets: { destroy(): void }[] = [];
        const mute = createServer((socket) => {
          sockets.push(socket);
          answer(socket);
        });
        await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
        const { port } = mute.address() as { port: number };
        const begin = performance.now();
        const fault = await refused(behind(host, via(), { port, connectTimeout: 1 }));
        expect(performance.now() - begin).toBeLessThan(8000);
        expect(fault.code).toBe(code);
        expect(fault.message).toContain(`127.0.0.1 port ${port} (through jump host bastion)`);
        for (const socket of sockets) socket.destroy();
        mute.close();
      }
    });
  });

  test('an alias stands for the address in known_hosts', async () => {
    const known = join(host.dir, 'aliases');
    writeFileSync(known, `gw-alias ${host.hostKey()}\nbastion-alias ${outer.hostKey()}\n`);
    const via = jump(outer, 'bastion', { hostKeyAlias: 'bastion-alias', knownHostsFiles: [known] });
    const settings = behind(host, via, { hostKeyAlias: 'gw-alias', knownHostsFiles: [known] });
    const transport = transportWith(settings);
    await (await transport.connect(target)).close();
    await transport.close();
    execFileSync('ssh-keygen', ['-R', 'gw-alias', '-f', known], { stdio: 'ignore' });
    const fault = await refused(settings);
    expect(fault).toMatchObject({ code: 'host-key-unknown' });
    expect(fault.message).toContain('the host key of gw-alias is not known');
  });
});

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}
