import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type FileArgs, file } from '../../modules/file.ts';
import { Secret } from '../../src/model/secret.ts';
import { apply, everyShell, expectLaws, look, makeHost } from './run-module.ts';
import { shown } from './shown.ts';

const bytes = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 60,
});
const mode = fc.constantFrom(0o600, 0o644, 0o640, 0o755, 0o400);
const paths = fc.constantFrom(
  '/etc/plain',
  "/etc/it's here",
  '/etc/a b/ü $x `y` "z"',
  '/etc/-n',
  '/etc/~',
  '/etc/a\\b*',
);
const argsOf = fc.record(
  {
    content: bytes.map((text) => [text]),
    mode: fc.oneof(
      mode,
      mode.map((value) => `0${value.toString(8)}`),
    ),
    state: fc.constantFrom('present' as const, 'absent' as const),
  },
  { requiredKeys: ['content'] },
);

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold for any content, mode and path', () => {
    const found = fc.option(fc.record({ bytes, mode }));
    fc.assert(
      fc.property(argsOf, paths, found, (rest, path, there) => {
        host.reset();
        host.mkdir('/etc/a b');
        if (there) host.write(path, there.bytes, there.mode);
        const args: FileArgs = { path, ...rest };
        const plan = expectLaws(host, file, args);
        if (args.state === 'absent') expect(host.read(path)).toBe(null);
        else expect(host.read(path)).toBe(rest.content.join(''));
        if (plan.kind === 'change') expect(plan.diff.length).toBeGreaterThan(0);
      }),
      { numRuns: 40 },
    );
  });

  test.runIf(process.getuid?.() === 0)(
    'an owner, by name and by number, and kept when the file is written anew',
    () => {
      host.reset();
      host.write('/f', 'a');
      expectLaws(host, file, { path: '/f', content: 'a', owner: 'nobody' });
      expect(look(host, file, { path: '/f', content: 'b' }).plan).toMatchObject({ kind: 'change' });
      expectLaws(host, file, { path: '/f', content: 'b' });
      expect(look(host, file, { path: '/f', owner: 'nobody' }).plan.kind).toBe('ok');
      expectLaws(host, file, { path: '/f', owner: 0, group: 12, mode: '4755' });
      expect(host.mode('/f')).toBe(0o4755);
      expectLaws(host, file, { path: '/f', owner: 12 });
      expect(host.mode('/f')).toBe(0o4755);
    },
  );
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());

  test('shows content, mode and owner', () => {
    host.write('/etc/x', 'old\n', 0o600);
    const { plan } = look(host, file, { path: '/etc/x', content: 'new\n', mode: '0644', sensitive: false });
    expect(shown(plan)).toEqual(['/etc/x: "old\\n" -> "new\\n"', '/etc/x mode: "0600" -> "0644"']);
  });

  test('with a secret in it is for its owner alone, unless a mode says otherwise', () => {
    const content = ['password ', new Secret('canary'), '\n'];
    expectLaws(host, file, { path: '/etc/new.conf', content });
    expect(host.mode('/etc/new.conf')).toBe(0o600);
    expectLaws(host, file, { path: '/etc/group.conf', content, mode: '0640' });
    expect(host.mode('/etc/group.conf')).toBe(0o640);
    for (const [mode, kept] of [
      [0o644, 0o600],
      [0o750, 0o700],
      [0o400, 0o400],
    ] as const) {
      host.write('/etc/found.conf', 'password canary\n', mode);
      expectLaws(host, file, { path: '/etc/found.conf', content });
      expect(host.mode('/etc/found.conf')).toBe(kept);
    }
    host.write('/etc/found.conf', 'password canary\n', 0o644);
    expect(shown(look(host, file, { path: '/etc/found.conf', content }).plan)).toEqual([
      '/etc/found.conf mode: "0644" -> "0600"',
    ]);
  });

  test('text of a user is UTF-8', () => {
    expectLaws(host, file, { path: '/etc/utf8', content: 'ü→\n' });
    expect(Buffer.from(host.read('/etc/utf8') ?? '', 'latin1').toString()).toBe('ü→\n');
  });

  test('of keys hides nothing but the values, and knows a key by any quoting', () => {
    host.write('/etc/keys', "# old one\nIKE_PSK='Key Value'\nSPI=1\n", 0o600);
    const content = ['IKE_PSK=', new Secret('"New \\$ Value"'), '\nSPI=2\n'];
    const { plan } = look(host, file, { path: '/etc/keys', content, mode: '0600' });
    expect(shown(plan)).toEqual([
      '/etc/keys: "<# old one>\\nIKE_PSK=<Key Value>\\nSPI=<1>\\n" -> "IKE_PSK=<New $ Value>\\nSPI=2\\n"',
    ]);
  });

  test('of an ifcfg file that somebody wrote a key into hides it, from the one who removes it too', () => {
    const host = makeHost();
    host.write('/etc/ifcfg', "DST=10.0.0.1\n IKE_PSK='canary'\n", 0o644);
    for (const args of [
      { path: '/etc/ifcfg', content: 'DST=10.0.0.2\n', sourced: {} },
      { path: '/etc/ifcfg', state: 'absent' as const },
    ]) {
      const { plan } = look(host, file, args);
      expect(plan.kind).toBe('change');
      expect(JSON.stringify(plan.kind === 'change' ? plan.diff : '')).not.toContain('canary');
    }
    host.remove();
  });

  test('shows the quoting where it alone differs', () => {
    host.write('/etc/keys', "IKE_PSK='a'\n", 0o600);
    const { plan } = look(host, file, { path: '/etc/keys', content: ['IKE_PSK=', new Secret('a'), '\n'] });
    expect(shown(plan)).toEqual([`/etc/keys: "IKE_PSK=<'a'>\\n" -> "IKE_PSK=<a>\\n"`]);
  });

  test.each([
    ['removing', { state: 'absent' as const }],
    ['replacing', { content: 'IKE_CERTFILE=gw\n' }],
  ])('of %s a file that is not for everybody to read hides what is in it', (_, rest) => {
    host.write('/etc/keys', 'IKE_PSK=canary\n#canary\ncanary', 0o600);
    const { plan } = look(host, file, { path: '/etc/keys', ...rest });
    expect(shown(plan).join()).toContain('<canary>');
    expect(
      shown(plan)
        .join()
        .replaceAll(/<[^>]*>/g, ''),
    ).not.toContain('canary');
  });

  test.each([
    ['a directory', { path: '/dir', content: 'x' }, '/dir is a directory, not a file'],
    ['a directory, to be removed', { path: '/dir', state: 'absent' as const }, '/dir is a directory, not a file'],
    ['a device', { path: '/pipe', content: 'x' }, '/pipe is a fifo, not a file'],
    [
      'no content for a file that is not there',
      { path: '/none', mode: '0600' },
      '/none is not there, and the task gives no content for it',
    ],
    ['a NUL byte', { path: '/none', content: 'a\0' }, '/none holds a NUL byte: only text files can be written'],
    [
      'a mode that a template made',
      { path: '/none', content: 'a', mode: 'u=rw' },
      `mode "u=rw" is no octal number such as '0644'`,
    ],
  ])('is blocked by %s', (_, args, why) => {
    host.mkdir('/dir');
    makeFifo(host.root);
    expect(look(host, file, args as FileArgs).plan).toEqual({ kind: 'blocked', why });
  });

  test('a symbolic link stays one', () => {
    host.write('/etc/real', 'a');
    link(host.root);
    expectLaws(host, file, { path: '/etc/link', content: 'b' });
    expect(host.read('/etc/real')).toBe('b');
  });

  test('a failing write says so and leaves the file alone', () => {
    host.reset();
    const { plan } = look(host, file, { path: '/no/such/dir/file', content: 'x' });
    expect(apply(host, file, plan, { path: '/no/such/dir/file', content: 'x' }).exitCode).not.toBe(0);
  });
});

function makeFifo(root: string): void {
  execFileSync('sh', ['-c', '[ -p "$0/pipe" ] || mkfifo "$0/pipe"', root]);
}

function link(root: string): void {
  symlinkSync('real', `${root}/etc/link`);
}
