import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConnectFault } from '../../src/transport/transport.ts';
import { play, shellTransport, task, toyRun } from '../support/toy-engine.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'run-'));
  for (const host of ['a', 'b', 'c', 'd']) mkdirSync(join(root, host, 'etc'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const read = (host: string, path: string) =>
  existsSync(join(root, host, path)) ? readFileSync(join(root, host, path), 'utf8') : null;

describe('one host', () => {
  test('apply makes the change and proves it, a second apply finds nothing to do', async () => {
    const plays = [play({ a: [task('1', 'write', { path: '/etc/x', text: "it's\n" })] })];
    const first = await toyRun(root, plays);
    expect(first.statuses).toEqual(['a 1 changed']);
    expect(first.hosts.get('a')?.status).toBe('changed');
    expect(read('a', 'etc/x')).toBe("it's\n");
    expect(first.events.map(({ type }) => type)).toContain('host-proving');

    const second = await toyRun(root, plays);
    expect(second.statuses).toEqual(['a 1 ok']);
    expect(second.hosts.get('a')?.status).toBe('ok');
  });

  test('one connection; five writes for a change: prepare, commit, let go, read again, confirm; none for nothing', async () => {
    const connects: string[] = [];
    const writes: string[] = [];
    const plays = [
      play({
        a: [task('1', 'write', { path: '/etc/x', text: 'x' }), task('2', 'write', { path: '/etc/y', text: 'y' })],
      }),
    ];
    await toyRun(root, plays, { transport: shellTransport({ connects, writes }) });
    expect(connects).toEqual(['a']);
    expect(writes.map((bytes) => /(?:ip_b |"\$ip_l" )(lock|commit|f0|confirm)\b/.exec(bytes)?.[1] ?? bytes)).toEqual([
      'lock',
      'commit',
      '\n',
      'f0',
      'confirm',
    ]);
    await toyRun(root, plays, { transport: shellTransport({ connects, writes }) });
    expect({ connects, writes: writes.length }).toEqual({ connects: ['a', 'a'], writes: 5 });
  });

  test('after a step that may cut the host off only a new connection is proof', async () => {
    const connects: string[] = [];
    const plays = [play({ a: [task('1', 'action', { script: ':', disruptive: 'restarts the network' })] })];
    const { statuses } = await toyRun(root, plays, { transport: shellTransport({ connects }) });
    expect(statuses).toEqual(['a 1 changed']);
    expect(connects).toEqual(['a', 'a']);
  });

  test('check writes nothing, and shows the very diff that apply makes', async () => {
    const plays = [play({ a: [task('1', 'write', { path: '/etc/x', text: 'x' })] })];
    const check = await toyRun(root, plays, { command: 'check' });
    expect(check.statuses).toEqual(['a 1 changed']);
    expect(read('a', 'etc/x')).toBeNull();
    const apply = await toyRun(root, plays);
    expect(apply.hosts.get('a')?.tasks[0]?.diff).toEqual(check.hosts.get('a')?.tasks[0]?.diff);
  });

  test('a task is planned against what the ones before it will have done', async () => {
    const tasks = [
      task('1', 'write', { path: '/etc/x', text: 'one' }),
      task('2', 'write', { path: '/etc/x', text: 'one' }),
    ];
    const check = await toyRun(root, [play({ a: tasks })], { command: 'check' });
    expect(check.statuses).toEqual(['a 1 changed', 'a 2 ok']);
  });

  const BACK = 'On this host the old state was put back, and is proven by reading the host again';

  test('the first failure stops the host there and takes back what was done: its name, its stderr, what did not run', async () => {
    const tasks = [
      task('1', 'write', { path: '/etc/x', text: 'x' }),
      task('2', 'action', { script: 'echo out; echo "no such thing" >&2; exit 7' }),
      task('3', 'write', { path: '/etc/y', text: 'y' }),
    ];
    const outcome = await toyRun(root, [play({ a: tasks })]);
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 failed', 'a 3 skipped']);
    const [first, second, third] = outcome.hosts.get('a')?.tasks ?? [];
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'failed',
      error: { code: 'task-failed', message: `task 2: exit 7: no such thing. ${BACK}` },
    });
    expect(first?.error).toEqual({ code: 'put-back', message: 'it was made, and taken back' });
    expect(second?.error).toEqual({ code: 'task-failed', message: 'exit 7: no such thing' });
    expect(third?.error).toEqual({ code: 'not-run', message: 'not run' });
    expect(read('a', 'etc/x')).toBeNull();
    expect(read('a', 'etc/y')).toBeNull();
    const told = outcome.events.map(({ type }) => type);
    expect(told.slice(-3)).toEqual(['host-restoring', 'host-finished', 'run-finished']);
    expect(readdirSync(join(root, 'a/var/lib/ipsec-play/runs'))).toEqual([]);
  });

  test('what a command did is not taken back, and that is said', async () => {
    writeFileSync(join(root, 'a/etc/x'), 'old');
    const tasks = [
      task('1', 'action', { script: 'echo changed > etc/x' }),
      task('x', 'write', { path: '/etc/x', text: 'old' }),
      task('2', 'action', { script: 'exit 7' }),
    ];
    const outcome = await toyRun(root, [play({ a: tasks })]);
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a x ok', 'a 2 failed']);
    expect(outcome.hosts.get('a')?.error).toEqual({
      code: 'task-failed',
      message: 'task 2: exit 7. On this host the old state was put back, but this is not as it was: file /etc/x',
    });
    expect(read('a', 'etc/x')).toBe('changed\n');
  });

  test('a blocked task: nothing at all is changed', async () => {
    const tasks = [
      task('1', 'write', { path: '/etc/x', text: 'x' }),
      task('2', 'write', { path: '/etc/y', text: 'y', blocked: true }),
    ];
    const outcome = await toyRun(root, [play({ a: tasks })]);
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 blocked']);
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'blocked' } });
    expect(read('a', 'etc/x')).toBeNull();
  });

  test('what something undoes meanwhile is not reported as done', async () => {
    const tasks = [task('1', 'write', { path: '/etc/x', text: 'x' }), task('2', 'action', { script: 'rm etc/x' })];
    const outcome = await toyRun(root, [play({ a: tasks })]);
    expect(outcome.statuses).toEqual(['a 1 failed', 'a 2 skipped']);
    expect(outcome.hosts.get('a')?.error?.code).toBe('not-settled');
  });

  test('a set -e holds in the middle of a task too', async () => {
    const outcome = await toyRun(root, [play({ a: [task('1', 'action', { script: 'false; touch etc/after' })] })]);
    expect(outcome.statuses).toEqual(['a 1 failed']);
    expect(existsSync(join(root, 'a/etc/after'))).toBe(false);
  });

  test('nothing a task prints can pass for the end of it', async () => {
    const script = `printf '\\n@@n1 e t0 0\\n'; printf '\\n@@nonce e done 0\\n'; exit 9`;
    const outcome = await toyRun(root, [play({ a: [task('1', 'action', { script })] })]);
    expect(outcome.hosts.get('a')?.error?.message).toContain('exit 9');
  });

  test('a task that reads stdin does not eat the rest of the script', async () => {
    const tasks = [
      task('1', 'action', { script: 'cat > etc/eaten' }),
      task('2', 'write', { path: '/etc/y', text: 'y' }),
    ];
    expect((await toyRun(root, [play({ a: tasks })])).statuses).toEqual(['a 1 changed', 'a 2 changed']);
    expect(read('a', 'etc/eaten')).toBe('');
  });
});

test('a file that changes size whenever it is read: nothing is done, and it is no fault of the connection', async () => {
  writeFileSync(join(root, 'a/etc/log'), 'x');
  const steady = shellTransport();
  // A stat that is always one byte behind.
  const growth = `stat() { command stat "$@"; printf x >> ${root}/a/etc/log; }\n`;
  const growing = {
    connect: async (target: Parameters<typeof steady.connect>[0]) => {
      const connection = await steady.connect(target);
      return {
        ...connection,
        shell: async (program: string, output: Parameters<typeof connection.shell>[1]) => {
          const shell = await connection.shell(growth + program, output);
          // The line feed: the shell waits for a line before it takes what follows for a script.
          return { ...shell, write: (bytes: string) => shell.write(`\n${growth}${bytes}`) };
        },
      };
    },
  };
  const tasks = [task('1', 'write', { path: '/etc/log', text: '' })];
  const outcome = await toyRun(root, [play({ a: tasks })], { transport: growing });
  expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'unsteady' } });
});

describe('triggers, conditions, results', () => {
  const chain = (text: string) => [
    task('file', 'write', { path: '/etc/x', text }),
    task('handler', 'action', { script: 'echo ran >> etc/log' }, { triggers: [{ task: 'file', on: 'change' }] }),
    task('first', 'action', { script: 'echo new >> etc/log' }, { triggers: [{ task: 'file', on: 'created' }] }),
  ];

  test('a handler runs when what it waits for changes, and only then; `created` only the first time', async () => {
    expect((await toyRun(root, [play({ a: chain('1') })])).statuses).toEqual([
      'a file changed',
      'a handler changed',
      'a first changed',
    ]);
    expect((await toyRun(root, [play({ a: chain('1') })])).statuses).toEqual([
      'a file ok',
      'a handler skipped',
      'a first skipped',
    ]);
    expect((await toyRun(root, [play({ a: chain('2') })])).statuses).toEqual([
      'a file changed',
      'a handler changed',
      'a first skipped',
    ]);
    expect(read('a', 'etc/log')).toBe('ran\nnew\nran\n');
  });

  const usesResult = [
    task('ask', 'action', { script: 'echo "the answer"' }, { register: 'said' }),
    task(
      'use',
      'write',
      {},
      {
        args: {
          needs: ['said'],
          resolve: (vars) => ({ path: '/etc/x', text: (vars.said as { stdout: string }).stdout }),
        },
      },
    ),
    task(
      'unless',
      'action',
      { script: 'touch etc/never' },
      {
        when: { needs: ['said'], resolve: (vars) => (vars.said as { rc: number }).rc !== 0 },
      },
    ),
    task('last', 'write', { path: '/etc/last', text: 'z' }),
  ];

  test('a result is unknown in a check, and known in an apply one exchange later', async () => {
    const check = await toyRun(root, [play({ a: usesResult })], { command: 'check' });
    expect(check.statuses).toEqual(['a ask changed', 'a use unknown', 'a unless unknown', 'a last changed']);
    const apply = await toyRun(root, [play({ a: usesResult })]);
    expect(apply.statuses).toEqual(['a ask changed', 'a use changed', 'a unless skipped', 'a last changed']);
    expect(read('a', 'etc/x')).toBe('the answer');
    expect(read('a', 'etc/never')).toBeNull();
  });

  test('a result that needs no run is known in a check too', async () => {
    writeFileSync(join(root, 'a/etc/there'), 'x');
    const tasks = [
      task('there', 'write', { path: '/etc/there', text: 'x' }, { register: 'file' }),
      task(
        'use',
        'write',
        {},
        {
          args: {
            needs: ['file'],
            resolve: (vars) => ({ path: '/etc/y', text: String((vars.file as { changed: boolean }).changed) }),
          },
        },
      ),
    ];
    const check = await toyRun(root, [play({ a: tasks })], { command: 'check' });
    expect(check.statuses).toEqual(['a there ok', 'a use changed']);
    expect(check.hosts.get('a')?.tasks[1]?.diff[0]?.after).toBe('false');
    expect((await toyRun(root, [play({ a: tasks })])).statuses).toEqual(['a there ok', 'a use changed']);
  });

  test('arguments that cannot be made do no harm where the condition is false', async () => {
    const args = {
      needs: ['r'],
      resolve: () => {
        throw new Error("'r.x' is undefined");
      },
    };
    const tasks = (holds: boolean) => [
      task('r', 'write', { path: '/etc/r', text: 'r' }, { register: 'r' }),
      task('use', 'write', {}, { args, when: { needs: ['r'], resolve: () => holds } }),
    ];
    expect((await toyRun(root, [play({ a: tasks(false) })])).statuses).toEqual(['a r changed', 'a use skipped']);
    const failing = await toyRun(root, [play({ a: tasks(true) })]);
    expect(failing.hosts.get('a')?.error?.message).toBe("use: 'r.x' is undefined".replace('use', 'task use'));
  });

  test('the result of a loop is the list of its items', async () => {
    const item = (index: number, script: string) =>
      task(`i${index}`, 'action', { script }, { register: 'all', loop: { index, count: 2, item: script } });
    const tasks = [
      item(0, 'echo one'),
      item(1, 'echo two'),
      task(
        'use',
        'write',
        {},
        {
          args: {
            needs: ['all'],
            resolve: (vars) => {
              const { results } = vars.all as { results: { stdout: string; item: string }[] };
              return { path: '/etc/x', text: results.map(({ stdout, item: of }) => `${of}=${stdout};`).join('') };
            },
          },
        },
      ),
    ];
    expect((await toyRun(root, [play({ a: tasks })], { command: 'check' })).statuses).toContain('a use unknown');
    await toyRun(root, [play({ a: tasks })]);
    expect(read('a', 'etc/x')).toBe('echo one=one;echo two=two;');
  });

  test('ignore_errors, failed_when and changed_when', async () => {
    const rc = (wanted: number) => ({
      needs: ['r'],
      resolve: (vars: Readonly<Record<string, unknown>>) => (vars.r as { rc: number }).rc === wanted,
    });
    const outcome = await toyRun(root, [
      play({
        a: [
          task('ignored', 'action', { script: 'exit 3' }, { ignoreErrors: true }),
          task('tolerated', 'action', { script: 'exit 4' }, { register: 'r', failedWhen: rc(5) }),
          task('read-only', 'action', { script: 'true' }, { changedWhen: { needs: [], resolve: () => false } }),
          task('bad', 'action', { script: 'exit 6' }, { register: 'r', failedWhen: rc(6) }),
          task('after', 'write', { path: '/etc/after', text: '' }),
        ],
      }),
    ]);
    expect(outcome.statuses).toEqual([
      'a ignored failed',
      'a tolerated skipped',
      'a read-only ok',
      'a bad failed',
      'a after skipped',
    ]);
    expect(outcome.hosts.get('a')?.tasks[1]?.error?.code).toBe('put-back');
    expect(read('a', 'etc/after')).toBeNull();
    const kept = await toyRun(root, [
      play({
        a: [
          task('ignored', 'action', { script: 'exit 3' }, { ignoreErrors: true }),
          task('tolerated', 'action', { script: 'exit 4' }, { register: 'r', failedWhen: rc(5) }),
          task('after', 'write', { path: '/etc/after', text: '' }),
        ],
      }),
    ]);
    expect(kept.statuses).toEqual(['a ignored failed', 'a tolerated changed', 'a after changed']);
  });

  test('a condition that cannot be evaluated fails its task, not the program', async () => {
    const when = {
      needs: [],
      resolve: () => {
        throw new Error("'x' is undefined");
      },
    };
    const outcome = await toyRun(root, [play({ a: [task('1', 'write', { path: '/etc/x', text: '' }, { when })] })]);
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'failed',
      error: { message: "task 1: when: 'x' is undefined" },
    });
  });
});

describe('many hosts', () => {
  const good = [task('1', 'write', { path: '/etc/x', text: 'x' })];
  const bad = [task('1', 'action', { script: 'exit 1' })];

  test('a host that fails stops alone', async () => {
    const outcome = await toyRun(root, [play({ a: bad, b: good })]);
    expect(outcome.statuses).toEqual(['a 1 failed', 'b 1 changed']);
  });

  test('an unreachable host is told apart and takes no part in later plays', async () => {
    const reachable = shellTransport();
    const transport = {
      connect: async (target: Parameters<typeof reachable.connect>[0]) => {
        if (target.name === 'a') throw new ConnectFault('refused', 'port 22 refused the connection', 'start sshd');
        return reachable.connect(target);
      },
    };
    const outcome = await toyRun(root, [play({ a: good, b: good }), play({ a: good, b: good })], { transport });
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'unreachable',
      error: { code: 'refused', message: 'port 22 refused the connection. start sshd' },
    });
    expect(outcome.hosts.get('b')?.status).toBe('changed');
    expect(outcome.events.filter((event) => event.type === 'host-started' && event.host === 'a')).toHaveLength(1);
  });

  test('forks bounds how many run at once', async () => {
    let running = 0;
    let most = 0;
    await toyRun(root, [play({ a: good, b: good, c: good, d: good })], {
      forks: 2,
      emit: ({ type }) => {
        if (type === 'host-started') running += 1;
        most = Math.max(most, running);
        if (type === 'host-finished') running -= 1;
      },
    });
    expect(most).toBe(2);
  });

  test('serial: batches one after another; a batch in which all fail ends the play', async () => {
    const order: string[] = [];
    const listen = {
      emit: (event: { type: string; host?: string }) =>
        void (event.type.startsWith('host-s') && order.push(event.host ?? '')),
    };
    const outcome = await toyRun(root, [play({ a: good, b: bad, c: good, d: good }, { serial: [1] })], listen);
    expect(order).toEqual(['a', 'b']);
    expect(outcome.hosts.get('c')?.status).toBe('skipped');
  });

  test('a host that an earlier play lost ends no batch of a later one', async () => {
    const outcome = await toyRun(root, [
      play({ a: bad, b: good }),
      play({ a: good, b: good, c: good, d: good }, { serial: [1], anyErrorsFatal: true }),
    ]);
    expect(outcome.statuses).toEqual(['a 1 failed', 'b 1 changed', 'b 1 ok', 'c 1 changed', 'd 1 changed']);
  });

  test('more failures than a play allows end the run, fewer do not', async () => {
    const hosts = { a: bad, b: good, c: good, d: good };
    const ran = async (more: object) => {
      const { events } = await toyRun(root, [play(hosts, { serial: [2], ...more }), play({ d: good })]);
      return events.flatMap((event) => (event.type === 'host-started' ? [event.host] : [])).join('');
    };
    expect(await ran({ maxFailPercentage: 40 })).toBe('ab');
    expect(await ran({ maxFailPercentage: 50 })).toBe('abcdd');
    expect(await ran({ anyErrorsFatal: true })).toBe('ab');
    expect(await ran({})).toBe('abcdd');
  });

  test('a later play of a check sees what an earlier one would have done', async () => {
    const outcome = await toyRun(root, [play({ a: good }), play({ a: good })], { command: 'check' });
    expect(outcome.statuses).toEqual(['a 1 changed', 'a 1 ok']);
  });
});

describe('stopping', () => {
  test('the running task ends, nothing after it begins', async () => {
    const callbacks = new Set<() => void>();
    const stop = {
      requested: false,
      onRequest: (callback: () => void) => {
        callbacks.add(callback);
        return () => void callbacks.delete(callback);
      },
    };
    const tasks = [
      task('1', 'action', { script: 'sleep 0.4; echo finished > etc/one' }),
      task('2', 'write', { path: '/etc/two', text: '' }),
    ];
    const outcome = await toyRun(root, [play({ a: tasks }), play({ a: tasks })], {
      stop,
      emit: (event) => {
        if (event.type !== 'task-started') return;
        setTimeout(() => {
          stop.requested = true;
          for (const callback of callbacks) callback();
        }, 50);
      },
    });
    expect(outcome.interrupted).toBe(true);
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 skipped']);
    expect(outcome.hosts.get('a')?.error).toEqual({
      code: 'interrupted',
      message:
        'stopped before its end. On this host the old state was put back, and is proven by reading the host again',
    });
    expect(read('a', 'etc/one')).toBe('finished\n');
    expect(read('a', 'etc/two')).toBeNull();
  });
});

describe('a plan that a person has agreed to', () => {
  const plays = [play({ a: [task('1', 'write', { path: '/etc/x', text: 'x' })] })];

  test('is what runs', async () => {
    const { digests } = await toyRun(root, plays, { command: 'check' });
    expect((await toyRun(root, plays, { agreed: digests })).statuses).toEqual(['a 1 changed']);
  });

  test('is refused when the host changed meanwhile', async () => {
    const { digests } = await toyRun(root, plays, { command: 'check' });
    writeFileSync(join(root, 'a/etc/x'), 'somebody else');
    const outcome = await toyRun(root, plays, { agreed: digests });
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'plan-changed' } });
    expect(read('a', 'etc/x')).toBe('somebody else');
  });

  test('holds for a later play though an earlier one changes the host, and for what nobody could know', async () => {
    const first = [task('1', 'action', { script: "printf ' and more' >> etc/z" })];
    const later = [
      task('ask', 'action', { script: 'echo 1' }, { register: 'said' }),
      task('use', 'write', { path: '/etc/y', text: 'y' }, { when: { needs: ['said'], resolve: () => true } }),
      task('z', 'write', { path: '/etc/z', text: 'z' }),
    ];
    const plays = [play({ a: first }), play({ a: later })];
    writeFileSync(join(root, 'a/etc/z'), 'before');
    const { digests } = await toyRun(root, plays, { command: 'check' });
    const outcome = await toyRun(root, plays, { agreed: digests });
    expect(outcome.statuses).toEqual(['a 1 changed', 'a ask changed', 'a use changed', 'a z changed']);
  });

  test('does not cover a task of a later play that was not to change anything', async () => {
    writeFileSync(join(root, 'a/etc/z'), 'z');
    const plays = [
      play({ a: [task('1', 'action', { script: 'echo other > etc/z' })] }),
      play({ a: [task('z', 'write', { path: '/etc/z', text: 'z' })] }),
    ];
    const { digests } = await toyRun(root, plays, { command: 'check' });
    const outcome = await toyRun(root, plays, { agreed: digests });
    expect(outcome.hosts.get('a')?.error?.code).toBe('plan-changed');
    expect(read('a', 'etc/z')).toBe('other\n');
  });
});
