import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/engine/frames.ts';
import { keeperScript } from '../../../src/engine/transaction/keeper.ts';
import { type Leftovers, recovered, recoverScript } from '../../../src/engine/transaction/leftovers.ts';
import { commitScript, partScript } from '../../../src/engine/transaction/part.ts';
import { prepareScript } from '../../../src/engine/transaction/prepare.ts';
import { restoreScript } from '../../../src/engine/transaction/restore.ts';
import {
  abandonScript,
  awaitScript,
  confirmScript,
  followScript,
  holdScript,
  rollbackScript,
  verifiedScript,
} from '../../../src/engine/transaction/settle.ts';
import { shells } from '../../support/shells.ts';
import { until } from '../../support/until.ts';
import { hostWith, NONCE, seen, shellOn } from './host-shell.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

const pidIn = (text: string | null) => {
  const pid = Number.parseInt(text ?? '', 10);
  expect(pid).toBeGreaterThan(1);
  return pid;
};

/** Those of them that are in the process group of that number. */
const inGroup = (pids: readonly number[], group: number) =>
  pids.filter((pid) => {
    const asked = spawnSync('ps', ['-o', 'pgid=', '-p', `${pid}`], { encoding: 'utf8' });
    return asked.stdout.trim() === `${group}`;
  });

interface Made {
  readonly step?: string;
  /** `etc/a` is a symbolic link to this. */
  readonly link?: string;
  readonly undo?: string;
  readonly after?: string;
  readonly health?: string;
  readonly risky?: boolean;
  readonly confirm?: number;
  readonly gone?: number;
  readonly prepared?: number;
}

describe.each(shells)('under %s', (...shell) => {
  /** A run that makes `etc/a` new and is about to be settled. */
  async function made(given: Made = {}) {
    const host = hostWith({ 'etc/a': 'old\n' });
    cleanups.push(host.remove);
    if (given.link !== undefined) {
      renameSync(join(host.root, 'etc/a'), join(host.root, 'etc', given.link));
      symlinkSync(given.link, join(host.root, 'etc/a'));
    }
    const run = { id: 'r1', rendering: { root: host.root, commandShell: ['sh', '-c'] } };
    const open = () => {
      const session = shellOn(host, shell);
      cleanups.push(session.kill);
      return session;
    };
    const dir = join(host.root, 'var/lib/ipsec-play/runs/r1');
    const text = `echo new >'${host.root}/etc/a'\n${given.step ?? ''}`;
    const session = open();
    await session.run(
      prepareScript({
        run,
        nonce: NONCE,
        part: 1,
        touched: [seen('/etc/a', 'old\n')],
        firstTouched: 0,
        notes: new Map(),
        writes: [],
        partScript: partScript(run, NONCE, 1, [{ id: 't0', text, risky: given.risky ?? true, mayFail: false }]),
        restoreScript: restoreScript(run, NONCE, [{ id: 't0', before: given.undo ?? '', after: given.after ?? '' }]),
        keeperScript: keeperScript(run, { confirm: 600, gone: 600, prepared: 600, ...given }),
        healthScript: given.health ?? '',
        owner: ['who anna@desk'],
      }),
    );
    const read = (path: string) => (existsSync(join(dir, path)) ? readFileSync(join(dir, path), 'utf8') : null);
    const a = () => readFileSync(join(host.root, 'etc/a'), 'utf8');
    const followed = (on: ReturnType<typeof shellOn>, script: string, last: string) => {
      const order: string[] = [];
      return on
        .run(script, (frame: Frame) => {
          order.push(frame.id);
          if (frame.id === last || frame.id === 'gone') on.say('\n');
        })
        .then((frames) => ({ order, frames }));
    };
    /** Has the keeper wait until what it is to find is there. */
    const keeper = (signal: 'SIGSTOP' | 'SIGCONT') => process.kill(pidIn(read('keeper.pid')), signal);
    return { host, run, open, session, dir, read, a, followed, keeper };
  }

  test('what a killed script has started goes on no longer than until the way back begins', async () => {
    const { host, run, session, read, a, followed } = await made({
      step: 'sleep 1000; echo late >"$ip_base/../../../etc/a"',
    });
    const following = followed(session, commitScript(run, NONCE, 1), 'end1');
    await until(() => a() === 'new\n');
    const runner = pidIn(read('runner.pid'));
    process.kill(runner, 'SIGKILL');
    expect((await following).order.at(-1)).toBe('gone');
    expect(inGroup(host.processes(), runner)).not.toEqual([]);
    await session.run(rollbackScript(run, NONCE));
    expect(inGroup(host.processes(), runner)).toEqual([]);
    await followed(session, followScript(run, NONCE, 'restored', 'restore'), 'restored');
    expect(a()).toBe('old\n');
  });

  test('a run that is confirmed already stands, for whoever confirms it on all of its hosts', async () => {
    const { run, session, read, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(confirmScript(run, NONCE));
    expect((await session.run(holdScript(run, NONCE))).get('hold')?.exitCode).toBe(0);
    expect([read('state'), read('session')]).toEqual(['confirmed\n', null]);
  });

  test('what is changed is not forgotten: its backups stay, and somebody goes back', async () => {
    const { host, run, session, read, a, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    const keeper = pidIn(read('keeper.pid'));
    process.kill(keeper, 'SIGKILL');
    await until(() => !host.processes().includes(keeper));
    expect((await session.run(abandonScript(run, NONCE))).get('abandon')?.exitCode).toBe(75);
    await until(() => read('state') === 'restored\n');
    expect(a()).toBe('old\n');
    expect((await session.run(abandonScript(run, NONCE))).get('abandon')?.exitCode).toBe(0);
    expect(read('state')).toBe(null);
  });

  test('a file has its old mode though what came up again has written the same with another', async () => {
    const { host, run, session, read, a, followed } = await made({ after: 'chmod 600 "$ip_base/../../../etc/a"' });
    const mode = () => statSync(join(host.root, 'etc/a')).mode & 0o777;
    const before = mode();
    expect(before).not.toBe(0o600);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(rollbackScript(run, NONCE));
    await until(() => read('state') === 'restored\n');
    expect([a(), mode()]).toEqual(['old\n', before]);
  });

  test('a symbolic link that was removed is one again', async () => {
    const { host, run, session, read, a, followed } = await made({
      link: 'real a',
      step: 'rm -f "$ip_base/../../../etc/a"',
    });
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect(existsSync(join(host.root, 'etc/a'))).toBe(false);
    await session.run(rollbackScript(run, NONCE));
    await until(() => read('state') === 'restored\n');
    expect([a(), readlinkSync(join(host.root, 'etc/a'))]).toEqual(['old\n', 'real a']);
  });

  const left = (state: string): Leftovers => ({ runs: [{ id: 'r1', state, isHeld: false }], hasStrayLock: false });

  test('after a reboot only one goes back, though crond has started a keeper', async () => {
    const { host, run, session, open, dir, read, a, followed } = await made({
      undo: 'echo begun >>"$ip_base/../../../log"; sleep 10',
    });
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    session.kill();
    writeFileSync(join(dir, 'boot'), 'the one before\n');
    expect(pidIn(read('keeper.pid'))).toBeGreaterThan(1);
    const frames = await open().run(recoverScript(left('running'), run.rendering, NONCE));
    expect(recovered(frames)).toEqual(new Map([['r1', 'restored']]));
    expect([a(), readFileSync(join(host.root, 'log'), 'utf8')]).toEqual(['old\n', 'begun\n']);
  });

  test('after a reboot one lost ping is no reason to go back from what was verified', async () => {
    const { run, session, open, dir, read, a, followed } = await made({ health: 'exit 1' });
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(verifiedScript(run, NONCE));
    process.kill(pidIn(read('keeper.pid')), 'SIGKILL');
    session.kill();
    writeFileSync(join(dir, 'boot'), 'the one before\n');
    writeFileSync(join(dir, 'health.sh'), `if mkdir '${dir}/lost' 2>/dev/null; then exit 1; fi\n`);
    const frames = await open().run(recoverScript(left('verified'), run.rendering, NONCE));
    expect(recovered(frames)).toEqual(new Map([['r1', 'confirmed']]));
    expect(a()).toBe('new\n');
  });

  test('a confirmation that was cut short is carried out when it comes again', async () => {
    const { run, session, dir, read, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    symlinkSync('verified', join(dir, 'proven'));
    symlinkSync('keep', join(dir, 'ended'));
    expect((await session.run(confirmScript(run, NONCE))).get('confirm')?.exitCode).toBe(0);
    expect(read('state')).toBe('confirmed\n');
    expect(existsSync(join(dir, '../../lock'))).toBe(false);
  });

  test('a confirmation that was cut short is carried out by the keeper, where it does not come again', async () => {
    const { run, session, dir, read, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    symlinkSync('verified', join(dir, 'proven'));
    symlinkSync('keep', join(dir, 'ended'));
    session.kill();
    await until(() => !existsSync(join(dir, '../../lock')) && !existsSync(join(dir, 'keeper.pid')));
    expect(read('state')).toBe('confirmed\n');
  });

  test('a way back that was decided, and not begun, is gone by the keeper', async () => {
    const { run, session, dir, read, a, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    symlinkSync('back', join(dir, 'proven'));
    session.kill();
    await until(() => read('state') === 'restored\n');
    expect(a()).toBe('old\n');
  });

  test('a way back that is killed half-way begins anew', async () => {
    const { host, run, session, read, a, followed } = await made({
      undo: `if mkdir "$ip_dir/once" 2>/dev/null; then sleep 1000; fi`,
    });
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(rollbackScript(run, NONCE));
    await until(() => existsSync(join(host.root, 'var/lib/ipsec-play/runs/r1/once')));
    process.kill(pidIn(read('restore.pid')), 'SIGKILL');
    const { frames } = await followed(session, followScript(run, NONCE, 'restored', 'restore'), 'restored');
    expect(frames.get('restored')?.exitCode).toBe(0);
    expect(a()).toBe('old\n');
  });

  test('who has gone back cannot be verified, and who is verified not be told to go back by a keeper that knew less', async () => {
    const { run, session, dir, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect((await session.run(verifiedScript(run, NONCE))).get('verified')?.exitCode).toBe(0);
    expect(() => symlinkSync('back', join(dir, 'proven'))).toThrow(/EEXIST/);

    const other = await made();
    await other.followed(other.session, commitScript(other.run, NONCE, 1), 'end1');
    symlinkSync('back', join(other.dir, 'proven'));
    expect((await other.session.run(verifiedScript(other.run, NONCE))).get('verified')?.exitCode).toBe(75);
    expect((await other.session.run(confirmScript(other.run, NONCE))).get('confirm')?.exitCode).toBe(75);
  });

  test.each([
    ['verified', verifiedScript],
    ['awaiting', awaitScript],
  ])('who has gone back after it was verified is not told so again (%s)', async (id, script) => {
    const { run, session, dir, read, a, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect((await session.run(awaitScript(run, NONCE))).get('awaiting')?.exitCode).toBe(0);
    symlinkSync('back', join(dir, 'ended'));
    expect((await session.run(script(run, NONCE))).get(id)?.exitCode).toBe(75);
    await until(() => read('keeper.pid') === null);
    expect((await session.run(script(run, NONCE))).get(id)).toMatchObject({ exitCode: 75, stdout: 'restored\n' });
    expect([read('state'), a()]).toEqual(['restored\n', 'old\n']);
  });

  test('who was confirmed stays so, when it is told once more that it is verified', async () => {
    const { run, session, read, followed } = await made();
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(verifiedScript(run, NONCE));
    await session.run(confirmScript(run, NONCE));
    expect((await session.run(verifiedScript(run, NONCE))).get('verified')?.exitCode).toBe(0);
    expect(read('state')).toBe('confirmed\n');
  });

  test.each([
    ['is gone', true],
    ['says nothing any more', false],
  ])('a step that hangs, and risks nothing, is ended and taken back when the controller %s', async (_, gone) => {
    const { run, session, read, a } = await made({ risky: false, step: 'sleep 1000', gone: 10, prepared: 40 });
    void session.run(commitScript(run, NONCE, 1)).catch(() => {});
    await until(() => a() === 'new\n');
    if (gone) session.kill();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(a()).toBe('new\n');
    await until(() => read('state') === 'restored\n' && read('keeper.pid') === null, 15);
    expect([a(), read('runner.pid')]).toEqual(['old\n', null]);
  });

  test('verified and then left alone, it stays where the tunnels work', async () => {
    const { run, session, read, a, followed, keeper } = await made({ confirm: 1, health: 'exit 0' });
    keeper('SIGSTOP');
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(verifiedScript(run, NONCE));
    session.kill();
    keeper('SIGCONT');
    await until(() => read('state') === 'confirmed\n');
    expect(a()).toBe('new\n');
  });

  test('and goes back where they do not, but not for one lost ping', async () => {
    const { run, session, dir, read, a, followed, keeper } = await made({ confirm: 2, health: 'exit 1' });
    keeper('SIGSTOP');
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    const tried = join(dir, 'tried');
    mkdirSync(tried);
    writeFileSync(join(dir, 'health.sh'), `echo >>'${tried}/log'; exit 1\n`);
    await session.run(verifiedScript(run, NONCE));
    session.kill();
    keeper('SIGCONT');
    await until(() => read('state') === 'restored\n', 20);
    expect(a()).toBe('old\n');
    expect(readFileSync(join(tried, 'log'), 'utf8').length).toBeGreaterThan(1);
  });

  test('a session that is killed leaves nobody behind who copies what does not grow', async () => {
    const { run, session, dir, read } = await made({ step: 'sleep 1000' });
    const copying = () =>
      execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' })
        .split('\n')
        .filter((args) => args.includes(`-f ${dir}/`)).length;
    void session.run(commitScript(run, NONCE, 1)).catch(() => {});
    await until(() => read('journal')?.includes('begun t0') === true && copying() === 2);
    session.kill();
    await until(() => copying() === 0);
  });

  test.each([
    { risky: true, confirm: 10 },
    { risky: false, prepared: 10 },
  ])('a step that takes longer than the patience is no silence while somebody is there: %o', async (patience) => {
    const { run, session, a, followed } = await made({ ...patience, step: 'sleep 25' });
    const beat = setInterval(() => session.say('hold\n'), 100);
    const { order } = await followed(session, commitScript(run, NONCE, 1), 'end1');
    clearInterval(beat);
    expect(order.at(-1)).toBe('end1');
    expect(a()).toBe('new\n');
  });
});
