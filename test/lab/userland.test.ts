import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { quote } from '../../src/engine/sh.ts';
import { type BareHost, bareHost, SHELLS } from './bare-host.ts';

describe.each(SHELLS)('under $name', (shell) => {
  let host: BareHost;
  afterEach(() => host.remove());
  const fresh = (options: { release?: string } = {}): BareHost => {
    host = bareHost({ shell, ...options });
    return host;
  };

  describe('packages', () => {
    test('ipsec-tools brings its programs and its own configuration', () => {
      fresh();
      expect(host.run('rpm -q ipsec-tools')).toMatchObject({ code: 1, out: 'package ipsec-tools is not installed\n' });
      expect(host.run('command -v racoon; [ -e $LAB_ROOT/sbin/setkey ]').code).not.toBe(0);
      expect(host.exists('/etc/racoon')).toBe(false);
      expect(host.run('umask 077; yum -y install ipsec-tools').code).toBe(0);
      expect(host.run('rpm -q ipsec-tools').out).toBe('ipsec-tools-0.6.5-14.el5_8.5\n');
      expect(host.run("rpm -q --qf '%{VERSION}|%{RELEASE}|%{ARCH}\\n' ipsec-tools").out).toBe(
        '0.6.5|14.el5_8.5|x86_64\n',
      );
      expect(host.run('cd $LAB_ROOT/etc; stat -c "%a %n" racoon racoon/*').out).toBe(
        '755 racoon\n700 racoon/certs\n600 racoon/psk.txt\n644 racoon/racoon.conf\n',
      );
      expect(host.run('yum -y install ipsec-tools').out).toContain(
        'already installed and latest version\nNothing to do\n',
      );
    });

    test('an unknown package: RHEL 5 says Nothing to do and succeeds, later ones fail', () => {
      fresh();
      expect(host.run('yum -y install nosuch')).toMatchObject({
        code: 0,
        out: expect.stringContaining('No package nosuch available.\nNothing to do\n'),
      });
      host.remove();
      fresh({ release: '6.10' });
      expect(host.run('yum -y install ipsec-tools')).toMatchObject({ code: 1, err: 'Error: Nothing to do\n' });
    });

    test('each release has its own installer', () => {
      fresh({ release: '4' });
      expect(host.run('up2date -i ipsec-tools').code).toBe(0);
      expect(host.run('rpm -q ipsec-tools').out).toBe('ipsec-tools-0.3.3-7.rhel4.4\n');
    });

    test('a pushed .rpm, and a fault', () => {
      fresh({ release: '6.10' });
      host.write('/tmp/ipsec-tools-0.8.0-1.el6.x86_64.rpm', '');
      expect(host.run('rpm -U $LAB_ROOT/tmp/ipsec-tools-0.8.0-1.el6.x86_64.rpm; rpm -q ipsec-tools').out).toBe(
        'ipsec-tools-0.8.0-1.el6\n',
      );
      expect(host.run('rpm -U /tmp/other-1-1.noarch.rpm').code).toBe(1);
      host.fault('yum-fails');
      expect(host.run('yum -y install wget')).toMatchObject({
        code: 1,
        err: expect.stringContaining('Cannot retrieve repository metadata'),
      });
    });
  });

  describe('setkey', () => {
    const HEX_3DES = `0x${'0123456789abcdef'}${'23456789abcdef01'}${'456789abcdef0123'}`;

    test('prints what it holds as ipsec-tools does', () => {
      fresh().run('yum -y install ipsec-tools');
      expect(host.run('setkey -D; setkey -DP').out).toBe('No SAD entries.\nNo SPD entries.\n');
      host.run(
        'setkey -c',
        `
        # a comment
        add 10.0.0.1 10.0.0.2 esp 0x201 -E 3des-cbc ${HEX_3DES} -A hmac-sha1 "abcdefghijklmnopqrst";
        add 10.0.0.1 10.0.0.2 ah 4294967295 -m tunnel -A hmac-md5 "0123456789abcdef";
        spdadd 10.0.0.2/32 10.0.0.1 any -P in ipsec esp/transport//require ah/transport//require;`,
      );
      const time = '[A-Z][a-z]{2} [ \\d]\\d \\d\\d:\\d\\d:\\d\\d \\d{4}';
      expect(host.run('setkey -D').out).toMatch(
        new RegExp(
          '^10\\.0\\.0\\.1 10\\.0\\.0\\.2 \\n\\tesp mode=any spi=513\\(0x00000201\\) reqid=0\\(0x00000000\\)\\n' +
            '\\tE: 3des-cbc {2}01234567 89abcdef 23456789 abcdef01 456789ab cdef0123\\n\\tA: hmac-sha1 {2}61626364 65666768 696a6b6c 6d6e6f70 71727374\\n' +
            `\\tseq=0x00000000 replay=0 flags=0x00000000 state=mature \\n\\tcreated: ${time}\\tcurrent: ${time}\\n`,
        ),
      );
      expect(host.run('setkey -D').out).toContain(
        '\tah mode=tunnel spi=4294967295(0xffffffff) reqid=0(0x00000000)\n\tA: hmac-md5  30313233 34353637 38396162 63646566\n',
      );
      const policies = host.run('setkey -D -P').out;
      expect(policies).toMatch(
        new RegExp(
          '^10\\.0\\.0\\.2\\[any\\] 10\\.0\\.0\\.1\\[any\\] any\\n\\tfwd prio def ipsec\\n\\tesp/transport//require\\n\\tah/transport//require\\n' +
            `\\tcreated: ${time}  lastused: +\\n\\tlifetime: 0\\(s\\) validtime: 0\\(s\\)\\n\\tspid=\\d+ seq=1 pid=\\d+\\n\\trefcnt=1\\n10`,
        ),
      );
      expect(policies.match(/\n\tin prio def ipsec\n/g)).toHaveLength(1);
      expect(host.run('setkey -FP; setkey -DP; setkey -F; setkey -D').out).toBe('No SPD entries.\nNo SAD entries.\n');
    });

    test.each([
      ['a 3DES key that is too short', `add 10.0.0.1 10.0.0.2 esp 0x201 -E 3des-cbc 0x0011;`, 1, 'Invalid key length'],
      [
        'an AH key that is too long',
        `add 10.0.0.1 10.0.0.2 ah 0x201 -A hmac-sha1 "abcdefghijklmnopqrstu";`,
        1,
        'Invalid key length',
      ],
      ['hexadecimal digits that are odd', `add 10.0.0.1 10.0.0.2 ah 0x201 -A hmac-md5 0x123;`, 1, 'syntax error'],
      ['a text without quotes', `add 10.0.0.1 10.0.0.2 ah 0x201 -A hmac-md5 0123456789abcdef;`, 1, 'syntax error'],
      [
        '3DES parts that repeat',
        `add 10.0.0.1 10.0.0.2 esp 0x201 -E 3des-cbc 0x${'0123456789abcdef'.repeat(2)}${'f0'.repeat(8)};`,
        0,
        'The result of line 1: Invalid argument.',
      ],
      ['a reserved SPI', `add 10.0.0.1 10.0.0.2 ah 0xff -A hmac-md5 "0123456789abcdef";`, 0, 'Invalid argument'],
    ])('refuses %s', (_what, script, code, message) => {
      fresh().run('yum -y install ipsec-tools');
      const result = host.run('setkey -c', script);
      expect([result.code, result.out]).toEqual([code, expect.stringContaining(message)]);
      expect(host.run('setkey -D').out).toBe('No SAD entries.\n');
    });

    test.each([
      ['aes-cbc', 16],
      ['aes-cbc', 24],
      ['aes-cbc', 32],
      ['blowfish-cbc', 5],
      ['blowfish-cbc', 56],
      ['3des-cbc', 24],
    ])('takes a key of %s with %i bytes', (cipher, bytes) => {
      fresh().run('yum -y install ipsec-tools');
      const key = Array.from({ length: bytes }, (_, index) => (index + 1).toString(16).padStart(2, '0')).join('');
      expect(host.run('setkey -c', `add 10.0.0.1 10.0.0.2 esp 0x201 -E ${cipher} 0x${key};`)).toMatchObject({
        code: 0,
        out: '',
      });
      expect(host.run('setkey -D').out).toContain(`E: ${cipher}`);
    });

    test('says what is there already and what is not', () => {
      fresh().run('yum -y install ipsec-tools');
      const policy = 'spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/transport//require;\n';
      expect(host.run('setkey -c', policy + policy).out).toBe('The result of line 2: File exists.\n');
      expect(host.run('setkey -c', 'spddelete 10.0.0.9 10.0.0.2 any -P out;').out).toBe(
        'The result of line 1: No such file or directory.\n',
      );
      expect(host.run('setkey -c', 'delete 10.0.0.9 10.0.0.2 ah 0x300;').out).toBe(
        'The result of line 1: No such process.\n',
      );
    });
  });

  test('manual keying puts both directions into the SAD, and ifdown takes them out', () => {
    fresh().run('yum -y install ipsec-tools');
    host.connection(
      'm',
      { DST: '10.0.0.2', SPI_AH_IN: '0x200', SPI_AH_OUT: '0x300', SPI_ESP_IN: '0x201', SPI_ESP_OUT: '0x301' },
      {
        KEY_AH: '12345678901234567890',
        KEY_ESP: '0x111122223333444455556666777788889999000011112222',
        KEY_AESP_IN: 'abcdefghijklmnopqrst',
      },
    );
    expect(host.run('ifup m')).toMatchObject({ code: 0, out: '', err: '' });
    const { out } = host.run('setkey -D');
    expect(out.match(/^\t(ah|esp) .*?spi=\d+/gm)?.sort()).toEqual([
      '\tah mode=any spi=512',
      '\tah mode=any spi=768',
      '\tesp mode=any spi=513',
      '\tesp mode=any spi=769',
    ]);
    expect(out).toMatch(/10\.0\.0\.2 198\.51\.100\.1 \n\tesp .*513.*\n\tE: 3des-cbc .*\n\tA: hmac-sha1/);
    expect(out).toMatch(/198\.51\.100\.1 10\.0\.0\.2 \n\tesp .*769.*\n\tE: 3des-cbc .*\n\tseq/);
    expect(host.run('pidof racoon').code).toBe(1);
    expect(host.run('setkey -DP').out.match(/esp\/transport\/\/require\n\tah\/transport\/\/require/g)).toHaveLength(3);
    expect(host.run('ifdown m; setkey -D; setkey -DP').out).toBe('No SAD entries.\nNo SPD entries.\n');
  });

  test('phase 1 by certificates', () => {
    fresh().run('yum -y install ipsec-tools');
    host.connection('x', {
      DST: '10.0.0.2',
      IKE_METHOD: 'X509',
      IKE_CERTFILE: 'lana',
      IKE_PEER_CERTFILE: 'lanb',
      AH_PROTO: 'none',
    });
    host.run('ifup x');
    expect(host.read('/etc/racoon/10.0.0.2.conf')).toBe(
      'remote 10.0.0.2\n{\n\texchange_mode aggressive, main;\n\tmy_identifier asn1dn;\n\tpeers_identifier asn1dn;\n' +
        '\tcertificate_type x509 "lana.public" "lana.private";\n        peers_certfile "lanb.public";\n        proposal {\n' +
        '\t        encryption_algorithm 3des;\n\t\thash_algorithm sha1;\n\t\tauthentication_method rsasig;\n\t\tdh_group 2;\n\t}\n}\n',
    );
    expect(host.run('setkey -DP').out).not.toContain('ah/');
    expect(host.read('/etc/racoon/psk.txt')).not.toContain('10.0.0.2');
  });

  test('IKE makes the SAs with the first packets, of which two are lost', () => {
    fresh().run('yum -y install ipsec-tools');
    host.connection(
      't',
      {
        DST: '10.0.0.2',
        SRCNET: '192.168.1.0/24',
        DSTNET: '192.168.2.0/24',
        SRCGW: '192.168.1.254',
        IKE_METHOD: 'PSK',
      },
      { IKE_PSK: 'k' },
    );
    host.run('ifup t');
    expect(host.run('ping -c 5 192.168.2.254')).toMatchObject({
      code: 0,
      out: expect.stringContaining('5 packets transmitted, 3 received, 40% packet loss'),
    });
    expect(host.run('setkey -D').out.match(/state=mature/g)).toHaveLength(4);
    expect(host.run('ping -c 5 192.168.2.254').out).toContain(' 5 received, 0% packet loss');
    expect(host.run('tcpdump -n -i eth0 -c 2 host 10.0.0.2').out).toMatch(
      / IP 198\.51\.100\.1 > 10\.0\.0\.2: AH\(spi=0x[0-9a-f]{8},seq=0x1\): ESP\(spi=0x[0-9a-f]{8},seq=0x1\) \(ipip-proto-4\)\n/,
    );
    host.run('setkey -F; killall racoon');
    expect(host.run('ping -c 3 192.168.2.254').code).toBe(1);
    expect(host.run('ping -c 3 192.168.3.1').code).toBe(0);
  });

  test('a reboot loses what a kernel holds, and boots with what is started at boot', () => {
    fresh().run('yum -y install ipsec-tools');
    host.connection('a', { DST: '10.0.0.1', ONBOOT: 'yes', IKE_METHOD: 'PSK' }, { IKE_PSK: 'k' });
    host.connection('b', { DST: '10.0.0.2', IKE_METHOD: 'PSK' }, { IKE_PSK: 'k' });
    host.run('ifup b; sysctl -w net.ipv4.ip_forward=1 kernel.msgmax=1; reboot');
    const { out } = host.run('setkey -DP');
    expect([out.includes('10.0.0.1['), out.includes('10.0.0.2[')]).toEqual([true, false]);
    expect(host.run('sysctl -n net.ipv4.ip_forward kernel.msgmax').out).toBe('0\n65536\n');
    expect(host.run('pidof racoon').code).toBe(0);
  });

  test('a network restart drops the routes of its devices, and ifup of what is started at boot brings its own back', () => {
    fresh().run('yum -y install ipsec-tools');
    const net = { SRCNET: '192.168.1.0/24', SRCGW: '192.168.1.254', IKE_METHOD: 'PSK' };
    host.connection('a', { ...net, DST: '10.0.0.1', DSTNET: '192.168.2.0/24', ONBOOT: 'yes' }, { IKE_PSK: 'k' });
    host.connection('b', { ...net, DST: '10.0.0.2', DSTNET: '192.168.3.0/24' }, { IKE_PSK: 'k' });
    host.run('ifup a; ifup b; service network restart');
    expect(host.run('ip route list').out).toBe(
      '198.51.100.0/24 dev eth0 proto kernel scope link src 198.51.100.1 \n192.168.2.0/24 via 192.168.1.254 dev eth1 src 192.168.1.254 \n',
    );
  });

  test('racoon refuses a configuration it cannot read', () => {
    fresh().run('yum -y install ipsec-tools');
    host.write('/etc/racoon/racoon.conf', 'sainfo anonymous\n{\n');
    expect(host.run('racoon')).toMatchObject({ code: 1, err: expect.stringContaining('syntax error') });
    host.write('/etc/racoon/racoon.conf', 'include "/etc/racoon/nosuch.conf";\n');
    expect(host.run('racoon').err).toContain('could not open file /etc/racoon/nosuch.conf');
    expect(host.run('pidof racoon').code).toBe(1);
  });

  test('sudo and su: a password of a fault is asked for on stdin, of which no more than its line is read', () => {
    fresh();
    expect(host.run("sudo -H -S -p '' -u root sh -c 'cat'", 'rest\n')).toMatchObject({ code: 0, out: 'rest\n' });
    host.fault('sudo-password', 'good\n');
    expect(host.run("sudo -S -p 'pw: ' -- sh -c 'cat'", 'good\nrest\n')).toMatchObject({
      code: 0,
      out: 'rest\n',
      err: 'pw: ',
    });
    expect(host.run('sudo -Sk true', 'a\nb\nc\n').code).toBe(1);
    expect(host.run('sudo -n true')).toMatchObject({ code: 1, err: 'sudo: a password is required\n' });
    host.fault('requiretty');
    expect(host.run('sudo -S true', 'good\n').err).toBe('sudo: sorry, you must have a tty to run sudo\n');
    expect(host.run("su - root -c 'exit 3'").code).toBe(3);
    host.fault('su-password', 'good\n');
    expect(host.run("su -c 'exit 4'", 'good\n').code).toBe(4);
    expect(host.run("su -c 'exit 4'", 'bad\n')).toMatchObject({ code: 1, err: 'Password: su: incorrect password\n' });
  });

  test('who and where: root, the host, its kernel', () => {
    fresh();
    expect(host.run('id -u; id -un; hostname; uname -n; uname -r; uname -sm').out.split('\n').slice(0, 5)).toEqual([
      '0',
      'root',
      'lana',
      'lana',
      '2.6.18-398.el5',
    ]);
    expect(host.run('service nosuch start')).toMatchObject({ code: 1, err: 'nosuch: unrecognized service\n' });
    expect(host.run('chkconfig racoon; chkconfig racoon on; chkconfig racoon && echo on').out).toBe('on\n');
  });

  test('sourcing, without running anything, sets what a shell would', () => {
    fresh();
    const canary = `${host.root}/canary`;
    const cases = [
      ["'a b'", 'a b'],
      ['"a b"', 'a b'],
      ['a\\ b', 'a b'],
      ['a"b"\'c\'d', 'abcd'],
      ['"\\$x \\" \\\\ \\a"', '$x " \\ \\a'],
      ['a#b', 'a#b'],
      ['a #b', 'a'],
      ['a;', 'a'],
      ['$ONE', '1'],
      [`"$\{ONE}2"`, '12'],
      ["'$ONE'", '$ONE'],
      ['$UNSET', ''],
      ['', ''],
      [`\`touch ${canary}\`x`, 'x'],
      [`$(touch ${canary} $(true))y`, 'y'],
      [`z > ${canary}`, 'z'],
      ['"a\nb"', 'a\nb'],
      ['a\\\nb', 'ab'],
      ['a$', 'a$'],
    ];
    for (const [written, meant] of cases) {
      host.write('/etc/sysconfig/case', `ONE=1\nexport V=${written}\n`);
      const { out } = host.run(
        '. $LAB_PROGRAMS/share/lib; source_config $LAB_ROOT/etc/sysconfig/case; printf "%s|" "$V"',
      );
      expect(out, written).toBe(`${meant}|`);
    }
    expect(host.exists('/canary')).toBe(false);
    expect(host.read('/var/log/lab-commands')).toContain(`touch ${canary}`);
  });

  test('any text that is quoted for sh comes out of sourcing as it was', () => {
    fresh();
    const texts = fc.array(
      fc
        .string({ unit: 'binary', maxLength: 40 })
        .map((text) => Buffer.from(text, 'utf8').toString('latin1').replaceAll('\0', '')),
      { minLength: 20, maxLength: 20 },
    );
    fc.assert(
      fc.property(texts, (values) => {
        host.write('/etc/sysconfig/case', values.map((value, index) => `V${index}=${quote(value)}\n`).join(''));
        const show = values.map((_, index) => `printf '%s.' "$V${index}" | od -An -v -tx1; echo ,`).join('\n');
        const { out } = host.run(`. $LAB_PROGRAMS/share/lib; source_config $LAB_ROOT/etc/sysconfig/case\n${show}`);
        const got = out
          .split(',')
          .slice(0, -1)
          .map((hex) => Buffer.from(hex.replace(/\s/g, ''), 'hex').toString('latin1').slice(0, -1));
        expect(got).toEqual(values);
      }),
      { numRuns: 10 },
    );
  });
});
