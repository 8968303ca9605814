import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/engine/result.ts';
import type { RunInput } from '../../src/engine/run.ts';
import { runDocument } from '../../src/report/json.ts';
import { type FakeHost, fakeTransport, shellHost } from '../../src/transport/fake.ts';
import { play, task, toyRun } from '../support/toy-engine.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lost-'));
  mkdirSync(join(root, 'a/etc'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A host whose connection breaks as soon as it has printed this; nothing that it prints on stdout later is heard. */
function cutAt(text: string, times = 1): FakeHost {
  const host = shellHost({ cwd: root });
  return {
    shell: (session) => {
      let printed = '';
      let isCut = false;
      const stdout = (bytes: string) => {
        if (isCut) return;
        const before = printed.length;
        printed += bytes;
        let at = -1;
        for (let time = 0; time < times; time += 1) {
          at = printed.indexOf(text, at + 1);
          if (at === -1) break;
        }
        isCut = at !== -1;
        session.stdout(isCut ? printed.slice(before, at + text.length) : bytes);
        // What it printed on stderr before is on its way.
        if (isCut) setTimeout(() => session.lose('the cable was pulled'), 150);
      };
      return host.shell({ ...session, stdout });
    },
  };
}

const tasks = [
  task('1', 'write', { path: '/etc/x', text: 'x' }),
  task('2', 'write', { path: '/etc/y', text: 'y' }),
  task('3', 'write', { path: '/etc/z', text: 'z' }),
];

async function cut(host: FakeHost, more: Partial<RunInput> = {}) {
  const outcome = await toyRun(root, [play({ a: tasks })], { transport: fakeTransport({ a: host }), ...more });
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

const WHY = 'the shell on the host ended (the cable was pulled). ';
const NEXT =
  '. Run check to see how the host is now, then apply: what is done is found in order, what was begun is brought to its end';

describe('a connection that is lost', () => {
  test('in a task: which one; the ones behind it may have begun unseen', async () => {
    expect(await cut(cutAt('@@n1x b t1\n'))).toEqual({
      message: `${WHY}The last task known to have begun is "task 2"; it is not known whether it ended, nor whether the tasks after it began${NEXT}`,
      statuses: ['1 changed', '2 failed', '3 skipped'],
      errors: [
        null,
        'the connection was lost while it ran: it may be half done, or have gone on to its end',
        'not known to have run: the connection was lost before',
      ],
    });
  });

  test('in the last task', async () => {
    const { message, statuses } = await cut(cutAt('@@n1x b t2\n'));
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3"; it is not known whether it ended${NEXT}`,
    );
    expect(statuses).toEqual(['1 changed', '2 changed', '3 failed']);
  });

  test('between tasks: which one had ended, and which is not known to have begun', async () => {
    expect(await cut(cutAt('@@n1x e t0 0\n'))).toEqual({
      message: `${WHY}The last task known to have begun is "task 1", and it had ended (changed); it is not known whether "task 2" began, which comes after it${NEXT}`,
      statuses: ['1 changed', '2 skipped', '3 skipped'],
      errors: [
        null,
        'not known to have run: the connection was lost before',
        'not known to have run: the connection was lost before',
      ],
    });
  });

  test('after the last task', async () => {
    const { message, statuses } = await cut(cutAt('@@n1x e t2 0\n'));
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3", and it had ended (changed); none was to come after it${NEXT}`,
    );
    expect(statuses).toEqual(['1 changed', '2 changed', '3 changed']);
  });

  test('before the first task: that none was seen is no proof', async () => {
    const { message, statuses, errors } = await cut(cutAt('@@n1x b pid\n', 2));
    expect(message).toBe(
      `${WHY}It was lost after 3 tasks were sent; that none was seen to begin does not tell that none did${NEXT}`,
    );
    expect(statuses).toEqual(['1 skipped', '2 skipped', '3 skipped']);
    expect(new Set(errors)).toEqual(new Set(['not known to have run: the connection was lost before']));
  });

  test.each(['check', 'apply'] as const)('while it is read, in %s: nothing was begun', async (command) => {
    const { message, errors } = await cut(cutAt('@@n1x b f0\n'), { command });
    const next = command === 'check' ? '. Run it again' : NEXT;
    expect(message).toBe(`${WHY}It was lost while the host was read; nothing of this play was begun there${next}`);
    expect(errors).toEqual([null, null, null]);
  });

  test('while it is read again: all was done, nothing is proven', async () => {
    const { message, statuses } = await cut(cutAt('@@n1x b f0\n', 2));
    expect(message).toBe(
      `${WHY}The last task known to have begun is "task 3", and it had ended (changed); it was lost while the host was read again, so what was done is not proven${NEXT}`,
    );
    expect(statuses).toEqual(['1 changed', '2 changed', '3 changed']);
  });

  test('behind a task that failed none was to come, behind one that may fail another was', async () => {
    const failing = task('2', 'action', { script: 'exit 1' });
    const then = (ignoreErrors: boolean) =>
      toyRun(root, [play({ a: [{ ...failing, ignoreErrors }, task('3', 'action', { script: ':' })] })], {
        transport: fakeTransport({ a: cutAt('@@n1x e t0 1\n') }),
      });
    expect((await then(false)).hosts.get('a')?.error?.message).toContain(
      '"task 2", and it had ended (failed); none was to come after it',
    );
    expect((await then(true)).hosts.get('a')?.error?.message).toContain(
      'ended (failed); it is not known whether "task 3" began',
    );
  });

  test('by the end of its shell: the same', async () => {
    const outcome = await toyRun(root, [play({ a: [task('2', 'action', { script: 'kill -9 $$; sleep 1' })] })]);
    expect(outcome.hosts.get('a')?.status).toBe('unreachable');
    expect(outcome.hosts.get('a')?.error?.message).toMatch(
      /^the shell on the host ended \([^)]*\). The last task known to have begun is "task 2"; it is not known whether it ended\./,
    );
  });

  test('before the result of the task was heard that had ended', async () => {
    const host = cutAt('@@n1x b t1\n');
    const deaf: FakeHost = {
      shell: (session) => {
        let said = '';
        // Of stderr nothing is heard from the end of the first task on.
        const stderr = (bytes: string) => {
          said += bytes;
          if (!said.includes('E t0')) session.stderr(bytes);
        };
        return host.shell({ ...session, stderr });
      },
    };
    const { message, statuses, errors } = await cut(deaf);
    expect(message).toContain('The last task known to have begun is "task 2"; it is not known whether it ended');
    expect(statuses).toEqual(['1 failed', '2 failed', '3 skipped']);
    expect(errors?.[0]).toBe('it came to its end, but the connection was lost before its result was known');
  });

  test('and the next run finds what is done in order, and does what is left', async () => {
    await cut(cutAt('@@n1x e t0 0\n'));
    const { statuses } = await toyRun(root, [play({ a: tasks })], {
      transport: fakeTransport({ a: shellHost({ cwd: root }) }),
    });
    expect(statuses[0]).toBe('a 1 ok');
    expect((await toyRun(root, [play({ a: tasks })])).statuses).toEqual(['a 1 ok', 'a 2 ok', 'a 3 ok']);
  });
});
