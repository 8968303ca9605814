import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Frame } from '../../../src/engine/frames.ts';
import { probeScript } from '../../../src/engine/probe.ts';
import { path, render, Script, sh, writeFile } from '../../../src/engine/sh.ts';
import { keeperScript } from '../../../src/engine/transaction/keeper.ts';
import {
  isDue,
  probeLeftovers,
  readLeftovers,
  recovered,
  recoverScript,
} from '../../../src/engine/transaction/leftovers.ts';
import { commitScript, partScript, swapStaged } from '../../../src/engine/transaction/part.ts';
import { prepareScript, type Touched } from '../../../src/engine/transaction/prepare.ts';
import { restoreScript } from '../../../src/engine/transaction/restore.ts';
import {
  abandonScript,
  awaitScript,
  confirmScript,
  followScript,
  holdScript,
  rollbackScript,
} from '../../../src/engine/transaction/settle.ts';
import { readSurvey, surveyScript } from '../../../src/engine/transaction/survey.ts';
import { cksum } from '../../../src/model/cksum.ts';
import { shells } from '../../support/shells.ts';
import { until } from '../../support/until.ts';
import { hostWith, NONCE, seen, shellOn } from './host-shell.ts';

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const clean of cleanups.splice(0).reverse()) clean();
});

test.each(['', 'a', 'hello\n', 'x'.repeat(70_000), '\x00\xff\x80'])('a checksum is that of cksum', (bytes) => {
  const said = execFileSync('cksum', { input: Buffer.from(bytes, 'latin1'), encoding: 'utf8' });
  expect(cksum(bytes)).toBe(said.trim());
});

describe.each(shells)('under %s', (...shell) => {
  function stage(
    options: { patience?: number; files?: Record<string, string>; between?: string; hang?: boolean } = {},
  ) {
    const host = hostWith({ 'etc/a': 'old a\n', 'etc/secret': 'old key\n', ...options.files });
    cleanups.push(host.remove);
    const run = { id: 'r1', rendering: { root: host.root, commandShell: ['sh', '-c'] } };
    const open = () => {
      const session = shellOn(host, shell);
      cleanups.push(session.kill);
      return session;
    };
    const writes = [
      writeFile({ path: '/etc/a', content: ['new a\n'], mode: 0o644 }),
      sh`echo up >>${path('/etc/kernel')}; ${new Script([{ raw: options.between ?? ':' }])}`,
      writeFile({ path: '/etc/secret', content: ["new 'key'\n"], mode: 0o600 }),
      writeFile({ path: '/etc/new/deep', content: ['made\n'], mode: 0o600 }),
    ];
    const touched: Touched[] = [
      seen('/etc/a', 'old a\n'),
      seen('/etc/secret', 'old key\n'),
      seen('/etc/new/deep', null),
      seen('/etc/kernel', null),
    ];
    const numbered = new Map(writes.flatMap((each) => each.writes).map((write, index) => [write, String(index)]));
    const swap = swapStaged((write) => ({
      staged: numbered.get(write) ?? '',
      backup: touched.findIndex(({ path }) => path === write.path),
    }));
    const steps = writes.map((script, index) => ({
      id: `t${index}`,
      text: `${index === 3 ? `mkdir -p '${host.root}/etc/new'\n` : ''}${render(script, run.rendering, swap)}`,
      risky: index === 1,
      mayFail: false,
    }));
    const prepare = prepareScript({
      run,
      nonce: NONCE,
      part: 1,
      touched,
      firstTouched: 0,
      notes: new Map(),
      writes: [...numbered].map(([write, number]) => ({ number, write })),
      partScript: partScript(run, NONCE, 1, steps),
      restoreScript: restoreScript(run, NONCE, [
        {
          id: 't1',
          before: `echo down >>'${host.root}/etc/log'`,
          after: '',
          redo: { before: `echo again >>'${host.root}/etc/log'`, after: `echo forward >>'${host.root}/etc/log'` },
        },
        { id: 'never', before: `echo never >>'${host.root}/etc/log'`, after: '' },
      ]),
      keeperScript: keeperScript(run, { confirm: options.patience ?? 600, gone: 2, prepared: 600 }),
      healthScript: '',
      owner: ['who anna@desk'],
    });
    const read = (path: string) => {
      const at = join(host.root, path);
      return existsSync(at) ? readFileSync(at, 'utf8') : null;
    };
    return { host, run, open, prepare, read, dir: join(host.root, 'var/lib/ipsec-play') };
  }

  async function followed(session: ReturnType<typeof shellOn>, script: string, last: string) {
    const order: string[] = [];
    const frames = await session.run(script, (frame: Frame) => {
      order.push(frame.id);
      if (frame.id === last || frame.id === 'gone') session.say('\n');
    });
    return { order, frames };
  }

  const PATHS = ['/etc/a', '/etc/secret', '/etc/new/deep', '/etc/kernel'];
  const OLD = { a: 'old a\n', secret: 'old key\n', deep: null, kernel: null };
  const NEW = { a: 'new a\n', secret: "new 'key'\n", deep: 'made\n', kernel: 'up\n' };
  const stateOf = (read: (path: string) => string | null) => ({
    a: read('etc/a'),
    secret: read('etc/secret'),
    deep: read('etc/new/deep'),
    kernel: read('etc/kernel'),
  });

  test('prepared, committed, confirmed', async () => {
    const { open, prepare, run, read, dir, host } = stage();
    const session = open();
    const prepared = await session.run(prepare);
    expect([...prepared.values()].map(({ id, exitCode }) => [id, exitCode])).toEqual(
      ['lock', 'guard', 'backup', 'stage', 'keeper'].map((id) => [id, 0]),
    );
    expect(stateOf(read)).toEqual(OLD);
    expect(statSync(join(host.root, 'etc/.secret.ipsec-play-1~')).mode & 0o777).toBe(0o600);

    const { order } = await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect(order).toEqual(['commit', 'pid', 't0', 't1', 't2', 't3', 'end1']);
    expect(stateOf(read)).toEqual(NEW);

    // Whoever is ended in the middle of a word leaves it behind.
    writeFileSync(join(dir, 'runs/r1/.state~99'), 'verif');
    expect((await session.run(confirmScript(run, NONCE))).get('confirm')?.exitCode).toBe(0);
    expect(existsSync(join(dir, 'lock'))).toBe(false);
    expect(readdirSync(join(dir, 'runs/r1')).sort()).toEqual([
      'backup',
      'begun',
      'ended',
      'journal',
      'left',
      'manifest',
      'modes',
      'owner',
      'proven',
      'restore.sh',
      'state',
    ]);
    expect(readdirSync(join(host.root, 'etc')).filter((name) => name.includes('ipsec-play'))).toEqual([]);
  });

  test('rolled back, all is as it was, and nothing is left', async () => {
    const { open, prepare, run, read, dir, host } = stage();
    const session = open();
    await session.run(prepare);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect((await session.run(rollbackScript(run, NONCE))).get('rollback')?.exitCode).toBe(0);
    const { frames } = await followed(session, followScript(run, NONCE, 'restored', 'restore'), 'restored');
    expect(frames.get('restored')?.exitCode).toBe(0);
    expect(stateOf(read)).toEqual(OLD);
    expect(read('etc/log')).toBe('down\n');
    await session.run(abandonScript(run, NONCE));
    expect(readdirSync(dir)).toEqual(['runs']);
    expect(readdirSync(join(dir, 'runs'))).toEqual([]);
    expect(readdirSync(join(host.root, 'etc')).filter((name) => name.includes('ipsec-play'))).toEqual([]);
  });

  test('a run that waits for a person goes back without one, whoever else is there, and its waiting can be prolonged', async () => {
    const { open, prepare, run, read, dir } = stage({ patience: 15 });
    const session = open();
    await session.run(prepare);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect((await session.run(awaitScript(run, NONCE))).get('awaiting')?.exitCode).toBe(0);
    const survey = async () =>
      readSurvey(
        (await session.run(surveyScript(run.rendering, NONCE))).get('survey')?.stdout ?? '',
        run.rendering.root,
      );
    const found = (await survey()).runs[0];
    expect(found).toMatchObject({ id: 'r1', state: 'awaiting', isKept: true, last: 'awaiting', paths: PATHS });
    // At once: who asks must not have to wait for the keeper's next second.
    expect(found?.remaining).toBeGreaterThan(12);
    expect(found?.remaining).toBeLessThanOrEqual(15);
    expect(found?.owner.get('who')).toBe('anna@desk');
    const remaining = () => Number(read('var/lib/ipsec-play/runs/r1/remaining'));
    await until(() => remaining() <= 8);
    expect((await session.run(holdScript(run, NONCE))).get('hold')?.exitCode).toBe(0);
    await until(() => remaining() >= 12);
    expect(stateOf(read)).toEqual(NEW);
    await until(() => !existsSync(join(dir, 'lock')) && read('var/lib/ipsec-play/runs/r1/keeper.pid') === null, 20);
    expect(stateOf(read)).toEqual(OLD);
    expect((await session.run(confirmScript(run, NONCE))).get('confirm')?.exitCode).toBe(75);
    expect((await survey()).runs[0]).toMatchObject({ state: 'restored', isKept: false, remaining: null });
  });

  test('a confirmed run says how it left its files, and its way back leads back and forward', async () => {
    const { open, prepare, run, read, dir } = stage();
    const session = open();
    await session.run(prepare);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await session.run(confirmScript(run, NONCE));
    expect(
      read('var/lib/ipsec-play/runs/r1/left')
        ?.trim()
        .split('\n')
        .map((line) => line.split('/').at(-1)),
    ).toEqual(['a', 'secret', 'deep', 'kernel']);
    const own = join(dir, 'runs/r1');
    const [program = 'sh', ...words] = shell;
    const way = (round: string) =>
      execFileSync(program, [...words, join(own, 'restore.sh'), round, own], { encoding: 'utf8' });
    expect(way('back')).toBe('');
    expect(stateOf(read)).toEqual(OLD);
    expect(read('etc/log')).toBe('down\n');
    expect(read('var/lib/ipsec-play/runs/r1/state')).toBe('confirmed\n');
    for (const round of ['redo-before', 'redo-after', 'undo-before', 'undo-after']) way(round);
    expect(read('etc/log')).toBe('down\nagain\nforward\ndown\n');
  });

  test('a second run is told who holds the host', async () => {
    const { open, prepare, run } = stage();
    const first = open();
    await first.run(prepare);
    const refused = await open().run(prepare);
    expect(refused.get('lock')).toMatchObject({
      exitCode: 75,
      stdout: expect.stringMatching(/^r1\nwho anna@desk\nsince \d+\nstate prepared\n$/),
    });
    expect(refused.has('guard')).toBe(false);
    await first.run(abandonScript(run, NONCE));
    expect((await open().run(prepare)).get('keeper')?.exitCode).toBe(0);
  });

  test('what changed since it was read is not prepared', async () => {
    const { open, prepare, host, dir } = stage();
    writeFileSync(join(host.root, 'etc/a'), 'somebody was here\n');
    const frames = await open().run(prepare);
    expect(frames.get('guard')).toMatchObject({ exitCode: 75, stdout: `${host.root}/etc/a\n` });
    expect(readdirSync(dir)).toEqual(['runs']);
    expect(readdirSync(join(dir, 'runs'))).toEqual([]);
  });

  test('what changes after it was prepared is not overwritten', async () => {
    const { open, prepare, run, read, host } = stage();
    const session = open();
    await session.run(prepare);
    writeFileSync(join(host.root, 'etc/secret'), 'somebody was here\n');
    const { order, frames } = await followed(session, commitScript(run, NONCE, 1), 'end1');
    expect(order).toEqual(['commit', 'pid', 't0', 't1', 't2', 'changed', 'end1']);
    expect(frames.get('t2')?.exitCode).toBe(75);
    expect(read('etc/secret')).toBe('somebody was here\n');
  });

  test('the keeper of a controller that is gone before the commit clears all', async () => {
    const { open, prepare, dir, host } = stage();
    const session = open();
    await session.run(prepare);
    session.kill();
    await until(() => !existsSync(join(dir, 'lock')) && !existsSync(join(dir, 'runs/r1')));
    expect(readdirSync(join(dir, 'runs'))).toEqual([]);
    expect(readdirSync(join(host.root, 'etc')).filter((name) => name.includes('ipsec-play'))).toEqual([]);
  });

  test('the keeper of a controller that is gone after the commit puts the old state back', async () => {
    const { open, prepare, run, read, dir } = stage({ patience: 10 });
    const session = open();
    await session.run(prepare);
    void session.run(commitScript(run, NONCE, 1)).catch(() => {});
    await until(() => read('var/lib/ipsec-play/runs/r1/journal')?.includes('part 1') === true);
    session.kill();
    await until(() => !existsSync(join(dir, 'lock')), 15);
    expect(stateOf(read)).toEqual(OLD);
    expect(read('var/lib/ipsec-play/runs/r1/state')).toBe('restored\n');
  });

  test('a step that hangs does not keep the keeper from going back', async () => {
    const { open, prepare, run, read, dir, host } = stage({ patience: 3, between: 'sleep 1000' });
    const session = open();
    await session.run(prepare);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    await until(() => !existsSync(join(dir, 'lock')), 15);
    expect(stateOf(read)).toEqual(OLD);
    expect((await session.run(confirmScript(run, NONCE))).get('confirm')).toMatchObject({
      exitCode: 75,
      stdout: 'restored\n',
    });
    session.kill();
    await until(() => host.processes().length === 0);
  });

  test('a run whose keeper and controller are gone is put back by the next one', async () => {
    const { open, prepare, run, read, dir, host } = stage();
    const session = open();
    await session.run(prepare);
    await followed(session, commitScript(run, NONCE, 1), 'end1');
    const look = async () => {
      const probe = probeScript([probeLeftovers], NONCE, run.rendering);
      const [output] = probe.read(await open().run(`${probe.text}\n`)) ?? [];
      return readLeftovers(output?.stdout ?? '');
    };
    expect(await look()).toEqual({ runs: [{ id: 'r1', state: 'running', isHeld: true }], hasStrayLock: false });
    const keeper = Number.parseInt(read('var/lib/ipsec-play/runs/r1/keeper.pid') ?? '', 10);
    expect(keeper).toBeGreaterThan(1);
    process.kill(keeper, 'SIGKILL');
    session.kill();
    await until(async () => (await look()).runs[0]?.isHeld === false);
    expect(isDue(await look())).toBe(true);
    const states = recovered(await open().run(recoverScript(await look(), run.rendering, NONCE)));
    expect(states).toEqual(new Map([['r1', 'restored']]));
    expect(stateOf(read)).toEqual(OLD);
    expect(readdirSync(dir)).toEqual(['runs']);
    expect(readdirSync(join(dir, 'runs'))).toEqual([]);
    expect(readdirSync(join(host.root, 'etc')).filter((name) => name.includes('ipsec-play'))).toEqual([]);
    expect(await look()).toEqual({ runs: [], hasStrayLock: false });
  });

  test('a lock without its run is cleared', async () => {
    const { open, prepare, run, dir } = stage();
    mkdirSync(join(dir, 'lock'), { recursive: true });
    writeFileSync(join(dir, 'lock/owner'), 'r0\nwho nobody\n');
    const probe = probeScript([probeLeftovers], NONCE, run.rendering);
    const [output] = probe.read(await open().run(`${probe.text}\n`)) ?? [];
    const found = readLeftovers(output?.stdout ?? '');
    expect(found).toEqual({ runs: [], hasStrayLock: true });
    await open().run(recoverScript(found, run.rendering, NONCE));
    expect((await open().run(prepare)).get('keeper')?.exitCode).toBe(0);
  });

  test('a part that is killed is told as gone', async () => {
    const { open, prepare, run, read } = stage({ between: 'sleep 1000' });
    const session = open();
    await session.run(prepare);
    const following = followed(session, commitScript(run, NONCE, 1), 'end1');
    await until(() => read('var/lib/ipsec-play/runs/r1/journal')?.includes('begun t1') === true);
    const pid = Number.parseInt(read('var/lib/ipsec-play/runs/r1/runner.pid') ?? '', 10);
    expect(pid).toBeGreaterThan(1);
    process.kill(pid, 'SIGKILL');
    expect((await following).order).toEqual(['commit', 'pid', 't0', 'gone']);
    await session.run(rollbackScript(run, NONCE));
    await followed(session, followScript(run, NONCE, 'restored', 'restore'), 'restored');
    expect(stateOf(read)).toEqual(OLD);
  });

  test('a link that breaks changes nothing for the part; following it anew tells all', async () => {
    const { open, prepare, run, read } = stage({ between: 'sleep 10' });
    const session = open();
    await session.run(prepare);
    void session.run(commitScript(run, NONCE, 1)).catch(() => {});
    await until(() => read('var/lib/ipsec-play/runs/r1/journal')?.includes('begun t1') === true);
    session.kill();
    const { order } = await followed(open(), commitScript(run, NONCE, 1), 'end1');
    expect(order).toEqual(['commit', 'pid', 't0', 't1', 't2', 't3', 'end1']);
    expect(stateOf(read)).toEqual(NEW);
  });

  test('what cannot be staged changes nothing and leaves nothing', async () => {
    const { open, prepare, host, dir, read } = stage();
    mkdirSync(join(host.root, 'etc/.secret.ipsec-play-1~/in the way'), { recursive: true });
    const frames = await open().run(prepare);
    expect(frames.get('stage')?.exitCode).toBe(1);
    expect(frames.has('keeper')).toBe(false);
    expect(stateOf(read)).toEqual(OLD);
    expect(readdirSync(dir)).toEqual(['runs']);
    expect(readdirSync(join(dir, 'runs'))).toEqual([]);
  });
});
