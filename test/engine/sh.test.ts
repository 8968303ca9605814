import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lines, onHost, path, quote, render, sh, writeFile } from '../../src/engine/sh.ts';
import { toBytes } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import { shells } from '../support/shells.ts';

const anyText = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string(),
    fc.constantFrom('', '-n', '\\n', "'", "''", '"$HOME"', '`id`', '$(id)', '\n', '*', '~', '=x', '!!', '\\'),
  )
  .map((text) => Buffer.from(text.replaceAll('\0', '')).toString('utf8'));

describe.each(shells)('quoting, %s', (program, ...args) => {
  test('any text is one word, and comes out of the shell as it went in', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 20 }), (words) => {
        const script = sh`for word in ${words}; do printf '%s\\0' "$word"; done`;
        const { stdout } = spawnSync(program, args, { input: Buffer.from(render(script, onHost), 'latin1') });
        expect(stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 60 },
    );
  });

  test('the bytes of a file are carried as they are', () => {
    const everyByte = Array.from({ length: 255 }, (_, index) => String.fromCharCode(index + 1)).join('');
    const script = lines([
      sh`ip_put() { printf %s "$4"; }`,
      writeFile({ path: '/x', mode: 0o600, content: [everyByte] }),
    ]);
    const { stdout } = spawnSync(program, args, { input: Buffer.from(render(script, onHost), 'latin1') });
    expect(stdout.toString('latin1')).toBe(everyByte);
  });
});

test('a NUL cannot be carried, and is not cut silently', () => {
  expect(() => quote('a\0b')).toThrow(/NUL/);
});

test('paths are rendered under the root of the target, other words are not', () => {
  const script = sh`cp ${path('/etc/a b')} ${'/etc/c'}`;
  expect(render(script, onHost)).toBe("cp '/etc/a b' /etc/c");
  expect(render(script, { root: '/lab/host', commandShell: [] })).toBe("cp '/lab/host/etc/a b' /etc/c");
});

test('a script that holds a secret says so, and shows it to nobody', () => {
  const canary = 'canary-7f3a';
  const script = lines([sh`echo a`, sh`echo ${[new Secret(canary)]}`]);
  expect(script.hasSecrets).toBe(true);
  expect(sh`echo ${'plain'}`.hasSecrets).toBe(false);
  expect(writeFile({ path: '/k', mode: 0o600, content: ['IKE_PSK=', new Secret(canary)] }).hasSecrets).toBe(true);
  for (const shown of [
    JSON.stringify({ script }),
    String(script),
    inspect(script, { depth: 9 }),
    `${new Secret(canary)}`,
  ]) {
    expect(shown).not.toContain(canary);
  }
  expect(render(script, onHost)).toBe(`echo a\necho ${toBytes(canary)}\n`);
});
