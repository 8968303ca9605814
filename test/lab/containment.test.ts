import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote } from '../../src/engine/sh.ts';
import { type BareHost, bareHost } from './bare-host.ts';

const probe = spawnSync('unshare', [
  '-r',
  '-m',
  '-p',
  '-i',
  '-n',
  '-u',
  '-f',
  'sh',
  '-c',
  'command -v pivot_root && mount --bind /tmp /tmp',
]);
const isolates = probe.status === 0;
if (!isolates) console.warn('skipped: commands in namespaces of their own (this machine gives none to this user)');

let host: BareHost;
let outside: string;
beforeEach(() => {
  host = bareHost();
  outside = mkdtempSync(join(tmpdir(), 'lab-canary-'));
  mkdirSync(join(outside, 'racoon'));
  writeFileSync(join(outside, 'racoon', 'psk.txt'), 'canary');
});
afterEach(() => {
  expect(readFileSync(join(outside, 'racoon', 'psk.txt'), 'utf8'), 'the canary').toBe('canary');
  host.remove();
  rmSync(outside, { recursive: true });
});

const command = (text: string, fault?: 'no-isolation') => {
  if (fault) host.fault(fault);
  return host.run(`lab-command ${quote(text)}`);
};

/** Every one would do harm outside of the root if a shell of this machine ran it; OUT is a folder outside. */
const HARMFUL = [
  'rm -rf OUT/racoon',
  'rm -rf OUT/racoon/psk.txt && echo gone',
  'echo x > OUT/racoon/psk.txt',
  'echo x >> OUT/racoon/psk.txt',
  'echo $(rm -rf OUT/racoon)',
  'echo `rm -rf OUT/racoon`',
  'echo x; rm -rf OUT/racoon',
  'true && rm -rf OUT/racoon',
  'false || rm -rf OUT/racoon',
  'echo x | tee OUT/racoon/psk.txt',
  'echo x\nrm -rf OUT/racoon',
  'PATH=/bin rm -rf OUT/racoon',
  'env PATH=/usr/bin:/bin rm -rf OUT/racoon',
  '/bin/rm -rf OUT/racoon',
  '/sbin/../bin/rm -rf OUT/racoon',
  '/usr/sbin/../../OUT/../bin/rm -rf OUT/racoon',
  'sh -c "rm -rf OUT/racoon"',
  'sudo rm -rf OUT/racoon',
  'su -c "rm -rf OUT/racoon"',
  'eval rm -rf OUT/racoon',
  'exec rm -rf OUT/racoon',
  'command rm -rf OUT/racoon',
  'unset LAB_ROOT; rm -rf OUT/racoon',
  'chmod 000 OUT/racoon/psk.txt',
  'chown nobody OUT/racoon/psk.txt',
  'mv OUT/racoon OUT/elsewhere',
  'ln -sf /dev/null OUT/racoon/psk.txt',
  'cd / && rm -rf OUT/racoon',
  'ifup() { rm -rf OUT/racoon; }; ifup',
  'alias ifup="rm -rf OUT/racoon"\nifup',
  'printf x > OUT/racoon/psk.txt',
  'test -d / && rm -rf OUT/racoon',
  '{ rm -rf OUT/racoon; }',
  '! rm -rf OUT/racoon',
  '. OUT/racoon/psk.txt',
  'find OUT -delete',
  'rm -rf OUT/rac*',
  'ip netns exec x rm -rf OUT/racoon',
  'setkey -f OUT/racoon/psk.txt; rm -rf OUT/racoon',
  'yum -y install ../../../../..OUT/racoon/psk.txt',
  'sysctl -w ../../../../../../../..OUT/racoon/psk.txt=x',
  'sysctl -w net/../../../../../../../..OUT/racoon/psk.txt=x',
  'chkconfig ../../../../../../../..OUT/racoon/psk.txt off',
  'service ../../../../../../../..OUT/racoon/psk.txt stop',
];

const kinds: readonly ('isolated' | 'no-isolation')[] = isolates ? ['isolated', 'no-isolation'] : ['no-isolation'];
describe.each(kinds)('%s', (kind) => {
  test.each(HARMFUL)('%s', (text) => {
    const before = lstatSync(join(outside, 'racoon/psk.txt'));
    command(text.replaceAll('OUT', outside), kind === 'no-isolation' ? kind : undefined);
    const after = lstatSync(join(outside, 'racoon/psk.txt'));
    expect([after.mode, after.uid, after.ino]).toEqual([before.mode, before.uid, before.ino]);
  });
});

test('what can not be isolated is recorded, not run, and succeeds', () => {
  const result = command('touch /tmp/x; echo done', 'no-isolation');
  expect(result).toEqual({ code: 0, out: '', err: 'lab: recorded, not run: touch /tmp/x; echo done\n' });
  expect(host.read('/var/log/lab-commands')).toBe('touch /tmp/x; echo done\n');
  expect(host.exists('/tmp/x')).toBe(false);
});

test('plain words that call the userland run on any machine', () => {
  expect(command('rpm -q ipsec-tools', 'no-isolation')).toMatchObject({
    code: 1,
    out: 'package ipsec-tools is not installed\n',
    err: '',
  });
  expect(command('/usr/bin/yum -y install ipsec-tools', 'no-isolation').out).toContain('Complete!');
  expect(command('setkey -DP', 'no-isolation').out).toBe('No SPD entries.\n');
  expect(command('echo * is one word of many', 'no-isolation').out).toBe('');
  expect(command('echo a  b', 'no-isolation').out).toBe('a b\n');
  expect(command('false', 'no-isolation').code).toBe(1);
});

describe.skipIf(!isolates)('in namespaces of its own, a command', () => {
  test('has the root of the host for its own, and its exit status is kept', () => {
    host.write('/etc/racoon/psk.txt', '10.0.0.1 k\n');
    expect(command('cat /etc/racoon/psk.txt | tr a-z A-Z; echo to stderr >&2; exit 7')).toEqual({
      code: 7,
      out: '10.0.0.1 K\n',
      err: 'to stderr\n',
    });
    host.write('/etc/lab-test/file', 'old');
    expect(command('rm -rf /etc/lab-test && echo new > /root/file; ls -d /etc/lab-test').code).not.toBe(0);
    expect([host.exists('/etc/lab-test'), host.read('/root/file')]).toEqual([false, 'new\n']);
    expect(host.run(`printf x | lab-command 'cat; id -u; hostname'`).out).toBe('x0\nlana\n');
  });

  test('finds the programs of the lab, whose state is the same', () => {
    command('yum -y install ipsec-tools; rpm -q ipsec-tools && setkey -DP > /tmp/out');
    expect(host.read('/tmp/out')).toBe('No SPD entries.\n');
    expect(host.run('rpm -q ipsec-tools; setkey -D').out).toBe('ipsec-tools-0.6.5-14.el5_8.5\nNo SAD entries.\n');
    expect(command('sysctl -w net.ipv4.ip_forward=1 && cat /proc/sys/net/ipv4/ip_forward').out).toBe(
      'net.ipv4.ip_forward = 1\n1\n',
    );
    expect(host.run('sysctl -n net.ipv4.ip_forward').out).toBe('1\n');
    command('(yum -y remove ipsec-tools)');
    expect(host.run('setkey -D').code).toBe(127);
  });

  test('sees no file, process or network of this machine, and cannot change its programs', () => {
    const { out } =
      command(`ls ${outside} /proc/1 /sys/class/net 2>/dev/null; chmod a+x /usr/bin/env 2>/dev/null || echo kept
      chmod 666 /dev/urandom 2>/dev/null || echo kept; mount -o remount,rw /.machine/usr/bin 2>/dev/null || echo kept
      umount /usr/lib 2>/dev/null || umount /lib 2>/dev/null || echo kept; kill -0 ${process.pid} 2>/dev/null || echo kept`);
    expect(out).toBe('kept\n'.repeat(5));
  });

  test('brings tunnels up there as it does outside', () => {
    host.run('yum -y install ipsec-tools');
    host.connection('t', { DST: '10.0.0.1', IKE_METHOD: 'PSK' }, { IKE_PSK: "'a b'" });
    expect(command('(ifup t) && cat /etc/racoon/psk.txt | tail -n 1')).toMatchObject({
      code: 0,
      out: '10.0.0.1  a b\n',
    });
    expect(host.run('setkey -DP; pidof racoon').out).toMatch(/10\.0\.0\.1\[any\] any\n\tout prio def[\s\S]*\n\d+\n$/);
    expect(command('(service network restart; ifdown t; reboot)').code).toBe(0);
    expect(host.run('setkey -DP').out).toBe('No SPD entries.\n');
  });

  test('leaves nothing running', () => {
    const mark = `sleep-${process.pid}-${Date.now()}`;
    command(`cp /bin/sleep /tmp/${mark}; setsid /tmp/${mark} 60 > /dev/null 2>&1 & sleep 0.2; echo`);
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toContain(mark);
  });

  test('is not taken for recorded when it destroys the tree', () => {
    expect(command('rm -rf /var/lib/lab-kernel /var/lib/lab 2> /dev/null; echo ran')).toMatchObject({
      code: 0,
      out: 'ran\n',
      err: '',
    });
    expect(host.run('setkey -DP; sysctl -n net.ipv4.ip_forward').code).toBe(0);
  });

  test('cannot lead a later script out of the root by a symbolic link', () => {
    command(`mkdir -p /opt/a/b; ln -s ${outside} /opt/out; ln -s ../../../../../../../..${outside} /opt/a/up
      ln -s ../b/../../a /opt/a/b/round; ln -s b /opt/a/fine; ln -s / /opt/root; ln -s 'odd\nname' '/opt/odd'; ln -s /etc /etc/self`);
    expect(readlinkSync(`${host.root}/opt/out`)).toBe(`..${outside}`);
    expect(readlinkSync(`${host.root}/opt/a/up`)).toBe(`../..${outside}`);
    expect(readlinkSync(`${host.root}/opt/a/b/round`)).toBe('..');
    expect(readlinkSync(`${host.root}/opt/a/fine`)).toBe('b');
    expect(readlinkSync(`${host.root}/opt/root`)).toBe('..');
    expect(readlinkSync(`${host.root}/etc/self`)).toBe('.');
    host.run('echo x > $LAB_ROOT/opt/out/racoon/psk.txt; rm -rf $LAB_ROOT/opt/a/up/racoon');
    expect(existsSync(join(outside, 'racoon'))).toBe(true);
  });

  test('cannot put a program in the way of the lab', () => {
    host.write('/sbin/ip', `#!/bin/sh\nrm -rf ${outside}/racoon\n`);
    host.write('/etc/sysconfig/network-scripts/ifup-ipsec', `#!/bin/sh\nrm -rf ${outside}/racoon\n`);
    command(`printf '#!/bin/sh\\nrm -rf ${outside}/racoon\\n' > /sbin/rpm; chmod 755 /sbin/rpm /sbin/ip`);
    host.run(
      'chmod 755 $LAB_ROOT/sbin/ip $LAB_ROOT/etc/sysconfig/network-scripts/ifup-ipsec; yum -y install ipsec-tools',
    );
    host.connection('t', { DST: '10.0.0.1', IKE_METHOD: 'PSK' }, { IKE_PSK: 'k' });
    expect(host.run('ip route list; rpm -q ipsec-tools; ifup t').code).toBe(0);
    expect(host.run('setkey -DP').out).toContain('10.0.0.1');
  });
});

test('files that ifup sources run nothing and write nothing outside', () => {
  host.run('yum -y install ipsec-tools');
  host.connection('t', { DST: '10.0.0.1', IKE_METHOD: 'PSK' }, { IKE_PSK: `$(rm -rf ${outside}/racoon)` });
  host.run('ifup t; ifdown t');
  host.connection(
    'u',
    { DST: `../../../../../../../..${outside}/racoon/psk.txt`, IKE_METHOD: 'PSK' },
    { IKE_PSK: 'k' },
  );
  expect(host.run('ifup u').err).toContain('is no address');
  host.write(
    '/etc/sysconfig/network-scripts/ifcfg-v',
    `TYPE=IPSEC\nrm -rf ${outside}/racoon\n: > ${outside}/racoon/psk.txt\n`,
  );
  host.run('ifup v; ifdown v; service network restart; reboot');
});

test('programs that would change this machine are noted in place of run', () => {
  // Options that would do no harm if they did reach this machine.
  const { code, err } = host.run('mount --version; useradd --help');
  expect([code, err]).toEqual([0, expect.stringContaining('lab: recorded, not run: mount\n')]);
  expect(host.read('/var/log/lab-commands')).toContain('mount --version\n');
});
