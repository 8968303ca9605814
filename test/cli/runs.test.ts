import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunOptions } from '../../src/cli/options/options.ts';
import { startRecord } from '../../src/cli/run/recorder.ts';
import { type RunRecord, runRecords } from '../../src/cli/run/records.ts';
import type { RunEvent } from '../../src/engine/events.ts';
import type { HostResult, TaskResult } from '../../src/engine/result.ts';
import type { RunOutcome } from '../../src/engine/run.ts';
import type { CompiledPlay } from '../../src/model/task.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { play, task } from '../support/toy-engine.ts';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ipsec-play-records-'));
  folders.push(folder);
  return folder;
}

const OPTIONS = {
  inventory: 'inventory',
  tags: [],
  skipTags: [],
  extraVars: ['secret=c4nary'],
  forks: 1,
} as unknown as RunOptions;
const RUN = '20261122-101530-3fa9';
const IN_SYNC: HostResult = { status: 'ok', error: null, tasks: [] };

function recording(cwd: string, plays: readonly CompiledPlay[], warn: () => void = () => {}) {
  const records = runRecords({ cwd });
  const now = () => 0;
  const given = { run: RUN, rollbackOf: null, who: 'anna@desk', pid: 7, playbook: 'site.yml', options: OPTIONS, plays };
  return { records, recorder: startRecord(given, records, now, warn), read: () => records.read(RUN) as RunRecord };
}

describe('the record of a run', () => {
  const plays = [
    play({ a: [task('t', 'action', {}, { tunnel: 'one' }), task('u', 'action', {}, { tunnel: 'two' })], b: [] }),
  ];
  const result = (status: TaskResult['status'], tunnel: string | null) =>
    ({ id: 'x', status, tunnel, diff: [], disruptive: null, error: null }) as unknown as TaskResult;

  test('is there before any host is reached, and tells how far each has come', () => {
    const { recorder, read } = recording(place(), plays);
    expect(read()).toMatchObject({
      run: RUN,
      ended: null,
      outcome: 'running',
      hosts: { a: { phase: 'waiting' }, b: { phase: 'waiting' } },
    });
    expect(read().plays[0]?.hosts.a?.tunnels).toEqual(['one', 'two']);
    const on = { play: 'play', host: 'a' };
    recorder.listen({ type: 'host-started', ...on });
    recorder.listen({ type: 'host-planned', ...on, tasks: [result('changed', 'one'), result('ok', 'two')] });
    recorder.listen({ type: 'task-started', ...on, task: result('changed', 'one') } as RunEvent);
    recorder.listen({ type: 'host-proving', ...on });
    recorder.listen({ type: 'host-restoring', ...on, why: 'it failed' });
    expect(read().hosts.a?.phase).toBe('restoring');
    expect(read().plays[0]?.hosts.a?.tunnels).toEqual(['one']);
    const failed: HostResult = { status: 'failed', error: { code: 'x', message: 'y' }, tasks: [] };
    const outcome = { hosts: new Map([['a', failed]]), interrupted: false, timedOut: false } as unknown as RunOutcome;
    recorder.end(outcome, 4);
    expect(read()).toMatchObject({
      outcome: 'failed',
      exitCode: 4,
      pending: false,
      hosts: { a: { phase: 'done', status: 'failed' } },
    });
    expect(read().ended).not.toBeNull();
  });

  test('takes no more than a small part of the time, however long it is', () => {
    let clock = 0;
    let writes = 0;
    const slow = {
      write: () => {
        clock += 100;
        writes += 1;
        return true;
      },
      read: () => null,
      all: () => [],
    };
    const many = [play(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`h${index}`, []])))];
    const given = { run: RUN, rollbackOf: null, who: '', pid: 7, playbook: '', options: OPTIONS, plays: many };
    const recorder = startRecord(
      given,
      slow,
      () => clock,
      () => {},
    );
    for (let index = 0; index < 500; index += 1) {
      clock += 10;
      recorder.listen({ type: 'host-proving', play: 'play', host: `h${index}` });
    }
    expect(writes).toBeGreaterThan(1);
    expect(writes).toBeLessThan(6);
  });

  test('is not written again for hosts that are only read', () => {
    const { recorder, read } = recording(place(), plays);
    const on = { play: 'play', host: 'a' };
    recorder.listen({ type: 'host-started', ...on });
    recorder.listen({ type: 'host-finished', ...on, result: IN_SYNC });
    expect(read().hosts.a?.phase).toBe('waiting');
    recorder.listen({ type: 'host-proving', play: 'play', host: 'b' });
    expect(read().hosts).toMatchObject({ a: { phase: 'done' }, b: { phase: 'proving' } });
    recorder.listen({ type: 'host-finished', play: 'play', host: 'b', result: IN_SYNC });
    expect(read().hosts.b?.phase).toBe('done');
  });

  test('is on the disk before the first change, whatever else was just written, and not waited for before that', () => {
    const fleeting: (boolean | undefined)[] = [];
    const records = {
      write: (_: RunRecord, isFleeting?: boolean) => {
        fleeting.push(isFleeting);
        return true;
      },
      read: () => null,
      all: () => [],
    };
    const given = { run: RUN, rollbackOf: null, who: '', pid: 7, playbook: '', options: OPTIONS, plays };
    const recorder = startRecord(
      given,
      records,
      () => 0,
      () => {},
    );
    const on = { play: 'play', host: 'a' };
    recorder.listen({ type: 'host-started', ...on });
    recorder.listen({ type: 'host-planned', ...on, tasks: [result('ok', 'one'), result('skipped', 'two')] });
    expect(fleeting).toEqual([true]);
    recorder.listen({ type: 'host-planned', ...on, tasks: [result('unknown', 'one')] });
    expect(fleeting).toEqual([true, false]);
    recorder.listen({ type: 'host-planned', ...on, tasks: [result('changed', 'one')] });
    recorder.end({ hosts: new Map(), interrupted: false, timedOut: false } as unknown as RunOutcome, 0);
    expect(fleeting).toEqual([true, false, false]);
  });

  test('holds nothing of the extra variables but whether they are the same, and is its owner’s alone', () => {
    const cwd = place();
    const { read } = recording(cwd, plays);
    const file = join(cwd, '.ipsec-play/runs', `${RUN}.json`);
    expect(readFileSync(file, 'utf8')).not.toContain('c4nary');
    expect(read().extraVars).toMatch(/^[0-9a-f]{8}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(cwd, '.ipsec-play/runs')).mode & 0o777).toBe(0o700);
  });

  test('that cannot be written is said once, and keeps no run from running', () => {
    const cwd = place();
    writeFileSync(join(cwd, '.ipsec-play'), 'in the way');
    let said = 0;
    const { recorder } = recording(cwd, plays, () => {
      said += 1;
    });
    recorder.listen({ type: 'host-started', play: 'play', host: 'a' });
    recorder.end({ hosts: new Map(), interrupted: false, timedOut: false } as unknown as RunOutcome, 0);
    expect(said).toBe(1);
  });

  test('goes when a hundred newer ones are there; what is no record stays and harms nothing', () => {
    const cwd = place();
    const folder = join(cwd, '.ipsec-play/runs');
    mkdirSync(folder, { recursive: true });
    for (let index = 0; index < 105; index += 1) {
      writeFileSync(join(folder, `20200101-${String(100000 + index)}-aaaa.json`), '{"schema":"ipsec-play/record/1"}');
    }
    writeFileSync(join(folder, 'notes.txt'), 'mine');
    writeFileSync(join(folder, '20300101-000000-aaaa.json'), '{ half');
    const { records } = recording(cwd, plays);
    const names = readdirSync(folder);
    expect(names.filter((name) => name.endsWith('.json'))).toHaveLength(100);
    expect(names).toContain('notes.txt');
    expect(names).toContain(`${RUN}.json`);
    expect(names).not.toContain('20200101-100000-aaaa.json');
    expect(records.all()[0]?.run).toBe(RUN);
  });
});

describe('history and show', { timeout: 120_000 }, () => {
  let project: Project;
  beforeAll(async () => {
    project = shippedProject();
    await project.run('apply', 'playbooks/host-to-host.yml', '--lab', '-l', 'pinky,ijin');
    await project.run('apply', 'playbooks/host-to-host.yml', '--lab');
    await project.run('check', 'playbooks/host-to-host.yml', '--lab');
  }, 120_000);
  afterAll(() => project.remove());

  test('every apply is there with what came of it, the newest first; no check', async () => {
    const { stdout } = await project.run('history');
    expect(
      stdout
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('  ').at(-1)),
    ).toEqual(['in sync', 'changed']);
    expect((await project.run('history', '-n', '1')).stdout.trim().split('\n')).toHaveLength(2);
    const { runs } = JSON.parse((await project.run('history', '-o', 'json')).stdout) as { runs: readonly RunRecord[] };
    expect(runs[1]).toMatchObject({
      playbook: 'playbooks/host-to-host.yml',
      outcome: 'changed',
      exitCode: 0,
      hosts: { pinky: 'changed' },
    });
  });

  test('show tells what a run did, as the run told it, without its secrets', async () => {
    const { runs } = JSON.parse((await project.run('history', '-o', 'json')).stdout) as { runs: readonly RunRecord[] };
    const run = runs[1]?.run ?? '';
    const human = await project.run('show', run);
    expect(human.code).toBe(0);
    expect(human.stdout).toContain(`run ${run}  changed`);
    expect(human.stdout).toContain('+IKE_PSK=fp:');
    expect(human.stdout).toContain(`ipsec-play rollback ${run} takes it back`);
    const json = await project.run('show', run, '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      run,
      limit: 'pinky,ijin',
      hosts: { pinky: { status: 'changed' } },
    });
    expect(human.stdout + json.stdout).not.toContain('Key_Value01');
  });

  test('what names no run is a mistake', async () => {
    expect((await project.run('show', 'nothing')).code).toBe(3);
    for (const command of ['confirm', 'rollback', 'resume']) {
      const { code, stderr } = await project.run(command, '../etc');
      expect([code, stderr]).toEqual([3, expect.stringContaining('names no run')]);
    }
  });
});
