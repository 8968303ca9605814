import { createServer, connect as dial } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Target } from '../../src/model/host.ts';
import { ConnectFault, type ConnectFaultCode, type Connection, type Transport } from '../../src/transport/transport.ts';
import { type RetryOptions, withRetries } from '../../src/transport/with-retries.ts';
import { needs } from '../support/needs.ts';
import { rejection, run, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { freePort, startSshd } from '../support/sshd.ts';

const connection: Connection = { shell: () => Promise.reject(new Error('not here')), close: async () => {} };
const target = (retries?: number): Target => targetOf({ address: '192.0.2.1', port: 22 }, { retries });

/** Fails so many times with this fault, then connects. */
function failing(times: number, fault: ConnectFault): Transport & { readonly attempts: number } {
  let attempts = 0;
  return {
    get attempts() {
      return attempts;
    },
    connect: async () => {
      attempts += 1;
      if (attempts <= times) throw fault;
      return connection;
    },
  };
}

function recorded(options: RetryOptions = {}) {
  const waits: number[] = [];
  const said: string[] = [];
  const withThese: RetryOptions = {
    second: 0,
    onRetry: ({ name }, { message }, attempt, seconds) => {
      waits.push(seconds);
      said.push(`${name} ${attempt}: ${message}`);
    },
    ...options,
  };
  return { waits, said, options: withThese };
}

const refused = new ConnectFault('refused', '192.0.2.1 port 22 refuses the connection', 'Start sshd.');

describe('another attempt', () => {
  test('is made as often as the target says, at growing distances', async () => {
    const transport = failing(7, refused);
    const { waits, said, options } = recorded();
    expect(await withRetries(transport, options).connect(target(7))).toBe(connection);
    expect(transport.attempts).toBe(8);
    expect(waits).toEqual([1, 2, 4, 8, 15, 15, 15]);
    expect(said[0]).toBe('gw 1: 192.0.2.1 port 22 refuses the connection');
  });

  test.each([undefined, 0])('is not made where nobody asks for it: %s', async (retries) => {
    const transport = failing(1, refused);
    expect(await rejection(withRetries(transport, recorded().options).connect(target(retries)))).toBe(refused);
    expect(transport.attempts).toBe(1);
  });

  test('the last fault says how many there were', async () => {
    const transport = failing(9, refused);
    const fault = await rejection(withRetries(transport, recorded().options).connect(target(2)));
    expect(transport.attempts).toBe(3);
    expect(fault).toBeInstanceOf(ConnectFault);
    expect(fault).toMatchObject({
      code: 'refused',
      message: '192.0.2.1 port 22 refuses the connection (after 3 attempts)',
      fix: 'Start sshd.',
    });
  });

  test.each<ConnectFaultCode>([
    'dns',
    'authentication',
    'host-key-unknown',
    'host-key-changed',
    'host-key-revoked',
    'algorithms',
    'ssh-config',
    'jump-loop',
    'become',
    'lost',
  ])('is not made after a fault that does not pass: %s', async (code) => {
    const fault = new ConnectFault(code, 'it is so');
    const transport = failing(9, fault);
    expect(await rejection(withRetries(transport, recorded().options).connect(target(5)))).toBe(fault);
    expect(transport.attempts).toBe(1);
  });

  test.each<ConnectFaultCode>(['refused', 'timeout', 'network', 'proxy'])('is made after: %s', async (code) => {
    const transport = failing(1, new ConnectFault(code, 'for now'));
    expect(await withRetries(transport, recorded().options).connect(target(1))).toBe(connection);
  });

  test('a name service that does not answer now may answer later', async () => {
    const transport = failing(1, new ConnectFault('dns', 'for now', undefined, { passing: true }));
    expect(await withRetries(transport, recorded().options).connect(target(1))).toBe(connection);
  });

  test('is not made when the fault has become another one', async () => {
    const wrong = new ConnectFault('authentication', 'refused for good');
    const faults = [refused, wrong];
    const transport: Transport = { connect: () => Promise.reject(faults.shift() ?? new Error('too often')) };
    const fault = await rejection(withRetries(transport, recorded().options).connect(target(5)));
    expect(fault).toMatchObject({ code: 'authentication', message: 'refused for good (after 2 attempts)' });
  });

  test('a bug is none of its business', async () => {
    const bug = new TypeError('x is not a function');
    const transport: Transport = { connect: () => Promise.reject(bug) };
    expect(await rejection(withRetries(transport, recorded().options).connect(target(5)))).toBe(bug);
  });

  test('is given up when the run is interrupted', async () => {
    const transport = failing(9, refused);
    const callbacks = new Set<() => void>();
    const stop = {
      requested: false,
      onRequest: (callback: () => void) => {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    };
    const { options } = recorded({ stop, second: 60_000 });
    const begin = performance.now();
    const connecting = rejection(withRetries(transport, options).connect(target(5)));
    await new Promise((resolve) => setTimeout(resolve, 20));
    stop.requested = true;
    for (const callback of [...callbacks]) callback();
    expect(await connecting).toBe(refused);
    expect(performance.now() - begin).toBeLessThan(10_000);
    expect(transport.attempts).toBe(1);
    expect(callbacks.size).toBe(0);
  });
});

describe.skipIf(!needs('sshd'))('a host that comes up late', () => {
  const close: (() => unknown)[] = [];
  afterEach(async () => {
    for (const each of close.splice(0)) await each();
  });

  test('is reached', async () => {
    const port = await freePort();
    const { said, options } = recorded({ second: 700 });
    const there = { address: '127.0.0.1', port };
    const sshd = new Promise<Awaited<ReturnType<typeof startSshd>>>((resolve) =>
      setTimeout(() => resolve(startSshd({ port })), 500),
    );
    const late: Transport = {
      // Its keys are known only when it is there.
      connect: async (to) =>
        transportTo(started ?? ({ ...there, dir: '/nonexistent' } as never), {
          ...(started ? {} : { knownHostsFiles: [] }),
        }).connect(to),
    };
    let started: Awaited<typeof sshd> | null = null;
    sshd.then((it) => {
      started = it;
      close.push(() => it.stop());
    });
    const reached = await withRetries(late, options).connect(targetOf(there, { retries: 6 }));
    expect((await run(reached, 'echo up')).stdout).toBe('up\n');
    expect(said.length).toBeGreaterThan(0);
    expect(said[0]).toContain('refuses the connection');
    await reached.close();
  });

  test('behind a port that closes at first, as a busy sshd does', async () => {
    const sshd = await startSshd();
    close.push(() => sshd.stop());
    let connections = 0;
    const door = createServer((near) => {
      near.on('error', () => {});
      connections += 1;
      if (connections < 3) return void near.end();
      const far = dial({ host: '127.0.0.1', port: sshd.port });
      far.on('error', () => {});
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    close.push(() => door.close());
    const { port } = door.address() as { port: number };
    const there = targetOf({ address: '127.0.0.1', port }, { retries: 2 });
    const { said, options } = recorded();
    const transport = transportTo(sshd, { hostKeyAlias: `[127.0.0.1]:${sshd.port}` });
    const reached = await withRetries(transport, options).connect(there);
    expect(said).toHaveLength(2);
    expect(said[1]).toContain('does not speak SSH');
    await reached.close();
  });

  test('authentication is tried once', async () => {
    const sshd = await startSshd();
    close.push(() => sshd.stop());
    const transport = withRetries(transportTo(sshd, { identityFiles: [] }), recorded().options);
    const fault = await rejection(transport.connect(targetOf(sshd, { retries: 5 })));
    expect(fault).toMatchObject({ code: 'authentication' });
    expect(sshd.log().match(/Connection from/g)).toHaveLength(1);
  });
});
