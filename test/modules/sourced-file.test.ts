import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { file } from '../../modules/file.ts';
import { sourced } from '../../modules/shared/shell-assignments.ts';
import { saying } from '../../modules/shared/sourced-file.ts';
import { type Content, content, joined } from '../../src/model/content.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { everyShell, expectLaws, makeHost } from './run-module.ts';

const text = (given: Content | undefined) => {
  const all = given === undefined ? undefined : joined(given);
  return all instanceof Secret ? reveal(all) : all;
};

describe('a file of a connection', () => {
  test('that says the same is left alone, however it is written', () => {
    const wanted = ['DST=10.0.0.1\nONBOOT=yes\nSPI_AH_IN=0x200\n'];
    for (const found of [
      'DST=10.0.0.1\nONBOOT=yes\nSPI_AH_IN=0x200\n',
      "# c\n\nexport DST='10.0.0.1'; ONBOOT=YES # d\nSPI_AH_IN=512\nUSERCTL=no\nNOTE=$(id)",
      'DST=10.9.9.9\nDST=10.0.0.1\nSPI_AH_IN=0x200\nSRC=10.0.0.2\n',
    ])
      expect(saying(wanted, found, { SRC: '10.0.0.2', ONBOOT: 'yes' }), found).toBeUndefined();
  });

  test.each([
    ['another value', 'DST=10.0.0.2\n'],
    ['a variable that ifup heeds', 'DST=10.0.0.1\nSRC=10.0.0.3\n'],
    ['a computed value', 'DST=$(id)\n'],
    ['a command', 'DST=10.0.0.1\n. /etc/more\n'],
    ['the line ends of DOS', 'DST=10.0.0.1\r\n'],
    ['nothing', ''],
  ])('with %s is not', (_, found) => {
    const after = text(saying(['DST=10.0.0.1\n'], found, { SRC: '10.0.0.2' }));
    expect(sourced([after ?? '']).variables.get('DST')).toBe('10.0.0.1');
    expect(saying(['DST=10.0.0.1\n'], after ?? '', { SRC: '10.0.0.2' })).toBeUndefined();
  });

  test('gets what differs in its place, and keeps every other byte', () => {
    const found = "# c\nDST='10.0.0.1' # peer\n\nSRC=10.0.0.9 # old\nUSERCTL=no";
    expect(text(saying(['DST=10.0.0.2\nIKE_ENC=aes\n'], found, {}))).toBe(
      '# c\nDST=10.0.0.2 # peer\n\nUSERCTL=no\nIKE_ENC=aes\n',
    );
  });

  test('of keys: every comment is secret, for it may hold an old key', () => {
    const after = saying(content`IKE_PSK=${new Secret('new')}\n`, '# was 0ld\nIKE_PSK=0ld\n', {});
    expect(JSON.stringify(after)).not.toMatch(/0ld|new/);
    expect(text(after)).toBe('# was 0ld\nIKE_PSK=new\n');
  });

  test('says what is wanted after one edit, whatever stood in it; comments stay where it is edited', () => {
    const names = ['DST', 'SRCNET', 'KEY_AH', 'KEY_AH_IN', 'KEY_AH_OUT', 'ONBOOT', 'OTHER'];
    const line = fc.oneof(
      fc
        .tuple(fc.constantFrom(...names), fc.constantFrom('a', "'a b'", '"b"', 'no', '$(x)', ''))
        .map(([name, value]) => `${name}=${value}`),
      fc.constantFrom('# comment', '', '  ', 'export DST=c # d', 'A=1 B=2; DST=q', '. /x'),
    );
    const wanted = fc
      .uniqueArray(fc.constantFrom('DST', 'SRCNET', 'KEY_AH_IN', 'KEY_AH_OUT'), { minLength: 1 })
      .chain((all) =>
        fc.tuple(...all.map((name) => fc.constantFrom('a', 'b', "'a b'").map((value) => `${name}=${value}\n`))),
      )
      .map((lines) => lines.join(''));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), wanted, (lines, want) => {
        const found = lines.join('\n');
        const after = text(saying([want], found, {}));
        if (after === undefined) return;
        expect(saying([want], after, {})).toBeUndefined();
        const comments = (all: string) => all.split('\n').filter((each) => each === '# comment').length;
        if (after !== want) expect(comments(after)).toBe(comments(found));
      }),
      { numRuns: 2000 },
    );
  });
});

describe.each(everyShell)('as %s', (_, shell) => {
  test('the laws hold for a file that is edited', () => {
    const host = makeHost(shell);
    try {
      const path = '/etc/sysconfig/network-scripts/ifcfg-ipsec0';
      host.mkdir('/etc/sysconfig/network-scripts');
      host.write(path, "# c\nDST='10.0.0.1'\nUSERCTL=no\n", 0o600);
      const args = { path, content: 'DST=10.0.0.1\n', mode: '0644', sourced: {} };
      expect(expectLaws(host, file, args)).toEqual({ kind: 'ok' });
      expect(expectLaws(host, file, { ...args, content: 'DST=10.0.0.2\n' }).kind).toBe('change');
      expect(host.read(path)).toBe('# c\nDST=10.0.0.2\nUSERCTL=no\n');
    } finally {
      host.remove();
    }
  });
});
