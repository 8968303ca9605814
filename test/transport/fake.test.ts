import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Target } from '../../src/model/host.ts';
import { fakeTransport, shellHost } from '../../src/transport/fake.ts';
import { ConnectFault } from '../../src/transport/transport.ts';
import { rejection, run } from '../support/ssh-hosts.ts';

const gw: Target = { name: 'gw', connection: 'ssh', address: 'gw', port: 22, connectTimeout: 10 };

test('a scripted host answers, and all that it was sent is on record', async () => {
  const fake = fakeTransport({
    gw: {
      shell: async (session) => {
        session.stdout(`shell ${session.number}\n`);
        const line = await session.readUntil('\n');
        session.stdout(`got ${line}`);
        session.stderr(`rest ${await session.read()}`);
        session.exit(line === 'fail\n' ? 1 : 0);
      },
    },
  });
  const connection = await fake.connect(gw);
  const first = await run(connection, 'probe', async (shell) => {
    await shell.write('fa');
    await shell.write('il\nmore');
  });
  expect(first).toEqual({ stdout: 'shell 0\ngot fail\n', stderr: 'rest more', end: { kind: 'exit', code: 1 } });
  expect((await run(connection, 'again')).stdout).toBe('shell 1\ngot null');
  expect(fake.records).toEqual([
    { host: 'gw', program: 'probe', stdin: 'fail\nmore' },
    { host: 'gw', program: 'again', stdin: '' },
  ]);
  expect(fake.open).toBe(1);
  await connection.close();
  expect(fake.open).toBe(0);
  expect(fake.connections).toEqual(['gw']);
});

test('a connection that breaks takes every shell with it', async () => {
  const fake = fakeTransport({
    gw: {
      shell: async (session) => {
        await session.read();
        session.stdout('half');
        session.lose('reset');
        session.stdout('never');
      },
    },
  });
  const connection = await fake.connect(gw);
  const other = await connection.shell('waits', { stdout: () => {}, stderr: () => {} });
  const ran = await run(connection, 'x', (shell) => shell.write('go'));
  expect(ran).toEqual({ stdout: 'half', stderr: '', end: { kind: 'lost', why: 'reset' } });
  expect(await other.ended).toEqual({ kind: 'lost', why: 'reset' });
  expect(await rejection(run(connection, 'y'))).toMatchObject({ code: 'lost' });
});

test('a host that refuses, one that is slow, and one that is unknown', async () => {
  const fault = new ConnectFault('refused', 'no');
  const fake = fakeTransport({ bad: { refuse: fault, shell: () => {} }, slow: { delay: 50, shell: () => {} } });
  expect(await rejection(fake.connect({ ...gw, name: 'bad' }))).toBe(fault);
  expect(await rejection(fake.connect(gw))).toMatchObject({ code: 'dns' });
  const begin = performance.now();
  const slow = await fake.connect({ ...gw, name: 'slow' });
  expect(performance.now() - begin).toBeGreaterThan(40);
  expect((await run(slow, 'x')).end).toEqual({ kind: 'exit', code: 0 });
});

test('a host with real shells in a folder of its own', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'fake-'));
  try {
    const fake = fakeTransport({ gw: shellHost({ cwd }), cut: shellHost({ cwd, loseAt: 'half' }) });
    const ran = await run(await fake.connect(gw), 'cat > file; echo err >&2; exit 3', (shell) =>
      shell.write('\xff\x00a'),
    );
    expect(ran).toEqual({ stdout: '', stderr: 'err\n', end: { kind: 'exit', code: 3 } });
    expect(readFileSync(join(cwd, 'file'), 'latin1')).toBe('\xff\x00a');
    const cut = await run(await fake.connect({ ...gw, name: 'cut' }), 'echo half; exec sh', async (shell) => {
      await shell.ended;
    });
    expect(cut.end).toEqual({ kind: 'lost', why: 'the cable was pulled' });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
