import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keptKey } from '../../src/lab/keys.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keys-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** ssh2 as it is, but for the keys it makes first. */
function making(...first: string[]): typeof ssh2.utils {
  const generateKeyPairSync = (...args: Parameters<typeof ssh2.utils.generateKeyPairSync>) => {
    const pair = ssh2.utils.generateKeyPairSync(...args);
    return { ...pair, private: first.shift() ?? pair.private };
  };
  return { ...ssh2.utils, generateKeyPairSync } as typeof ssh2.utils;
}

const isKey = (text: string) => !(ssh2.utils.parseKey(text) instanceof Error);

test('a key is made once, for its owner alone, and nothing is left beside it', () => {
  const file = join(dir, 'key');
  const key = keptKey(file, 'lab', ssh2.utils);
  expect(isKey(key)).toBe(true);
  expect(keptKey(file, 'lab', ssh2.utils)).toBe(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['key']);
});

test('one of 256 keys that ssh2 makes cannot be read: another one is made', () => {
  const broken = ssh2.utils.generateKeyPairSync('ed25519').private.replace(/\n.{20}/, '\n');
  expect(isKey(broken)).toBe(false);
  expect(isKey(keptKey(join(dir, 'key'), 'lab', making(broken, broken)))).toBe(true);
});

test('a kept file that holds no key is replaced', () => {
  const file = join(dir, 'key');
  writeFileSync(file, 'half a k');
  const key = keptKey(file, 'lab', ssh2.utils);
  expect(isKey(key)).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe(key);
});
