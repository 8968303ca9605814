import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StopSignal } from '../../src/engine/host-run.ts';
import { exitCodeOf } from '../../src/engine/result.ts';
import { ConnectFault, type Connection, type Transport } from '../../src/transport/transport.ts';
import { fakeTimer } from '../support/fake-timer.ts';
import { play, task, toyRun } from '../support/toy-engine.ts';
import { until } from '../support/until.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stop-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A host that does not answer before it is told to. */
function silentHost() {
  const calls: { resolve(connection: Connection): void; reject(fault: ConnectFault): void }[] = [];
  let closed = 0;
  const transport: Transport = {
    connect: () => new Promise((resolve, reject) => calls.push({ resolve, reject })),
  };
  const connection: Connection = {
    shell: () => Promise.reject(new Error('nobody may start anything any more')),
    close: async () => {
      closed += 1;
    },
  };
  return { transport, calls, connection, closed: () => closed };
}

/** A wish to stop, as Ctrl-C is. */
function wish(): StopSignal & { request(): void } {
  const callbacks = new Set<() => void>();
  let requested = false;
  return {
    get requested() {
      return requested;
    },
    onRequest: (callback) => {
      callbacks.add(callback);
      return () => void callbacks.delete(callback);
    },
    request: () => {
      requested = true;
      for (const callback of [...callbacks]) callback();
    },
  };
}

const plays = [play({ a: [task('1', 'write', { path: '/etc/x', text: 'x' })] })];

describe('a host that is still being connected to', () => {
  test('is not waited for when the run is to stop, and left when it answers after all', async () => {
    const host = silentHost();
    const stop = wish();
    const run = toyRun(root, plays, { transport: host.transport, stop });
    await until(() => host.calls.length === 1);
    stop.request();
    const outcome = await run;
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'interrupted' } });
    expect(outcome.hosts.get('a')?.error?.message).toContain('while it was being connected to');
    expect(exitCodeOf('apply', outcome)).toBe(130);
    host.calls[0]?.resolve(host.connection);
    await until(() => host.closed() === 1);
  });

  test('is not waited for when the time of the run is over', async () => {
    const host = silentHost();
    const clock = fakeTimer();
    const limits = { command: null, total: 600, spent: 0, timer: clock.timer };
    const run = toyRun(root, plays, { transport: host.transport, limits });
    await until(() => host.calls.length === 1);
    clock.fire(600_000);
    expect((await run).hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'total-timeout' } });
    host.calls[0]?.reject(new ConnectFault('timeout', 'nobody waits for this'));
  });

  test('has the last word where it has one', async () => {
    const host = silentHost();
    const stop = wish();
    const run = toyRun(root, plays, { transport: host.transport, stop });
    await until(() => host.calls.length === 1);
    // As a transport that waits for its next attempt.
    stop.onRequest(() => host.calls[0]?.reject(new ConnectFault('refused', 'it refuses')));
    stop.request();
    expect((await run).hosts.get('a')).toMatchObject({ status: 'unreachable', error: { code: 'refused' } });
  });
});
