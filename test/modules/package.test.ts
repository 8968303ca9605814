import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type PackageArgs, packageModule } from '../../modules/package.ts';
import { needs, programPath } from '../support/needs.ts';
import { apply, everyShell, expectLaws, look, makeHost, type TestHost } from './run-module.ts';
import { shown } from './shown.ts';

const args: PackageArgs = { name: 'ipsec-tools' };

/** `$KERNEL/rpms` holds what is installed, `$KERNEL/repository` what may be. */
function install(host: TestHost): void {
  host.program(
    'rpm',
    `case $1 in
  -q) if [ -e "$KERNEL/rpms/$2" ]; then echo "$2-0.6.5-14"; else echo "package $2 is not installed"; exit 1; fi ;;
  -e) rm "$KERNEL/rpms/$2" ;;
  -U) [ -f "$2" ] && name=\${2##*/} && : > "$KERNEL/rpms/\${name%%-[0-9]*}" ;;
esac`,
  );
  // yum of RHEL 5: exit 0 although there is no such package.
  host.program(
    'yum',
    '[ "$1 $2" = "-y install" ] || exit 9; [ ! -e "$KERNEL/repository/$3" ] || : > "$KERNEL/rpms/$3"',
  );
}

function fill(host: TestHost, installed: readonly string[], available: readonly string[]): void {
  host.reset();
  for (const name of ['x', ...installed]) host.write(`/../kernel/rpms/${name}`, '');
  for (const name of ['x', ...available]) host.write(`/../kernel/repository/${name}`, '');
}

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    install(host);
    const state = fc.constantFrom<PackageArgs>({ name: 'ipsec-tools' }, { name: 'ipsec-tools', state: 'absent' });
    fc.assert(
      fc.property(state, fc.boolean(), fc.boolean(), (rest, there, pushed) => {
        fill(host, there ? ['ipsec-tools'] : [], ['ipsec-tools']);
        const source = "/root/it's/ipsec-tools-0.6.5.rpm";
        host.write(source, '');
        expectLaws(host, packageModule, { ...rest, ...(pushed ? { source } : {}) });
      }),
      { numRuns: 8 },
    );
  });

  test('an installer that installs nothing is a failure, whatever its exit code', () => {
    install(host);
    fill(host, [], []);
    const { plan } = look(host, packageModule, args);
    expect(shown(plan)).toEqual(['package ipsec-tools: null -> "installed"']);
    expect(apply(host, packageModule, plan, args)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('the installer ran, but ipsec-tools is not installed'),
    });
  });
});

describe('the installer', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => {
    install(host);
    fill(host, [], []);
  });

  test('is dnf where there is one', () => {
    host.program('dnf', '[ "$*" = "-y install ipsec-tools" ] && : > "$KERNEL/rpms/ipsec-tools"');
    expectLaws(host, packageModule, args);
  });

  const others = ['dnf', 'yum', 'up2date'].filter((name) => programPath(name) !== undefined);
  test.runIf(others.length === 0 && needs('sh'))(
    'is up2date where there is nothing else, and is missed where there is none',
    () => {
      const bare = makeHost();
      try {
        install(bare);
        fill(bare, [], []);
        bare.forget('yum');
        const { plan } = look(bare, packageModule, args);
        expect(apply(bare, packageModule, plan, args)).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining('neither dnf nor yum nor up2date is on this host'),
        });
        bare.program('up2date', '[ "$*" = "-i ipsec-tools" ] && : > "$KERNEL/rpms/ipsec-tools"');
        expectLaws(bare, packageModule, args);
      } finally {
        bare.remove();
      }
    },
  );

  test.each([
    ['a broken database', 'echo "error: rpmdb open failed" >&2; exit 1', 'rpm -q failed: error: rpmdb open failed'],
    ['no rpm', 'exit 127', 'there is no rpm on this host: it is no Red Hat system'],
  ])('is not even thought of with %s', (_, body, why) => {
    host.program('rpm', body);
    expect(look(host, packageModule, args).plan).toEqual({ kind: 'blocked', why });
  });
});
