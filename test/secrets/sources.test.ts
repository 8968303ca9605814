import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { secretSources } from '../../src/secrets/sources.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'secret-sources-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

const PATH = '/usr/local/bin:/usr/bin:/bin';
const { env, file, command } = secretSources({ env: { PATH, TOKEN: 'abc' } });

test('the environment is what is given', () => {
  expect(env('TOKEN')).toBe('abc');
  expect(env('HOME')).toBeUndefined();
});

describe('files', () => {
  test('are read as they are', () => {
    writeFileSync(join(FOLDER, 'key'), 'schlüssel\n');
    expect(file(join(FOLDER, 'key'))).toBe('schlüssel\n');
  });

  test('that cannot be read say why', () => {
    writeFileSync(join(FOLDER, 'binary'), Buffer.from([0xff, 0xfe]));
    expect(file(join(FOLDER, 'none'))).toMatchObject({ fault: 'missing' });
    expect(file(FOLDER)).toMatchObject({ fault: 'unreadable', why: 'it is a directory' });
    expect(file(join(FOLDER, 'binary'))).toMatchObject({ fault: 'not-text' });
  });
});

describe('commands', () => {
  test('give their output, with the given environment and an empty stdin', async () => {
    expect(await command(['sh', '-c', 'cat; printf "%s\\n" "$TOKEN$1"', 'sh', ' x'])).toBe('abc x\n');
  });

  test('that fail tell their exit code and last words, not what they had printed', async () => {
    const fault = await command(['sh', '-c', 'echo c4n4ry; echo "no: c4n4ry is locked" >&2; exit 3']);
    expect(fault).toEqual({ fault: 'failed', why: 'exit code 3: no: [secret] is locked' });
  });

  test('that are not there, may not run, or are killed, say so', async () => {
    const plain = join(FOLDER, 'plain');
    writeFileSync(plain, 'echo no\n');
    chmodSync(plain, 0o644);
    expect(await command([join(FOLDER, 'nothing')])).toMatchObject({ fault: 'not-found' });
    expect(await command([plain])).toMatchObject({ fault: 'not-found', why: 'it may not be executed' });
    expect(await command([''])).toMatchObject({ fault: 'not-found' });
    expect(await command(['a\0b'])).toMatchObject({ fault: 'not-found' });
    expect(await command(['sh', '-c', 'kill -9 $$'])).toEqual({ fault: 'failed', why: 'ended by SIGKILL' });
  });

  test('that hang are ended', async () => {
    const hasty = secretSources({ env: { PATH }, timeout: 100 });
    expect(await hasty.command(['sleep', '30'])).toMatchObject({ fault: 'timeout' });
  });

  test('all run, however many', async () => {
    const outputs = await Promise.all(Array.from({ length: 30 }, (_, index) => command(['echo', String(index)])));
    expect(outputs).toEqual(Array.from({ length: 30 }, (_, index) => `${index}\n`));
  });
});
