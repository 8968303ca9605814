import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/engine/result.ts';
import type { RunInput } from '../../src/engine/run.ts';
import type { Task } from '../../src/model/task.ts';
import { runDocument } from '../../src/report/json.ts';
import { type FakeHost, fakeTransport, shellHost } from '../../src/transport/fake.ts';
import { ConnectFault, type Transport } from '../../src/transport/transport.ts';
import { realTimer } from '../support/fake-timer.ts';
import { SHORT_SLEEP } from '../support/short-sleep.ts';
import { play, task, toyRun } from '../support/toy-engine.ts';
import { until } from '../support/until.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lost-'));
  mkdirSync(join(root, 'a/etc'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Cut {
  /** The connection breaks as soon as the host has printed this; nothing that it prints on stdout later is heard. */
  readonly at: string;
  /** How often it has printed it by then. */
  readonly times?: number;
  /** So many connections break there, one after another. Default: one. */
  readonly connections?: number;
  /** After the last of them nobody reaches the host any more. */
  readonly forGood?: boolean;
}

function breaking(
  { at, times = 1, connections = 1, forGood = false }: Cut,
  host = shellHost({ cwd: root }),
): Transport {
  let broken = 0;
  const cut: FakeHost = {
    shell: (session) => {
      let printed = '';
      let isCut = false;
      const stdout = (bytes: string) => {
        if (isCut) return;
        const before = printed.length;
        printed += bytes;
        let found = -1;
        for (let time = 0; time < times; time += 1) {
          found = printed.indexOf(at, found + 1);
          if (found === -1) break;
        }
        isCut = found !== -1 && broken < connections;
        session.stdout(isCut ? printed.slice(before, found + at.length) : bytes);
        if (!isCut) return;
        broken += 1;
        // What it printed on stderr before is on its way.
        setTimeout(() => session.lose('the cable was pulled'), 150);
      };
      return host.shell({ ...session, stdout });
    },
  };
  const fake = fakeTransport({ a: cut });
  return {
    connect: (target) => {
      if (forGood && broken >= connections) throw new ConnectFault('timeout', 'no answer from port 22');
      return fake.connect(target);
    },
  };
}

const tasks = [
  task('1', 'write', { path: '/etc/x', text: 'x' }),
  task('2', 'write', { path: '/etc/y', text: 'y' }),
  task('3', 'write', { path: '/etc/z', text: 'z' }),
];

const ALL_MADE = ['a 1 changed', 'a 2 changed', 'a 3 changed'];
const files = () => ['x', 'y', 'z'].filter((name) => existsSync(join(root, 'a/etc', name))).join('');
const runsOnHost = () => readdirSync(join(root, 'a/var/lib/ipsec-play/runs'));
const begun = ({ events }: Awaited<ReturnType<typeof toyRun>>) =>
  events.flatMap((event) => (event.type === 'task-started' ? [event.task.id] : []));

describe('a connection that breaks and can be made again: as if nothing had happened', () => {
  test.each([
    ['in a task', { at: '@@n1x b t1.1\n' }],
    ['in the last task', { at: '@@n1x b t1.2\n' }],
    ['between tasks', { at: '@@n1x e t1.0 0\n' }],
    ['after the last task', { at: '@@n1x e t1.2 0\n' }],
    ['before the first task', { at: '@@n1x e commit 0\n' }],
    ['when all is done, before it is heard', { at: '@@n1x b end1\n' }],
    ['while the host is read again', { at: '@@n1x b f0\n', times: 2 }],
    ['while the host is told that it stays', { at: '@@n1x b confirm\n' }],
    ['again and again', { at: '@@n1x b t1.1\n', connections: 4 }],
  ] as const)('%s', async (_, where) => {
    const outcome = await toyRun(root, [play({ a: tasks })], { transport: breaking(where) });
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'changed', error: null });
    expect(outcome.statuses).toEqual(ALL_MADE);
    expect(begun(outcome)).toEqual(['1', '2', '3']);
    expect(files()).toBe('xyz');
    expect(readFileSync(join(root, 'a/var/lib/ipsec-play/runs', runsOnHost()[0] ?? '', 'state'), 'utf8')).toBe(
      'confirmed\n',
    );
  });

  test('and the task fails meanwhile: it is heard, and the host goes back', async () => {
    const failing = [tasks[0], task('2', 'action', { script: 'sleep 1; echo no >&2; exit 3' })].filter(
      (each) => !!each,
    );
    const transport = breaking({ at: '@@n1x b t1.1\n' });
    const outcome = await toyRun(root, [play({ a: failing })], { transport });
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 failed']);
    expect(outcome.hosts.get('a')?.error?.message).toBe(
      'task 2: exit 3: no. On this host the old state was put back, and is proven by reading the host again',
    );
    expect(files()).toBe('');
    expect(runsOnHost()).toEqual([]);
  });

  test('while the old state is put back: that goes on, and is proven', async () => {
    const failing = [...tasks, task('4', 'action', { script: 'exit 3' })];
    const transport = breaking({ at: '@@n1x b files\n' });
    const outcome = await toyRun(root, [play({ a: failing })], { transport });
    expect(outcome.hosts.get('a')?.error?.message).toMatch(/is proven by reading the host again$/);
    expect(files()).toBe('');
    expect(runsOnHost()).toEqual([]);
  });
});

/** Ten times as fast for the controller, and for a host whose scripts count by sleeping. */
const hasty: Partial<RunInput> = {
  clock: () => performance.now() * 10,
  limits: { command: null, total: null, spent: 0, timer: (ms, callback) => realTimer(ms / 10, callback) },
};
const hastyHost = () => shellHost({ cwd: root, env: { PATH: `${SHORT_SLEEP}:/usr/bin:/bin`, HOME: root } });

/** Nobody reaches the host any more, and it does not wait long for that. */
async function lost(where: Cut, more: Partial<RunInput> = {}, wanted: readonly Task[] = tasks) {
  const outcome = await toyRun(root, [play({ a: wanted })], {
    ...hasty,
    transport: breaking({ ...where, forGood: true }, hastyHost()),
    transaction: {
      id: 'lost',
      owner: [],
      patience: { confirm: 6, gone: 6, prepared: 600 },
      confirm: 'auto',
      last: new Set(),
    },
    ...more,
  });
  expect(outcome.hosts.get('a')?.status).toBe('unreachable');
  expect(outcome.hosts.get('a')?.error?.code).toBe('lost');
  expect(exitCodeOf('apply', outcome)).toBe(5);
  const document = runDocument('apply', 'p.yml', 5, outcome).hosts.a;
  return {
    message: document?.error?.message ?? '',
    statuses: outcome.statuses.map((each) => each.slice(2)),
    errors: document?.tasks.map(({ error }) => error?.message ?? null),
  };
}

const WHY =
  'the shell on the host ended (the cable was pulled), and no new connection can be made: no answer from port 22. ';
const NEXT =
  '. What was changed there and is not confirmed, the host puts back by itself when nobody comes back to it (--confirm-timeout). Run check to see how it is then';
const NOT_CONFIRMED =
  'it was made, but the connection was lost before it was confirmed: the host takes it back by itself';
const UNSEEN = 'not known to have run: the connection was lost before';

describe('a connection that is lost for good', () => {
  test('in a task: which one; the ones behind it may have begun unseen; the host goes back by itself', async () => {
    expect(await lost({ at: '@@n1x b t1.1\n' })).toEqual({
      message: `${WHY}The last task known to have begun is "task 2"; it is not known whether it ended, nor whether the tasks after it began${NEXT}`,
      statuses: ['1 skipped', '2 failed', '3 skipped'],
      errors: [
        NOT_CONFIRMED,
        'the connection was lost while it ran: it may be half done, or have gone on to its end',
        UNSEEN,
      ],
    });
    await until(() => !existsSync(join(root, 'a/var/lib/ipsec-play/lock')), 20);
    expect(files()).toBe('');
  }, 30_000);

  test('in the last task', async () => {
    const { message, statuses } = await lost({ at: '@@n1x b t1.2\n' });
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3"; it is not known whether it ended${NEXT}`,
    );
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 failed']);
  });

  test('between tasks: which one had ended, and which is not known to have begun', async () => {
    expect(await lost({ at: '@@n1x e t1.0 0\n' })).toEqual({
      message: `${WHY}The last task known to have begun is "task 1", and it had ended (changed); it is not known whether "task 2" began, which comes after it${NEXT}`,
      statuses: ['1 skipped', '2 skipped', '3 skipped'],
      errors: [NOT_CONFIRMED, UNSEEN, UNSEEN],
    });
  });

  test('after the last task', async () => {
    const { message, statuses } = await lost({ at: '@@n1x e t1.2 0\n' });
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3", and it had ended (changed); none was to come after it${NEXT}`,
    );
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 skipped']);
  });

  test('before the first task: that none was seen is no proof', async () => {
    const { message, statuses, errors } = await lost({ at: '@@n1x e commit 0\n' });
    expect(message).toBe(
      `${WHY}It was lost after 3 tasks were sent; that none was seen to begin does not tell that none did${NEXT}`,
    );
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 skipped']);
    expect(new Set(errors)).toEqual(new Set([UNSEEN]));
  });

  test.each([
    ['check', '. Run it again'],
    ['apply', '. Run it again: what may have been prepared there, the host clears away by itself'],
  ] as const)('while it is read, in %s: nothing was begun', async (command, next) => {
    const { message, errors } = await lost({ at: '@@n1x b f0\n' }, { command });
    expect(message).toBe(
      `the shell on the host ended (the cable was pulled). It was lost while the host was read; nothing of this play was begun there${next}`,
    );
    expect(errors).toEqual([null, null, null]);
  });

  test('while it is read again: all was done, nothing is proven', async () => {
    const { message, statuses } = await lost({ at: '@@n1x b f0\n', times: 2 });
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3", and it had ended (changed); it was lost while the host was read again, so what was done is not proven${NEXT}`,
    );
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 skipped']);
  });

  test('while the host is told that it stays: nobody can know', async () => {
    const { message, errors } = await lost({ at: '@@n1x b confirm\n' });
    expect(message).toContain('All was done and proven; it is not known whether the host heard that its changes stay');
    expect(new Set(errors)).toEqual(
      new Set(['it was made, but the connection was lost before the host said that it stays']),
    );
  });

  test('while the old state is put back: what had failed is said as well', async () => {
    const failing = [...tasks, task('4', 'action', { script: 'exit 3' })];
    const { message, statuses } = await lost({ at: '@@n1x b files\n' }, {}, failing);
    expect(message).toContain('task 4: exit 3. Then the shell on the host ended (the cable was pulled)');
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 skipped', '4 failed']);
    await until(() => files() === '', 20);
  }, 30_000);

  test('behind a task that failed none was to come, behind one that may fail another was', async () => {
    const failing = task('2', 'action', { script: 'exit 1' });
    const then = (ignoreErrors: boolean) =>
      lost({ at: '@@n1x e t1.0 1\n' }, {}, [{ ...failing, ignoreErrors }, task('3', 'action', { script: ':' })]);
    expect((await then(false)).message).toContain('"task 2", and it had ended (failed); none was to come after it');
    rmSync(join(root, 'a/var'), { recursive: true });
    expect((await then(true)).message).toContain('ended (failed); it is not known whether "task 3" began');
  });

  test('before the result of the task was heard that had ended', async () => {
    const host = hastyHost();
    const deaf: FakeHost = {
      shell: (session) => {
        let said = '';
        // Of stderr nothing is heard from the end of the first task on.
        const stderr = (bytes: string) => {
          said += bytes;
          if (!said.includes('E t1.0')) session.stderr(bytes);
        };
        return host.shell({ ...session, stderr });
      },
    };
    const transport = breaking({ at: '@@n1x b t1.1\n', forGood: true }, deaf);
    const { message, statuses, errors } = await lost({ at: '@@n1x b t1.1\n' }, { transport });
    expect(message).toContain('The last task known to have begun is "task 2"; it is not known whether it ended');
    expect(statuses).toEqual(['1 failed', '2 failed', '3 skipped']);
    expect(errors?.[0]).toBe('it came to its end, but the connection was lost before its result was known');
  });

  test('a break at every attempt ends when the patience is over', async () => {
    const { message } = await lost({ at: '@@n1x b t1.1\n', connections: 1000 });
    expect(message).toMatch(/^the shell on the host ended \(the cable was pulled\)\. The last task/);
  }, 20_000);

  test('and the next run finds the host as it was, and does all of it', async () => {
    await lost({ at: '@@n1x e t1.0 0\n' });
    await until(() => !existsSync(join(root, 'a/var/lib/ipsec-play/lock')), 20);
    expect(files()).toBe('');
    expect((await toyRun(root, [play({ a: tasks })])).statuses).toEqual(ALL_MADE);
    expect(runsOnHost()).toHaveLength(1);
    expect((await toyRun(root, [play({ a: tasks })])).statuses).toEqual(['a 1 ok', 'a 2 ok', 'a 3 ok']);
  }, 30_000);
});

test('a script that is killed in a task: which one, and the host goes back', async () => {
  const killed = task('4', 'action', { script: 'kill -9 $$; sleep 1' });
  const outcome = await toyRun(root, [play({ a: [...tasks, killed] })], {
    transport: fakeTransport({ a: hastyHost() }),
  });
  expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 skipped', 'a 3 skipped', 'a 4 failed']);
  const ended = 'the script that makes the changes was ended on the host before it was through';
  expect(outcome.hosts.get('a')?.tasks[3]?.error).toEqual({ code: 'script-ended', message: ended });
  expect(outcome.hosts.get('a')).toMatchObject({
    status: 'failed',
    error: {
      code: 'script-ended',
      message: `task 4: ${ended}. On this host the old state was put back, and is proven by reading the host again`,
    },
  });
  expect(files()).toBe('');
});
