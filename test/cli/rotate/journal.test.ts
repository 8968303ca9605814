import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RotationJournal, rotationJournals, rotationSchema } from '../../../src/cli/rotate/journal.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'ipsec-play-journal-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const FOLDER = '.ipsec-play/rotations';
const journal = (run: string, ...names: string[]): RotationJournal => ({
  schema: rotationSchema,
  run,
  pid: 1,
  begun: '2026-01-01T00:00:00.000Z',
  inventory: 'inventory',
  lab: null,
  file: 'inventory/tunnels.yml',
  sealed: false,
  before: '',
  entries: names.map((name) => ({ name, title: name, tunnels: [name], hosts: ['a', 'b'] })),
  keys: names.map((entry) => ({
    entry,
    pointer: ['tunnels', entry, 'keying', 'psk'],
    kind: 'scalar' as const,
    value: `"new ${entry}"`,
    old: `"old ${entry}"`,
  })),
  rollbackOf: null,
  ages: { fresh: Object.fromEntries(names.map((name) => [name, name])), old: {} },
});

test('what was written is kept, of a hundred runs, its owner’s alone; tunnels that come later are added', () => {
  const journals = rotationJournals({ cwd });
  expect(journals.keep(journal('run-000', 'first', 'second'))).toBe(null);
  expect(journals.keep({ ...journal('run-000', 'second', 'third') })).toBe(null);
  const kept = journals.kept('run-000');
  expect(kept?.entries.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
  expect(kept?.keys.map(({ entry }) => entry)).toEqual(['first', 'second', 'third']);
  expect(Object.keys(kept?.ages.fresh ?? {})).toEqual(['first', 'second', 'third']);
  for (let at = 1; at <= 100; at += 1) journals.keep(journal(`run-${String(at).padStart(3, '0')}`, 'first'));
  const names = readdirSync(join(cwd, FOLDER, 'done')).sort();
  expect([names.length, names[0], journals.kept('run-000')]).toEqual([100, 'run-001.json', null]);
  expect(statSync(join(cwd, FOLDER, 'done', 'run-001.json')).mode & 0o777).toBe(0o600);
  expect(statSync(join(cwd, FOLDER, 'done')).mode & 0o777).toBe(0o700);
  expect(journals.all()).toEqual([]);
});

test('what cannot be written, removed or read is said', () => {
  const journals = rotationJournals({ cwd });
  expect(journals.write(journal('run-1', 'first'))).toBe(null);
  expect(journals.all()).toEqual([journal('run-1', 'first')]);
  writeFileSync(join(cwd, FOLDER, 'done'), '');
  expect(journals.keep(journal('run-1', 'first'))).toMatch(/EEXIST|ENOTDIR/);
  expect(journals.unreadable()).toEqual([]);
  writeFileSync(join(cwd, FOLDER, 'run-2.json'), '{ "schema": "ipsec-play/rotation/2" }');
  expect(journals.unreadable()).toEqual(['run-2.json']);
  expect(journals.remove('run-1')).toBe(null);
  expect(journals.remove('run-1')).toBe(null);
  mkdirSync(join(cwd, FOLDER, 'run-3.json'));
  expect(journals.remove('run-3')).toMatch(/ISDIR|EISDIR/);
});
