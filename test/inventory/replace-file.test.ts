import {
  chmodSync,
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
import { replaceFile } from '../../src/inventory/replace-file.ts';

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
  expect(replaceFile(path, 'old ä', 'new ö')).toBe(null);
  expect([readFileSync(path, 'utf8'), mode(path)]).toEqual(['new ö', '640']);
  expect(statSync(path).ino).not.toBe(ino);
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a symbolic link stays one', () => {
  mkdirSync(join(folder, 'real'));
  writeFileSync(join(folder, 'real/a'), 'old');
  symlinkSync('real/a', join(folder, 'link'));
  expect(replaceFile(join(folder, 'link'), 'old', 'new')).toBe(null);
  expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(folder, 'real/a'), 'utf8')).toBe('new');
});

test('a file that was changed meanwhile is left alone', () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'edited');
  expect(replaceFile(path, 'old', 'new')).toMatchObject({ why: 'somebody changed it meanwhile' });
  expect(readFileSync(path, 'utf8')).toBe('edited');
  expect(readdirSync(folder)).toEqual(['a']);
});

test('a file that is gone is not made anew', () => {
  expect(replaceFile(join(folder, 'a'), 'old', 'new')).toMatchObject({ why: 'it cannot be written: ENOENT' });
  expect(readdirSync(folder)).toEqual([]);
});
