import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../../../src/cli/machine/replace-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ipsec-play-replace-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test('the file is another one with the same mode, and nothing is left beside it', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old ä');
  chmodSync(path, 0o640);
  const { ino } = statSync(path);
  expect(replaceFile(path, 'new ö', { before: 'old ä' })).toBe(null);
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['new ö', '640']);
  expect(statSync(path).ino).not.toBe(ino);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a symbolic link stays one', () => {
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/a'), 'old');
  symlinkSync('real/a', join(folder, 'link'));
  expect(replaceFile(join(folder, 'link'), 'new', { before: 'old' })).toBe(null);
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(folder, 'real/a'), 'utf8')).toBe('new');
});

test('a file that was changed meanwhile is left alone', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'edited');
  expect(replaceFile(path, 'new', { before: 'old' })).toMatchObject({ why: 'somebody changed it meanwhile' });
  expect(readFileSync(path, 'utf8')).toBe('edited');
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a file that is gone is not made anew', () => {
  expect(replaceFile(join(folder, 'a'), 'new', { before: 'old' })).toMatchObject({
    why: 'it cannot be written: ENOENT',
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('without a text that it must hold, a file may be new, and for its owner alone', () => {
  const path = join(folder, 'a');
  expect(replaceFile(path, 'new')).toBe(null);
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['new', '600']);
  chmodSync(path, 0o644);
  expect(replaceFile(path, 'newer')).toBe(null);
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['newer', '644']);
  expect(replaceFile(path, 'newest', { mode: 0o600 })).toBe(null);
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['newest', '600']);
});

test('what is no regular file stays what it is', () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  expect(replaceFile(path, 'new')).toMatchObject({ why: 'it is no regular file' });
  expect(lstatSync(path).isFIFO()).toBe(true);
  expect(replaceFile(folder, 'new')).toMatchObject({ why: 'it is no regular file' });
  expect(readdirSync(folder)).toEqual(['pipe']);
});

test.runIf(process.getuid?.() === 0)('the owner is kept, or the file is left alone', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old');
  chownSync(path, 12, 13);
  expect(replaceFile(path, 'new', { before: 'old' })).toBe(null);
  expect(statSync(path)).toMatchObject({ uid: 12, gid: 13 });

  chmodSync(folder, 0o777);
  process.setegid?.(65534);
  process.seteuid?.(65534);
  try {
    expect(replaceFile(path, 'newer')).toMatchObject({ why: 'its owner and group cannot be kept' });
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a rehearsal leaves the file as it is, and says what would be in the way', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'old');
  const { ino } = statSync(path);
  expect(replaceFile(path, 'new', { before: 'old', rehearse: true })).toBe(null);
  expect([readFileSync(path, 'utf8'), statSync(path).ino, readdirSync(folder)]).toEqual(['old', ino, ['a']]);
  expect(replaceFile(path, 'new', { before: 'older', rehearse: true })?.why).toContain('somebody changed it');
  expect(replaceFile(join(folder, 'b', 'c'), 'new', { rehearse: true })?.why).toContain('ENOENT');
});
