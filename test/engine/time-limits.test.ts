import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/engine/events.ts';
import { exitCodeOf } from '../../src/engine/result.ts';
import type { RunInput } from '../../src/engine/run.ts';
import { sh } from '../../src/engine/sh.ts';
import type { Task } from '../../src/model/task.ts';
import type { Transport } from '../../src/transport/transport.ts';
import { fakeTimer as anyTimer, realTimer } from '../support/fake-timer.ts';
import { shells } from '../support/shells.ts';
import { longTime, sleepers, wakeSleepers } from '../support/sleepers.ts';
import { play, SIGN_OF_LIFE, shellTransport, task, toyModules, toyRun } from '../support/toy-engine.ts';
import { until } from '../support/until.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limits-'));
  for (const host of ['a', 'b', 'c']) mkdirSync(join(root, host, 'etc'), { recursive: true });
});
afterEach(() => {
  wakeSleepers();
  rmSync(root, { recursive: true, force: true });
});

/** For the limits only: signs of life are given in real time. */
function fakeTimer() {
  const clock = anyTimer();
  const timer: typeof clock.timer = (ms, callback) => (ms === SIGN_OF_LIFE ? realTimer : clock.timer)(ms, callback);
  return {
    fire: clock.fire,
    timer,
    get running() {
      return clock.running;
    },
  };
}

const BACK = 'On this host the old state was put back, and is proven by reading the host again';

const at = (path: string, host = 'a') => join(root, host, path);
const there = (path: string, host = 'a') => existsSync(at(path, host));

/** Runs with a limit of 30 s for a command, which is over as soon as `hangs` holds. */
async function overdue(tasks: readonly Task[], hangs: () => boolean, more: Partial<RunInput> = {}) {
  const clock = fakeTimer();
  const run = toyRun(root, [play({ a: tasks })], {
    limits: { command: 30, total: null, spent: 0, timer: clock.timer },
    ...more,
  });
  await until(() => hangs() && clock.running.includes(30_000));
  // What the shell said before has arrived by then.
  await new Promise((resolve) => setTimeout(resolve, 200));
  clock.fire(30_000);
  const outcome = await run;
  expect(clock.running).toEqual([]);
  return { ...outcome, clock };
}

describe.each(shells)('a task that takes too long, %s', (program, ...words) => {
  const transport = () => shellTransport({ shell: [program, ...words] });

  test('is ended with all that it started; the next one does not begin', async () => {
    const time = longTime();
    const script = `( sh -c 'sleep ${time}; :' & sleep ${time}; : ) ; echo more > etc/more`;
    const outcome = await overdue(
      [
        task('1', 'write', { path: '/etc/x', text: 'x' }),
        task('2', 'action', { script }),
        task('3', 'write', { path: '/etc/y', text: 'y' }),
      ],
      () => sleepers(time).length === 2,
      { transport: transport() },
    );
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 failed', 'a 3 skipped']);
    const message = 'it did not end within 30 s; it was ended, and may be half done';
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'failed',
      error: { code: 'command-timeout', message: `task 2: ${message}. ${BACK}` },
    });
    expect(there('etc/x')).toBe(false);
    expect(outcome.hosts.get('a')?.tasks[1]?.error).toEqual({ code: 'command-timeout', message });
    expect(exitCodeOf('apply', outcome)).toBe(4);
    expect(sleepers(time)).toEqual([]);
    expect(there('etc/more')).toBe(false);
    expect(there('etc/y')).toBe(false);
    const told = outcome.events.flatMap((event) => (event.type === 'task-finished' ? [event.task.status] : []));
    expect(told).toEqual(['changed', 'failed']);
  });

  test('and does not heed TERM is killed, what lost its parent meanwhile too', async () => {
    const time = longTime();
    const stubborn = `sh -c "trap : TERM; echo > ${at('etc/on')}; while :; do sleep ${time}; done"`;
    const outcome = await overdue(
      [task('1', 'action', { script: `sh -c '${stubborn} & wait'` })],
      () => there('etc/on') && sleepers(time).length > 0,
      { transport: transport() },
    );
    expect(outcome.hosts.get('a')?.error?.message).toContain('it was ended');
    expect(sleepers(time)).toEqual([]);
  }, 30_000);

  test('leaves daemons alone, and every process that is not its own', async () => {
    const time = longTime();
    const daemon = `( sleep 1${time} >/dev/null 2>&1 & ); sleep ${time}`;
    const hangs = () => sleepers(time).length === 1 && sleepers(`1${time}`).length === 1;
    await overdue([task('1', 'action', { script: daemon })], hangs, { transport: transport() });
    expect(sleepers(time)).toEqual([]);
    const [left = 0, ...more] = sleepers(`1${time}`);
    expect(more).toEqual([]);
    process.kill(left);
  });

  test('when it is the reading, is ended too, and nothing was changed', async () => {
    const time = longTime();
    const slow = { ...toyModules.get('write'), probe: () => hanging(`sleep ${time}`) };
    const outcome = await overdue([task('1', 'write', { path: '/etc/x', text: '' })], () => sleepers(time).length > 0, {
      transport: transport(),
      modules: new Map([['write', slow as never]]),
    });
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'command-timeout' } });
    expect(outcome.hosts.get('a')?.error?.message).toMatch(/^reading the host did not .* 30 s .*; it was ended/);
    expect(sleepers(time)).toEqual([]);
  });
});

const hanging = (command: string) => sh`eval ${command}`;

test('a task is watched from its beginning, though the end of the one before it is heard later', async () => {
  const time = longTime();
  const outcome = await overdue(
    [task('1', 'write', { path: '/etc/x', text: 'x' }), task('2', 'action', { script: `sleep ${time}` })],
    () => sleepers(time).length === 1,
    { transport: shellTransport({ lateStderr: 150 }) },
  );
  expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 failed']);
  expect(outcome.hosts.get('a')?.error?.code).toBe('command-timeout');
  expect(there('etc/x')).toBe(false);
  expect(sleepers(time)).toEqual([]);
});

test('how long a task took does not count from the beginning of the next', async () => {
  const slow = [task('1', 'action', { script: 'sleep 0.6' }), task('2', 'action', { script: ':' })];
  const { hosts } = await toyRun(root, [play({ a: slow })], { transport: shellTransport({ lateStderr: 150 }) });
  expect(hosts.get('a')?.tasks[0]?.ms).toBeGreaterThan(500);
});

describe('the limit', () => {
  const seen = async (tasks: readonly Task[], command: number | null) => {
    const clock = fakeTimer();
    const limits: number[][] = [];
    const outcome = await toyRun(root, [play({ a: tasks })], {
      limits: { command, total: null, spent: 0, timer: clock.timer },
      emit: (event: RunEvent) => void (event.type === 'task-finished' && limits.push(clock.running)),
    });
    expect(outcome.hosts.get('a')?.status).toBe('changed');
    expect(clock.running).toEqual([]);
    return limits;
  };
  const started = async (timeout: number | undefined, command: number | null) => {
    const clock = fakeTimer();
    let running: readonly number[] = [];
    await toyRun(
      root,
      [play({ a: [task('1', 'action', { script: ':' }, timeout === undefined ? {} : { timeout })] })],
      {
        limits: {
          command,
          total: null,
          spent: 0,
          timer: (ms, callback) => {
            if (ms !== SIGN_OF_LIFE) running = [...running, ms];
            return clock.timer(ms, callback);
          },
        },
      },
    );
    return running;
  };

  test('counts for each task alone, and is forgotten when the task has ended', async () => {
    const [first, last] = await seen([task('1', 'action', { script: ':' }), task('2', 'action', { script: ':' })], 30);
    // The end of the first is heard on both streams, by which time the second may have begun.
    expect([[], [30_000]]).toContainEqual(first);
    expect(last).toEqual([]);
  });

  test("a task's own goes before it, and 0 is none", async () => {
    expect(await started(undefined, 30)).toEqual([30_000, 30_000, 30_000]);
    expect(await started(7, 30)).toEqual([30_000, 7000, 30_000]);
    expect(await started(0, 30)).toEqual([30_000, 30_000]);
    expect(await started(7, null)).toEqual([7000]);
    expect(await started(undefined, null)).toEqual([]);
  });

  test('ignore_errors does not let a host go on whose task was ended in the middle', async () => {
    const time = longTime();
    const outcome = await overdue(
      [
        task('1', 'action', { script: `sleep ${time}` }, { ignoreErrors: true }),
        task('2', 'write', { path: '/etc/y', text: 'y' }),
      ],
      () => sleepers(time).length > 0,
    );
    expect(outcome.statuses).toEqual(['a 1 failed', 'a 2 skipped']);
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'command-timeout' } });
    expect(there('etc/y')).toBe(false);
  });
});

describe('when a task cannot be ended', () => {
  const time = longTime();
  /** The second shell, which is to end the task, does what it is told here. */
  const withSecondShell = (second: (script: string) => string | Error): Transport => {
    const steady = shellTransport();
    return {
      connect: async (target) => {
        const connection = await steady.connect(target);
        let shellsSoFar = 0;
        return {
          ...connection,
          shell: async (script, output) => {
            shellsSoFar += 1;
            if (shellsSoFar === 1) return connection.shell(script, output);
            const instead = second(script);
            if (instead instanceof Error) throw instead;
            return connection.shell(instead, output);
          },
        };
      },
    };
  };
  const tasks = [
    task('1', 'action', { script: `echo $$ > etc/pid; exec sleep ${time}` }),
    task('2', 'write', { path: '/etc/y', text: 'y' }),
  ];
  test.each([
    ['the host starts no second shell', () => new Error('no more channels')],
    ['the second shell may not', () => 'echo not permitted >&2'],
  ])('because %s, the connection is closed and the host reported', async (_, second) => {
    const outcome = await overdue(tasks, () => sleepers(time).length > 0, {
      transport: withSecondShell(second),
    });
    expect(outcome.statuses).toEqual(['a 1 failed', 'a 2 skipped']);
    const message = 'task 1: it did not end within 30 s; it could not be ended, and may still be running';
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'failed',
      error: { code: 'command-timeout', message: `${message}. ${BACK}` },
    });
    // Going back ends it, though nothing else could.
    expect(sleepers(time)).toEqual([]);
    const told = outcome.events.flatMap((event) => (event.type === 'task-finished' ? [event.task.id] : []));
    expect(told).toEqual(['1']);
  });

  test('because nothing comes back at all, it is given up after a while', async () => {
    const clock = fakeTimer();
    const run = toyRun(root, [play({ a: tasks })], {
      transport: withSecondShell(() => `sleep 2; : ${time.slice(0, 3)}`),
      limits: { command: 30, total: null, spent: 0, timer: clock.timer },
    });
    await until(() => sleepers(time).length > 0 && clock.running.includes(30_000));
    clock.fire(30_000);
    clock.fire(20_000);
    expect((await run).hosts.get('a')?.error?.message).toContain('could not be ended');
  });
});

describe('the time of the whole run', () => {
  const gate = (name: string, host: string) =>
    `echo > etc/${name}-begun; while [ ! -e etc/${name}-go ]; do sleep 0.05; done; echo > ${at(`etc/${name}-ended`, host)}`;
  const slow = (host: string) => [
    task('1', 'action', { script: gate('one', host) }),
    task('2', 'write', { path: '/etc/two', text: '' }),
  ];
  const quick = [task('1', 'write', { path: '/etc/x', text: 'x' })];

  test('when it is over, running tasks end, nothing after them begins, no new host and no new play begins', async () => {
    const clock = fakeTimer();
    const run = toyRun(
      root,
      [play({ a: slow('a'), b: quick }, { serial: [1] }), play({ c: quick }, { name: 'later' })],
      {
        limits: { command: null, total: 600, spent: 100, timer: clock.timer },
      },
    );
    await until(() => there('etc/one-begun'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    clock.fire(500_000);
    // Until the host's shell has heard of it.
    await new Promise((resolve) => setTimeout(resolve, 500));
    writeFileSync(at('etc/one-go'), '');
    const outcome = await run;
    expect(there('etc/one-ended')).toBe(true);
    expect(there('etc/two')).toBe(false);
    expect(outcome.statuses).toEqual(['a 1 skipped', 'a 2 skipped']);
    expect(outcome.hosts.get('a')).toMatchObject({
      status: 'failed',
      error: {
        code: 'total-timeout',
        message: `the 600 s of --total-timeout are over: stopped before its end. ${BACK}`,
      },
    });
    expect(outcome.hosts.get('b')).toMatchObject({ status: 'skipped' });
    expect(outcome.hosts.get('c')).toMatchObject({ status: 'skipped', error: { code: 'total-timeout' } });
    expect(outcome).toMatchObject({ timedOut: true, interrupted: false });
    expect(exitCodeOf('apply', outcome)).toBe(4);
    expect(outcome.events).toContainEqual({ type: 'stopping', why: 'the 600 s of --total-timeout are over' });
    expect(clock.running).toEqual([]);
  });

  test('a host that is at its end is as it is; one whose next play did not begin is not', async () => {
    const clock = fakeTimer();
    const both = [play({ a: quick, b: quick }), play({ b: quick }, { name: 'later' })];
    const outcome = await toyRun(root, both, {
      limits: { command: null, total: 600, spent: 0, timer: clock.timer },
      forks: 1,
      emit: (event) => void (event.type === 'host-finished' && event.host === 'b' && clock.fire(600_000)),
    });
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'changed', error: null });
    expect(outcome.hosts.get('b')).toMatchObject({
      status: 'failed',
      error: {
        code: 'total-timeout',
        message: 'the 600 s of --total-timeout are over, and "later" was not begun on this host',
      },
    });
  });

  test('is over before anything began, when the plan that was shown has used it up', async () => {
    const clock = fakeTimer();
    const outcome = await toyRun(root, [play({ a: quick })], {
      limits: { command: null, total: 600, spent: 700, timer: clock.timer },
      emit: (event) => void (event.type === 'play-started' && clock.fire(0)),
    });
    expect(outcome.hosts.get('a')).toMatchObject({ status: 'skipped', error: { code: 'total-timeout' } });
    expect(outcome.timedOut).toBe(true);
    expect(there('etc/x')).toBe(false);
  });

  test('does not wait for a host that is only being read', async () => {
    const clock = fakeTimer();
    const time = longTime();
    const hangs = { ...toyModules.get('write'), probe: () => hanging(`sleep ${time}`) };
    const run = toyRun(root, [play({ a: [task('1', 'write', { path: '/etc/x', text: '' })] })], {
      command: 'check',
      modules: new Map([['write', hangs as never]]),
      limits: { command: null, total: 600, spent: 0, timer: clock.timer },
    });
    await until(() => sleepers(time).length > 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    clock.fire(600_000);
    expect((await run).hosts.get('a')).toMatchObject({ status: 'failed', error: { code: 'total-timeout' } });
    expect(sleepers(time)).toEqual([]);
  });

  test('that is not used up leaves no trace', async () => {
    const clock = fakeTimer();
    const outcome = await toyRun(root, [play({ a: quick })], {
      limits: { command: null, total: 600, spent: 0, timer: clock.timer },
    });
    expect(outcome).toMatchObject({ timedOut: false });
    expect(clock.running).toEqual([]);
  });

  test('an interrupt says more', async () => {
    const clock = fakeTimer();
    const outcome = await toyRun(root, [play({ a: quick, b: quick })], {
      limits: { command: null, total: 600, spent: 0, timer: clock.timer },
      stop: { requested: true, onRequest: () => () => {} },
    });
    expect(exitCodeOf('apply', outcome)).toBe(130);
  });
});
