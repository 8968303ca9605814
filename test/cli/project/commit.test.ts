import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitOf } from '../../../src/cli/project/commit.ts';
import { needs } from '../../support/needs.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ipsec-play-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('there is none where nothing is kept in git, and where there is no folder', () => {
  expect([commitOf(dir), commitOf(join(dir, 'nowhere'))]).toEqual([null, null]);
});

describe.skipIf(!needs('git'))('where git is', () => {
  const git = (...argv: string[]) => {
    const named = ['-c', 'user.name=Kim', '-c', 'user.email=kim@example.org'];
    const { status, stdout, stderr } = spawnSync('git', [...named, ...argv], { cwd: dir, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return stdout.trim();
  };

  test('it is the one that is checked out, also below its folder; before the first there is none', () => {
    git('init', '-q');
    expect(commitOf(dir)).toBeNull();
    git('commit', '-q', '--allow-empty', '-m', 'first');
    mkdirSync(join(dir, 'inventory'));
    const first = git('rev-parse', 'HEAD');
    expect([commitOf(dir), commitOf(join(dir, 'inventory'))]).toEqual([first, first]);
    writeFileSync(join(dir, 'hosts.yml'), 'all:\n');
    expect(commitOf(join(dir, 'hosts.yml'))).toBe(first);
    git('commit', '-q', '--allow-empty', '-m', 'second');
    expect(commitOf(dir)).not.toBe(first);
  });
});
