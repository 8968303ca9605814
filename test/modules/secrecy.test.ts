import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { command } from '../../modules/command.ts';
import { file } from '../../modules/file.ts';
import { psk } from '../../modules/psk.ts';
import { concealedDiff } from '../../modules/shared/concealed.ts';
import type { Module } from '../../src/engine/module.ts';
import { type Content, sameContent } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import { needs } from '../support/needs.ts';
import { apply, look, makeHost } from './run-module.ts';

const secret = new Secret('canary');
// biome-ignore lint/suspicious/noExplicitAny: modules of different arguments in one table
const cases: readonly [string, Module<any, any>, Record<string, unknown>][] = [
  ['file', file, { path: '/etc/keys', content: ['IKE_PSK=', secret, '\n'], mode: '0600' }],
  ['psk', psk, { path: '/etc/psk.txt', entries: [{ peer: '10.0.0.1', key: secret }] }],
  ['command', command, { cmd: 'cat >/dev/null', stdin: secret }],
];

describe.runIf(needs('strace'))('as the kernel sees it', () => {
  test.each(cases)(
    '%s puts a secret into no argument list, and into no file that others may read',
    (_, module, args) => {
      for (const there of [null, 0o644]) {
        const plain = makeHost();
        const trace = join(plain.kernel, 'trace');
        const host = makeHost([
          'strace',
          '-f',
          '-s',
          '100000',
          '-o',
          trace,
          '-e',
          'trace=execve,openat,open,creat,umask,chmod,fchmodat,rename',
          'dash',
        ]);
        host.mkdir('/etc');
        if (there !== null) for (const path of ['/etc/keys', '/etc/psk.txt']) host.write(path, 'old\n', there);
        const { plan } = look(host, module, args);
        expect(apply(host, module, plan, args).exitCode).toBe(0);
        const calls = readFileSync(trace, 'utf8').split('\n');
        expect(calls.filter((call) => /execve\(/.test(call) && call.includes('canary'))).toEqual([]);
        expect(calls.filter((call) => /execve\(/.test(call)).length).toBeGreaterThan(0);
        // Made under umask 077, beside the target; given its mode before its name.
        const made = calls.findIndex((call) => call.includes('O_CREAT') && call.includes(host.root.slice(0, 12)));
        if (module !== command) {
          expect(made).toBeGreaterThan(-1);
          const umasks = calls.slice(0, made).flatMap((call) => /umask\((\d+)\)/.exec(call)?.[1] ?? []);
          expect(umasks.at(-1)).toBe('077');
          expect(calls[made]).toContain('O_EXCL');
          expect(host.mode(args.path as string)).toBe(0o600);
        }
        host.remove();
        plain.remove();
      }
    },
  );
});

describe('a concealed diff', () => {
  const value = fc.constantFrom('canary', "'canary'", '"a canary"', 'x', '');
  const line = fc.oneof(
    fc.tuple(fc.constantFrom('IKE_PSK=', 'export KEY_AH=', '# ', '', 'SPI='), value).map((parts) => parts.join('')),
    fc.constantFrom('', 'TYPE=IPSEC', '# plain'),
  );
  const before = fc.option(fc.array(line, { maxLength: 5 }).map((lines) => lines.join('\n')));
  const part = fc.oneof(
    fc.constantFrom('IKE_PSK=', 'SPI=7\n', '\n', 'TYPE=IPSEC\n', '# plain\n', 'x '),
    fc.constantFrom('canary', "'canary'", 'canary\nIKE_PSK=canary').map((text) => new Secret(text)),
  );
  const after = fc.option(fc.array(part, { maxLength: 8 }));

  test('never shows what is secret', () => {
    fc.assert(
      fc.property(before, after, (old, fresh) => {
        const diff = concealedDiff('/x', old, fresh);
        const open = [...(diff.before ?? []), ...(diff.after ?? [])]
          .filter((each) => typeof each === 'string')
          .join('');
        expect(open).not.toContain('canary');
      }),
      { numRuns: 500 },
    );
  });

  test('differs where the file does, and only there', () => {
    fc.assert(
      fc.property(before, fc.array(part, { maxLength: 8 }), (old, fresh) => {
        const diff = concealedDiff('/x', old, fresh);
        const same = (a: Content | null, b: Content | null) => (a === null || b === null ? a === b : sameContent(a, b));
        expect(same(diff.before, diff.after)).toBe(same(old === null ? null : [old], fresh));
      }),
      { numRuns: 500 },
    );
  });
});
