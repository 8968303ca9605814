import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import { ConnectFault, type Connection } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { rejection, run, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { freePort, generateKey, parentOf, type Sshd, startSshd } from '../support/sshd.ts';

describe.skipIf(!needs('sshd', 'ssh-keygen'))('a real sshd', () => {
  let sshd: Sshd;
  let connection: Connection;
  beforeAll(async () => {
    sshd = await startSshd({ hostKeys: ['ed25519', 'rsa'] });
    connection = await transportTo(sshd).connect(targetOf(sshd));
  });
  afterAll(async () => {
    await connection?.close();
    await sshd?.stop();
  });

  describe('shells', () => {
    test('output, errors and the exit code', async () => {
      const ran = await run(connection, 'echo out; echo err >&2; exit 3');
      expect(ran).toEqual({ stdout: 'out\n', stderr: 'err\n', end: { kind: 'exit', code: 3 } });
    });

    test('a signal', async () => {
      expect((await run(connection, 'kill -TERM $$')).end).toEqual({ kind: 'signal', signal: 'SIGTERM' });
    });

    test('5 MB of output arrive whole, every byte value, and so do 2 MB of input', async () => {
      const bytes = Buffer.from(
        Array.from({ length: 2 * 1024 * 1024 }, (_, index) => (index * 7 + (index >> 8)) % 256),
      );
      const input = bytes.toString('latin1');
      const echoed = await run(connection, 'cat', (shell) => shell.write(input));
      expect(echoed.stdout === input).toBe(true);
      const file = join(sshd.dir, 'five');
      writeFileSync(file, Buffer.concat([bytes, bytes, bytes.subarray(0, 1024 * 1024)]));
      const read = await run(connection, `cat ${file}; cat ${file} >&2`);
      const expected = readFileSync(file, 'latin1');
      expect(read.stdout === expected).toBe(true);
      expect(read.stderr === expected).toBe(true);
    });

    test('output is not trimmed', async () => {
      expect((await run(connection, "printf '  \\n\\n a \\n\\n'")).stdout).toBe('  \n\n a \n\n');
    });

    test('the conversation of a probe and an apply on one channel', async () => {
      let stdout = '';
      let asked: () => void = () => {};
      const probed = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const shell = await connection.shell('echo probed; exec sh', {
        stdout: (bytes) => {
          stdout += bytes;
          if (stdout.includes('probed')) asked();
        },
        stderr: () => {},
      });
      await probed;
      await shell.write('echo applied\n');
      await shell.write('exit 4\n');
      expect(await shell.ended).toEqual({ kind: 'exit', code: 4 });
      expect(stdout).toBe('probed\napplied\n');
    });

    test('twenty shells one after another on one connection', async () => {
      for (let number = 0; number < 20; number += 1) {
        expect((await run(connection, `echo ${number}`)).stdout).toBe(`${number}\n`);
      }
    });

    test('a program of 200 KB', async () => {
      const long = `: '${'x'.repeat(200_000)}'\necho "$#"; cat`;
      expect((await run(connection, long, (shell) => shell.write('rest'))).stdout).toBe('0\nrest');
    });

    test('back-pressure: a write waits for a shell that does not read', async () => {
      const shell = await connection.shell('sleep 1; cat >/dev/null', { stdout: () => {}, stderr: () => {} });
      let taken = false;
      const writing = shell.write('x'.repeat(8 * 1024 * 1024)).then(() => {
        taken = true;
      });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(taken).toBe(false);
      shell.end();
      await writing;
      await shell.ended;
    });

    test('writing to a shell that has ended is no error', async () => {
      const shell = await connection.shell('exit 0', { stdout: () => {}, stderr: () => {} });
      expect(await shell.ended).toEqual({ kind: 'exit', code: 0 });
      await shell.write('late');
      shell.end();
    });

    test('a daemon that keeps the output open does not hold up the end', async () => {
      const begin = performance.now();
      expect((await run(connection, 'sleep 30 & echo done')).stdout).toBe('done\n');
      expect(performance.now() - begin).toBeLessThan(15_000);
    });
  });

  describe('a connection that breaks', () => {
    const watched = async () => {
      const broken = await transportTo(sshd).connect(targetOf(sshd));
      let seen: (pid: number) => void = () => {};
      const pid = new Promise<number>((resolve) => {
        seen = resolve;
      });
      const shell = await broken.shell('echo pid=$$; sleep 30', {
        stdout: (bytes) => seen(Number(/pid=(\d+)/.exec(bytes)?.[1])),
        stderr: () => {},
      });
      return { broken, shell, server: parentOf(await pid) };
    };

    test('in mid-command is lost, and never an end', async () => {
      const { broken, shell, server } = await watched();
      process.kill(server, 'SIGKILL');
      const end = await shell.ended;
      expect(end.kind).toBe('lost');
      const fault = await rejection(broken.shell('echo never', { stdout: () => {}, stderr: () => {} }));
      expect(fault).toBeInstanceOf(ConnectFault);
      expect(fault).toMatchObject({ code: 'lost' });
      await broken.close();
      await broken.close();
    });

    test('a write that waits for it comes back', async () => {
      const { broken, shell, server } = await watched();
      const writing = shell.write('x'.repeat(8 * 1024 * 1024));
      process.kill(server, 'SIGKILL');
      await writing;
      expect((await shell.ended).kind).toBe('lost');
      await broken.close();
    });

    test('a host that falls silent is lost', async () => {
      let silent = false;
      const proxy = createServer((near) => {
        const far = connect({ host: '127.0.0.1', port: sshd.port });
        for (const [from, to] of [[near, far] as const, [far, near] as const]) {
          from.on('data', (chunk) => silent || to.write(chunk));
          from.on('error', () => {});
          from.on('close', () => to.destroy());
        }
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      const transport = transportTo(sshd, {
        keepalive: { interval: 0.2, count: 3 },
        acceptNewHostKeys: true,
        knownHostsFiles: [join(sshd.dir, 'via_proxy')],
      });
      const through = await transport.connect(targetOf({ address: '127.0.0.1', port }));
      const shell = await through.shell('sleep 30', { stdout: () => {}, stderr: () => {} });
      silent = true;
      expect(await shell.ended).toEqual({ kind: 'lost', why: 'the host stopped answering' });
      await through.close();
      proxy.close();
    });

    test('closing it is the end of its shells too', async () => {
      const { broken, shell } = await watched();
      await broken.close();
      expect((await shell.ended).kind).toBe('lost');
    });
  });

  describe('authentication', () => {
    const faultOf = async (connecting: Promise<Connection>) => {
      const fault = await rejection(connecting);
      expect(fault).toBeInstanceOf(ConnectFault);
      return fault as ConnectFault;
    };
    const worked = async (connecting: Promise<Connection>) => {
      const opened = await connecting;
      expect((await run(opened, 'echo in')).stdout).toBe('in\n');
      await opened.close();
    };

    test("the target's own key file", async () => {
      await worked(
        transportTo(sshd, { identityFiles: [] }).connect(targetOf(sshd, { privateKeyFile: sshd.clientKey })),
      );
    });

    test.each(['rsa', 'ecdsa'])('a key of type %s', async (type) => {
      const key = join(sshd.dir, `id_${type}`);
      generateKey(key, { type });
      sshd.authorize(readFileSync(`${key}.pub`, 'utf8'));
      await worked(transportTo(sshd, { identityFiles: [key] }).connect(targetOf(sshd)));
    });

    test('the second of two default keys', async () => {
      const other = join(sshd.dir, 'unknown_key');
      generateKey(other);
      const missing = join(sshd.dir, 'none');
      await worked(transportTo(sshd, { identityFiles: [missing, other, sshd.clientKey] }).connect(targetOf(sshd)));
    });

    test('an encrypted key: asked for once a run, for all hosts', async () => {
      const key = join(sshd.dir, 'encrypted');
      generateKey(key, { passphrase: 'open sesame' });
      sshd.authorize(readFileSync(`${key}.pub`, 'utf8'));
      const prompts: string[] = [];
      const transport = transportTo(sshd, {
        identityFiles: [key],
        ask: async (prompt) => {
          prompts.push(prompt);
          return new Secret(prompts.length === 1 ? 'a slip' : 'open sesame');
        },
      });
      await Promise.all([worked(transport.connect(targetOf(sshd))), worked(transport.connect(targetOf(sshd)))]);
      await worked(transport.connect(targetOf(sshd, { privateKeyFile: key })));
      expect(prompts).toEqual([`Passphrase for ${key}: `, `Wrong passphrase. Passphrase for ${key}: `]);
    });

    test.each(['rsa', 'ecdsa'])('an encrypted %s key in the old PEM format', async (type) => {
      const key = join(sshd.dir, `pem_${type}`);
      generateKey(key, { type, passphrase: 'open sesame', format: 'PEM' });
      sshd.authorize(readFileSync(`${key}.pub`, 'utf8'));
      const ask = async () => new Secret('open sesame');
      await worked(transportTo(sshd, { ask }).connect(targetOf(sshd, { privateKeyFile: key })));
    });

    test('a key is offered with its signature, without the round trip of asking first', async () => {
      const log = sshd.log().length;
      await worked(transportTo(sshd).connect(targetOf(sshd)));
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(sshd.log().slice(log)).toMatch(/Accepted publickey/);
      expect(sshd.log().slice(log)).not.toMatch(/Postponed publickey/);
    });

    test('a file that is no key', async () => {
      const key = join(sshd.dir, 'rubbish');
      writeFileSync(key, 'rubbish\n');
      const fault = await faultOf(transportTo(sshd).connect(targetOf(sshd, { privateKeyFile: key })));
      expect(fault.message).toContain('is no private key that can be used here');
    });

    test('more keys than the server allows attempts', async () => {
      const keys = Array.from({ length: 7 }, (_, index) => join(sshd.dir, `many_${index}`));
      for (const key of keys) generateKey(key);
      const fault = await faultOf(transportTo(sshd, { identityFiles: keys }).connect(targetOf(sshd)));
      expect(fault.code).toBe('authentication');
      expect(fault.message).toContain('Too many authentication failures');
      expect(fault.fix).toContain('--private-key');
    });

    test('an encrypted key that nobody unlocks', async () => {
      const key = join(sshd.dir, 'locked');
      generateKey(key, { passphrase: 'open sesame' });
      const fault = await faultOf(
        transportTo(sshd, { ask: async () => null }).connect(targetOf(sshd, { privateKeyFile: key })),
      );
      expect(fault.code).toBe('authentication');
      expect(fault.message).toContain(`${key} (is encrypted, and no passphrase was given)`);
    });

    test('a wrong key: what was tried, and what the server takes', async () => {
      const key = join(sshd.dir, 'wrong');
      generateKey(key);
      const fault = await faultOf(transportTo(sshd).connect(targetOf(sshd, { privateKeyFile: key })));
      expect(fault.code).toBe('authentication');
      expect(fault.message).toContain(`tried ${key}`);
      expect(fault.message).toContain('the server takes publickey');
      expect(fault.fix).toContain('authorized_keys');
    });

    test('a user who is not there', async () => {
      const fault = await faultOf(transportTo(sshd).connect(targetOf(sshd, { user: 'nobody-of-that-name' })));
      expect(fault.code).toBe('authentication');
      expect(fault.message).toContain('nobody-of-that-name@127.0.0.1');
    });

    test('nothing to authenticate with', async () => {
      const fault = await faultOf(
        transportTo(sshd, { identityFiles: [join(sshd.dir, 'none')] }).connect(targetOf(sshd)),
      );
      expect(fault.message).toContain('nothing to authenticate with was found');
      expect(fault.message).toContain('SSH_AUTH_SOCK is not set');
    });

    describe.skipIf(!needs('ssh-agent'))('by ssh-agent', () => {
      let env: { SSH_AUTH_SOCK: string };
      let pid: number;
      beforeAll(() => {
        const socket = join(sshd.dir, 'agent');
        pid = Number(
          /SSH_AGENT_PID=(\d+)/.exec(execFileSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' }))?.[1],
        );
        env = { SSH_AUTH_SOCK: socket };
        const other = join(sshd.dir, 'other_in_agent');
        generateKey(other, { type: 'rsa' });
        for (const key of [other, sshd.clientKey]) execFileSync('ssh-add', ['-q', key], { env });
      });
      afterAll(() => process.kill(pid));

      test('the second of its two keys', async () => {
        await worked(transportTo(sshd, { env, identityFiles: [] }).connect(targetOf(sshd)));
      });

      test('a named encrypted key that it holds is not asked for', async () => {
        const key = join(sshd.dir, 'in_agent');
        generateKey(key);
        sshd.authorize(readFileSync(`${key}.pub`, 'utf8'));
        execFileSync('ssh-add', ['-q', key], { env });
        execFileSync('ssh-keygen', ['-q', '-p', '-N', 'secret', '-P', '', '-f', key]);
        await worked(transportTo(sshd, { env, ask: null }).connect(targetOf(sshd, { privateKeyFile: key })));
        await worked(transportTo(sshd, { env, ask: null }).connect(targetOf(sshd, { privateKeyFile: `${key}.pub` })));
      });

      test('an agent that is gone leaves the key files', async () => {
        const gone = { SSH_AUTH_SOCK: join(sshd.dir, 'no-agent') };
        await worked(transportTo(sshd, { env: gone }).connect(targetOf(sshd)));
      });
    });
  });

  describe('host keys', () => {
    const withKnownHosts = (text: string, acceptNewHostKeys = false) => {
      const file = join(sshd.dir, 'these_hosts');
      writeFileSync(file, text);
      const transport = transportTo(sshd, { knownHostsFiles: [file], acceptNewHostKeys });
      return { file, connecting: transport.connect(targetOf(sshd)) };
    };
    const other = () => {
      const key = join(sshd.dir, `other_host_${Math.random().toString(36).slice(2)}`);
      generateKey(key);
      return readFileSync(`${key}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
    };

    test('unknown: refused with the fingerprint, before any key is offered', async () => {
      const log = sshd.log().length;
      const fault = await rejection(withKnownHosts('').connecting);
      expect(fault).toMatchObject({ code: 'host-key-unknown' });
      expect((fault as ConnectFault).message).toMatch(/ssh-ed25519 SHA256:/);
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect(sshd.log().slice(log)).not.toMatch(/Accepted|Failed|publickey/);
    });

    test('unknown, but to be accepted: recorded, and known from then on', async () => {
      const { file, connecting } = withKnownHosts('', true);
      await (await connecting).close();
      expect(readFileSync(file, 'utf8')).toBe(sshd.knownHosts());
      await (await transportTo(sshd, { knownHostsFiles: [file] }).connect(targetOf(sshd))).close();
    });

    test('hashed', async () => {
      const file = join(sshd.dir, 'hashed');
      writeFileSync(file, sshd.knownHosts());
      execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
      await (await withKnownHosts(readFileSync(file, 'utf8')).connecting).close();
    });

    test('known by its second type of key: that one is asked for', async () => {
      await (await withKnownHosts(sshd.knownHosts('rsa')).connecting).close();
    });

    test('changed', async () => {
      const fault = await rejection(withKnownHosts(`[127.0.0.1]:${sshd.port} ${other()}\n`, true).connecting);
      expect(fault).toMatchObject({ code: 'host-key-changed' });
    });

    test('revoked', async () => {
      const text = `${sshd.knownHosts()}@revoked * ${sshd.hostKey()}\n`;
      expect(await rejection(withKnownHosts(text, true).connecting)).toMatchObject({ code: 'host-key-revoked' });
    });

    test('a known_hosts that cannot be understood', async () => {
      expect(await rejection(withKnownHosts(`${sshd.knownHosts()}???\n`, true).connecting)).toMatchObject({
        code: 'host-key-unknown',
      });
    });
  });

  describe('no common algorithms', () => {
    let old: Sshd;
    beforeAll(async () => {
      old = await startSshd({
        hostKeys: ['rsa'],
        config: [
          'KexAlgorithms diffie-hellman-group14-sha1',
          'Ciphers aes128-cbc,3des-cbc',
          'MACs hmac-sha1,hmac-md5',
          'HostKeyAlgorithms ssh-rsa',
          'PubkeyAcceptedAlgorithms +ssh-rsa',
        ],
      });
    });
    afterAll(() => old?.stop());

    test('names what the host offers, and the profile that allows it', async () => {
      const fault = await rejection(transportTo(old).connect(targetOf(old)));
      expect(fault).toMatchObject({ code: 'algorithms' });
      expect((fault as ConnectFault).message).toContain('diffie-hellman-group14-sha1');
      expect((fault as ConnectFault).fix).toContain('ipsec_ssh_profile: el5');
    });

    test('the profile el5 does', async () => {
      const opened = await transportTo(old).connect(targetOf(old, { sshProfile: 'el5' }));
      expect((await run(opened, 'echo old')).stdout).toBe('old\n');
      await opened.close();
    });
  });
});

describe('hosts that cannot be reached', () => {
  const nowhere = { address: '127.0.0.1', dir: '/nonexistent', user: 'root', clientKey: '/nonexistent/key' };
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  const listen = async (answer: (socket: Socket) => void): Promise<number> => {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      answer(socket);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  };
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
  });
  const faultAt = async (port: number, address = nowhere.address) => {
    const transport = transportTo({ ...nowhere, port } as unknown as Sshd, { knownHostsFiles: [] });
    const begin = performance.now();
    const fault = await rejection(transport.connect(targetOf({ address, port }, { connectTimeout: 1 })));
    expect(performance.now() - begin).toBeLessThan(10_000);
    expect(fault).toBeInstanceOf(ConnectFault);
    expect((fault as ConnectFault).fix).toBeTruthy();
    return fault as ConnectFault;
  };

  test('refused', async () => {
    expect(await faultAt(await freePort())).toMatchObject({ code: 'refused' });
  });

  test('a name without an address', async () => {
    expect(await faultAt(22, 'no-such-host.invalid')).toMatchObject({ code: 'dns' });
  });

  test('a port that accepts and never answers', async () => {
    const fault = await faultAt(await listen(() => {}));
    expect(fault.code).toBe('timeout');
    expect(fault.message).toContain('no SSH greeting');
  });

  test('a server that stops in the key exchange', async () => {
    const fault = await faultAt(await listen((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')));
    expect(fault.code).toBe('timeout');
    expect(fault.message).toContain('key-exchange');
  });

  test('a port that closes at once', async () => {
    expect(await faultAt(await listen((socket) => socket.end()))).toMatchObject({ code: 'network' });
  });

  test('a port that speaks something else', async () => {
    const fault = await faultAt(await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
    expect(fault.code).toBe('timeout');
    expect(fault.message).toContain('no SSH greeting');
  });

  test('a reset', async () => {
    expect(await faultAt(await listen((socket) => socket.resetAndDestroy()))).toMatchObject({ code: 'network' });
  });
});
