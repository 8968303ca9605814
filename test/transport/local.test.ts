import { describe, expect, test } from 'vitest';
import type { Target } from '../../src/model/host.ts';
import { Secret } from '../../src/model/secret.ts';
import { localTransport } from '../../src/transport/local.ts';
import { transportFor } from '../../src/transport/pick.ts';
import { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { rejection, run } from '../support/ssh-hosts.ts';

const here: Target = { name: 'here', connection: 'local', address: 'localhost', port: 22, connectTimeout: 10 };
const connect = (target = here) => localTransport().connect(target);

describe('this machine', () => {
  test('outputs, stdin and the exit code', async () => {
    const ran = await run(await connect(), 'cat; echo err >&2; exit 3', (shell) => shell.write('in'));
    expect(ran).toEqual({ stdout: 'in', stderr: 'err\n', end: { kind: 'exit', code: 3 } });
  });

  test('every byte, and more of them than a pipe holds', async () => {
    const bytes = Array.from({ length: 3_000_000 }, (_, index) => String.fromCharCode((index * 7) % 256)).join('');
    const ran = await run(await connect(), 'cat', (shell) => shell.write(bytes));
    expect(ran.stdout === bytes).toBe(true);
  });

  test('a signal', async () => {
    expect((await run(await connect(), 'kill -KILL $$')).end).toEqual({ kind: 'signal', signal: 'SIGKILL' });
  });

  test('a long program', async () => {
    const ran = await run(await connect(), `: ${'x'.repeat(300_000)}\ncat`, (shell) => shell.write('rest'));
    expect(ran.stdout).toBe('rest');
  });

  test('a daemon that keeps the output open does not hold up the end', async () => {
    const begin = performance.now();
    expect((await run(await connect(), 'sleep 30 & echo done')).stdout).toBe('done\n');
    expect(performance.now() - begin).toBeLessThan(15_000);
  });

  test('a program that does not read its stdin', async () => {
    const ran = await run(await connect(), 'exit 2', (shell) => shell.write('x'.repeat(1_000_000)));
    expect(ran.end).toEqual({ kind: 'exit', code: 2 });
  });

  test('closing loses what is running', async () => {
    const connection = await connect();
    const shell = await connection.shell('cat', { stdout: () => {}, stderr: () => {} });
    await connection.close();
    expect((await shell.ended).kind).toBe('lost');
    await connection.close();
  });

  test('an environment of its own', async () => {
    const connection = await localTransport({ env: { PATH: '/usr/bin:/bin', MARK: 'here' }, cwd: '/' }).connect(here);
    expect((await run(connection, 'echo "$MARK"; pwd')).stdout).toBe('here\n/\n');
  });

  test('a folder that is not there is a fault, not a crash', async () => {
    const connection = await localTransport({ cwd: '/no/such/folder' }).connect(here);
    expect(await rejection(run(connection, ':'))).toBeInstanceOf(ConnectFault);
  });

  test.skipIf(!needs('root', 'sudo'))('as another user by sudo', async () => {
    const become = { method: 'sudo', user: 'nobody', password: new Secret('echo STOLEN') } as const;
    const ran = await run(await connect({ ...here, become }), 'id -un; cat', (shell) => shell.write('in'));
    expect(ran).toEqual({ stdout: 'nobody\nin', stderr: '', end: { kind: 'exit', code: 0 } });
    const nosuch = { ...become, user: 'no-such-user' };
    expect(await rejection(run(await connect({ ...here, become: nosuch }), ':'))).toMatchObject({ code: 'become' });
  });
});

test('the transport is chosen by ansible_connection', async () => {
  const chosen: string[] = [];
  const remember = (name: string) => ({
    connect: async (target: Target) => {
      chosen.push(`${target.name} ${name}`);
      return connect();
    },
  });
  const transport = transportFor({ ssh: remember('ssh'), local: remember('local') });
  await transport.connect(here);
  await transport.connect({ ...here, name: 'there', connection: 'ssh' });
  expect(chosen).toEqual(['here local', 'there ssh']);
});
