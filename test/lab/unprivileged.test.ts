import { chmodSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { makeTree } from '../../src/lab/tree.ts';
import { bareHost } from './bare-host.ts';

const root = process.getuid?.() === 0;

describe.skipIf(!root)('for a user who is not root', () => {
  const host = bareHost({ unprivileged: true });
  afterEach(() => host.run('rm -rf $LAB_ROOT/tmp/*'));
  const owned = "stat -L -c '%F|%a|%u|%g|%U|%G|%s|%n'";

  test('the files of a host belong to its root', () => {
    const { code, out, err } = host.run(
      `cd $LAB_ROOT; umask 077; echo x > tmp/f; mkdir tmp/d; ${owned} tmp/f tmp/d tmp/none`,
    );
    expect(out).toMatch(
      /^regular file\|600\|0\|0\|root\|root\|2\|tmp\/f\ndirectory\|700\|0\|0\|root\|root\|\d+\|tmp\/d\n$/,
    );
    expect(code).toBe(1);
    expect(err).toContain('tmp/none');
  });

  test('giving a file away is recorded, follows its renaming, and can be taken back', () => {
    const script = `cd $LAB_ROOT/tmp; echo x > new; chown nobody:ntp new && mv new f; echo y > g; ${owned} f g`;
    expect(host.run(script).out).toBe('regular file|644|1|1|nobody|ntp|2|f\nregular file|644|0|0|root|root|2|g\n');
    expect(host.run(`cd $LAB_ROOT/tmp; echo x > f; chgrp ntp f; ${owned} f`).out).toContain('|0|1|root|ntp|');
    expect(host.run(`cd $LAB_ROOT/tmp; echo x > f; chown root:root f; ${owned} f`).out).toContain('|0|0|root|root|');
    expect(host.run('chown root $LAB_ROOT/tmp/none').code).toBe(1);
  });

  test('packages, tunnels and commands work all the same', () => {
    expect(host.run('yum -y install ipsec-tools').code).toBe(0);
    host.run('cat > $LAB_ROOT/etc/sysconfig/network-scripts/ifcfg-t', 'TYPE=IPSEC\nDST=10.0.0.1\nIKE_PSK=k\n');
    expect(host.run('ifup t; setkey -DP')).toMatchObject({ code: 0, out: expect.stringContaining('10.0.0.1[any]') });
    expect(host.run("lab-command 'echo x > /root/file; id -u'").code).toBe(0);
    host.remove();
  });
});

test('a tree with a root of its own takes the place of links that lead out of it, and follows none', () => {
  const top = mkdtempSync(join(tmpdir(), 'lab-root-'));
  const outside = join(top, 'ip');
  writeFileSync(outside, 'the real one');
  chmodSync(outside, 0o755);
  makeTree(join(top, 'root'), { hostname: 'lana' });
  rmSync(join(top, 'root/sbin/ip'));
  symlinkSync(outside, join(top, 'root/sbin/ip'));
  makeTree(join(top, 'root'), { hostname: 'lana' });
  expect(readFileSync(outside, 'utf8')).toBe('the real one');
  expect(lstatSync(join(top, 'root/sbin/ip')).mode & 0o777).toBe(0o755);
  expect(lstatSync(join(top, 'root/sbin/ip')).isSymbolicLink()).toBe(false);
  for (const path of [
    'sbin/ifup',
    'usr/bin/yum',
    'var/lib/lab/share/packaged/setkey',
    'etc/sysconfig/network-scripts/ifup-ipsec',
  ])
    expect(lstatSync(join(top, 'root', path)).mode & 0o777, path).toBe(0o755);
  expect(() => lstatSync(join(top, 'root/usr/bin/stat'))).toThrow(/ENOENT/);
  rmSync(top, { recursive: true });
});
