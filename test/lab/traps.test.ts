import { rmSync, statSync, utimesSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type BareHost, bareHost, SHELLS } from './bare-host.ts';

/** The numbered traps of a Red Hat host with ipsec-tools, each shown by the programs themselves. */
describe.each(SHELLS)('under $name', (shell) => {
  let host: BareHost;
  afterEach(() => host.remove());

  function installed(options: { release?: string } = {}): BareHost {
    host = bareHost({ shell, ...options });
    expect(host.run('yum -y install ipsec-tools').code).toBe(0);
    return host;
  }
  const psk = { IKE_METHOD: 'PSK' };
  const mode = (path: string): string => (statSync(host.root + path).mode & 0o777).toString(8);
  const older = (path: string, seconds: number): void => {
    const at = Date.now() / 1000 - seconds;
    utimesSync(host.root + path, at, at);
  };
  const network = '/etc/sysconfig/network-scripts';

  test('1: both files are sourced as shell', () => {
    installed().connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'a#b$c"d e"\\f' });
    expect(host.run('ifup t').code).toBe(0);
    expect(host.read('/etc/racoon/psk.txt')).toMatch(/^10\.0\.0\.1 {2}a#bd ef$/m);
    host.connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: "'a#b$c;`d`'" });
    host.run('ifup t');
    expect(host.read('/etc/racoon/psk.txt')).toMatch(/^10\.0\.0\.1 {2}a#b\$c;`d`$/m);
    // A blank makes the rest a command and the assignment that command's own.
    host.connection('u', { DST: '10.0.0.9', ...psk }, { IKE_PSK: 'two words' });
    const { err } = host.run('ifup u');
    expect(err).toContain('words: command not found');
    expect(host.read('/etc/racoon/psk.txt')).toMatch(/^10\.0\.0\.9 {2}$/m);
  });

  test('2: ifup moves the include line to the end, re-adds its psk line, and both files become 0600', () => {
    installed().connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'one' });
    host.write(
      '/etc/racoon/racoon.conf',
      'include "/etc/racoon/10.0.0.1.conf";\npath certificate "/etc/racoon/certs";\n',
    );
    host.write('/etc/racoon/psk.txt', '10.0.0.1 stale\n192.0.2.7 kept\n');
    host.run(`chmod 644 $LAB_ROOT/etc/racoon/racoon.conf $LAB_ROOT/etc/racoon/psk.txt; umask 077; ifup t`);
    expect(host.read('/etc/racoon/racoon.conf')).toBe(
      'path certificate "/etc/racoon/certs";\ninclude "/etc/racoon/10.0.0.1.conf";\n',
    );
    expect(host.read('/etc/racoon/psk.txt')).toBe('192.0.2.7 kept\n10.0.0.1  one\n');
    expect([mode('/etc/racoon/racoon.conf'), mode('/etc/racoon/psk.txt')]).toEqual(['600', '600']);
    expect(mode('/etc/racoon/10.0.0.1.conf')).toBe('644');
  });

  const KEYS = '10.0.0.1 a\n10.0.0.10 b\n10.0.0.12 c\n10.0.0.2 d\n';
  test.each(['4', '5.11', 'CentOS release 5.9 (Final)'])('3: release %s drops psk lines by prefix', (release) => {
    host = bareHost({ shell, release });
    host.run('for p in yum up2date; do command -v $p >/dev/null && $p -y install ipsec-tools; done');
    host.connection('t', { DST: '10.0.0.1', ONBOOT: 'yes', ...psk }, { IKE_PSK: 'new' });
    for (const command of ['ifup t', 'service network restart', 'reboot']) {
      host.write('/etc/racoon/psk.txt', KEYS);
      host.run(command);
      expect(host.read('/etc/racoon/psk.txt'), command).toBe('10.0.0.2 d\n10.0.0.1  new\n');
    }
  });

  test('3: a later release drops the one line', () => {
    installed({ release: 'Fedora release 12 (Constantine)' }).connection(
      't',
      { DST: '10.0.0.1', ...psk },
      { IKE_PSK: 'new' },
    );
    host.write('/etc/racoon/psk.txt', KEYS);
    host.run('ifup t');
    expect(host.read('/etc/racoon/psk.txt')).toBe('10.0.0.10 b\n10.0.0.12 c\n10.0.0.2 d\n10.0.0.1  new\n');
  });

  test('4: DST.conf is written anew only when it is missing or older than the ifcfg file', () => {
    installed().connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    host.run('ifup t');
    const conf = '/etc/racoon/10.0.0.1.conf';
    expect(host.read(conf)).toContain('encryption_algorithm 3des;');
    expect(mode(conf)).toBe('644');
    host.connection(
      't',
      { DST: '10.0.0.1', IKE_ENC: 'aes', IKE_AUTH: 'md5', IKE_DHGROUP: '5', ...psk },
      { IKE_PSK: 'k' },
    );
    older(`${network}/ifcfg-t`, 100);
    host.run('ifup t');
    expect(host.read(conf)).toContain('encryption_algorithm 3des;');
    older(conf, 200);
    host.run('ifup t');
    expect(host.read(conf)).toMatch(/encryption_algorithm aes;\n\s+hash_algorithm md5;[\s\S]*dh_group 5;/);
    rmSync(host.root + conf);
    host.run('ifup t');
    expect(host.exists(conf)).toBe(true);
  });

  test('5: ifup exits 0 though nothing came up; only setkey tells', () => {
    installed();
    const manual = {
      DST: '10.0.0.1',
      SPI_AH_IN: '0x200',
      SPI_AH_OUT: '0x300',
      AH_PROTO: 'hmac-sha1',
      ESP_PROTO: 'none',
    };
    host.connection('t', manual, { KEY_AH: '0x0123' });
    expect(host.run('ifup t')).toMatchObject({ code: 0, out: '', err: '' });
    expect(host.run('setkey -D').out).toBe('No SAD entries.\n');
    host.run('setkey -FP');
    host.fault('ifup-silent');
    expect(host.run('ifup t').code).toBe(0);
    expect(host.run('setkey -DP').out).toBe('No SPD entries.\n');
  });

  test('5: a repeated ifup says File exists and harms nothing', () => {
    installed().connection(
      't',
      { DST: '10.0.0.1', SRCNET: '192.168.1.0/24', DSTNET: '192.168.2.0/24', SRCGW: '192.168.1.254', ...psk },
      { IKE_PSK: 'k' },
    );
    expect(host.run('ifup t').err).toBe('');
    const { code, err } = host.run('ifup t');
    expect([code, err]).toEqual([0, 'RTNETLINK answers: File exists\n']);
    expect(host.run('setkey -DP').out.match(/prio def ipsec/g)).toHaveLength(3);
    expect(host.run('ip route list').out).toContain('192.168.2.0/24 via 192.168.1.254 dev eth1 src 192.168.1.254 \n');
  });

  test('6: with new files, the old policies and the old route stay, whatever is restarted', () => {
    const files = (dstnet: string): void =>
      host.connection(
        't',
        { ONBOOT: 'yes', DST: '10.0.0.1', SRCNET: '192.168.1.0/24', DSTNET: dstnet, SRCGW: '192.168.1.254', ...psk },
        { IKE_PSK: 'k' },
      );
    installed();
    files('192.168.2.0/24');
    host.run('ifup t');
    files('192.168.3.0/24');
    host.run('ifdown t; ifup t');
    expect(host.run('ip route list').out).toContain('192.168.2.0/24 via');
    host.run('service network restart');
    const { out } = host.run('setkey -DP');
    expect(out).toContain('192.168.1.0/24[any] 192.168.2.0/24[any] any\n\tout');
    expect(out).toContain('192.168.1.0/24[any] 192.168.3.0/24[any] any\n\tout');
    // With the old files in place it goes.
    files('192.168.2.0/24');
    host.run('ip route add to 192.168.2.0/24 via 192.168.1.254 src 192.168.1.254');
    expect(host.run('ifdown t').code).toBe(0);
    expect(host.run('setkey -DP; ip route list').out).not.toContain('192.168.2.0');
  });

  test('6: a network restart takes no tunnel down, not even one that is not started at boot', () => {
    installed().connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    host.run('ifup t');
    const before = host.run('setkey -DP').out.match(/10\.0\.0\.1\[any\].*\n\t\w+/g);
    expect(before).toHaveLength(3);
    expect(host.run('service network restart').out).not.toContain('t:');
    expect(host.run('setkey -DP').out.match(/10\.0\.0\.1\[any\].*\n\t\w+/g)).toEqual(before);
  });

  test('7: ifdown leaves the psk line and DST.conf, and takes the include line', () => {
    installed().connection('t', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    host.run('ifup t');
    expect(host.run('ifdown t').code).toBe(0);
    expect(host.read('/etc/racoon/psk.txt')).toContain('10.0.0.1  k\n');
    expect(host.exists('/etc/racoon/10.0.0.1.conf')).toBe(true);
    expect(host.read('/etc/racoon/racoon.conf')).not.toMatch(/^include /m);
    expect(host.run('setkey -DP').out).not.toContain('10.0.0.1');
  });

  test('8: network stop sets ip_forward to 0, start applies /etc/sysctl.conf', () => {
    host = bareHost({ shell });
    const forward = (): string => host.run('sysctl -n net.ipv4.ip_forward').out;
    host.run('sysctl -w net.ipv4.ip_forward=1');
    expect(forward()).toBe('1\n');
    host.run('service network stop');
    expect(forward()).toBe('0\n');
    host.run('sysctl -w net.ipv4.ip_forward=1; service network restart');
    expect(forward()).toBe('0\n');
    host.write('/etc/sysctl.conf', 'net.ipv4.ip_forward = 1\n');
    host.run('service network restart');
    expect(forward()).toBe('1\n');
    host.run('reboot');
    expect(forward()).toBe('1\n');
  });

  test('8: sysctl -p fails on keys the kernel does not know, and applies the rest', () => {
    host = bareHost({ shell, release: '6.10' });
    host.write(
      '/etc/sysctl.conf',
      `net.no.such = 1\n ; a comment\n${host.read('/etc/sysctl.conf').replace('forward = 0', 'forward = 1')}`,
    );
    const { code, out, err } = host.run('sysctl -p /etc/sysctl.conf');
    expect(code).toBe(255);
    expect(err).toContain('error: "net.no.such" is an unknown key\n');
    expect(err).toContain('error: "net.bridge.bridge-nf-call-iptables" is an unknown key\n');
    expect(out).toContain('net.ipv4.ip_forward = 1\n');
    expect(host.run('sysctl net.ipv4.ip_forward kernel.shmall').out).toBe(
      'net.ipv4.ip_forward = 1\nkernel.shmall = 4294967296\n',
    );
    expect(host.run('sysctl -e -p').code).toBe(0);
  });

  test('10: the first ifup starts racoon, later ones send it HUP', () => {
    installed().connection('a', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    host.connection('b', { DST: '10.0.0.2', ...psk }, { IKE_PSK: 'k' });
    expect(host.run('pidof racoon').code).toBe(1);
    host.run('ifup a');
    const pid = host.run('pidof -x /usr/sbin/racoon').out;
    expect(pid).toMatch(/^\d+\n$/);
    expect(host.read('/var/log/messages')).not.toContain('caught signal');
    host.run('ifup b');
    expect(host.run('pidof racoon').out).toBe(pid);
    expect(host.read('/var/log/messages')).toContain('racoon: INFO: caught signal 1');
  });

  test('11: two tunnels to one DST share DST.conf and the psk line: the last key wins', () => {
    installed();
    const net = { SRCNET: '192.168.1.0/24', SRCGW: '192.168.1.254', DST: '10.0.0.1', ...psk };
    host.connection('a', { ...net, DSTNET: '192.168.2.0/24' }, { IKE_PSK: 'first' });
    host.connection('b', { ...net, DSTNET: '192.168.3.0/24' }, { IKE_PSK: 'second' });
    host.run('ifup a; ifup b');
    expect(host.read('/etc/racoon/psk.txt').match(/^10.*$/gm)).toEqual(['10.0.0.1  second']);
    expect(host.read('/etc/racoon/racoon.conf').match(/^include /gm)).toHaveLength(1);
    // Taking one down takes the include line of both.
    host.run('ifdown a');
    expect(host.read('/etc/racoon/racoon.conf')).not.toMatch(/^include /m);
  });

  test.each([
    ['a release without it', { release: '6.10' }, ''],
    ['a fault', {}, 'no-ifup-ipsec'],
  ])('12: without ifup-ipsec an IPSEC connection falls through to Ethernet: %s', (_why, options, fault) => {
    host = bareHost({ shell, ...options });
    if (fault) host.fault(fault);
    else expect(host.exists(`${network}/ifup-ipsec`)).toBe(false);
    host.connection('ipsec0', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    const { code, err } = host.run('ifup ipsec0');
    expect([code, err]).toEqual([1, 'Device ipsec0 does not seem to be present, delaying initialization.\n']);
  });

  test('12: so it does where somebody removed the script', () => {
    installed().connection('ipsec0', { DST: '10.0.0.1', ...psk }, { IKE_PSK: 'k' });
    rmSync(`${host.root}${network}/ifup-ipsec`);
    expect(host.run('ifup ipsec0').code).toBe(1);
    expect(host.run('ifup nosuch')).toMatchObject({
      code: 1,
      err: expect.stringContaining('configuration for nosuch not found'),
    });
  });
});
