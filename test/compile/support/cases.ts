import { Secret } from '../../../src/model/secret.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { host, manual, psk, router, tunnel, x509 } from './tunnels.ts';

const pinky = host('pinky', 'ipsec1', '198.51.100.1');
const ijin = host('ijin', 'ipsec1', '198.51.100.2');
const lana = router('lana', 'ipsec0', '203.0.113.1', '192.168.1.0/24', '192.168.1.254');
const lanb = router('lanb', 'ipsec1', '203.0.113.2', '192.168.2.0/24', '192.168.2.254');

const secret = (text: string) => new Secret(text);
const sha1Key = (digit: string) => secret(`0x${digit.repeat(40)}`);
const desKey = (digits: string) => secret(`0x${digits.repeat(3)}`);

export interface Case {
  readonly tunnels: readonly Tunnel[];
  readonly racoon?: unknown;
}

/** One folder of test/compile/golden each: the chapters' own examples, and every kind of keying. */
export const cases: Readonly<Record<string, Case>> = {
  'host-to-host': { tunnels: [tunnel('pinky-ijin', [pinky, ijin], psk('Key_Value01'), { onboot: false })] },
  'network-to-network': { tunnels: [tunnel('lana-lanb', [lana, lanb], psk('r3dh4tl1nux'))] },
  'older-chapter': {
    tunnels: [tunnel('a-b', [host('a', 'ipsec0', '192.0.2.1'), host('b', 'ipsec0', '192.0.2.2')], psk('foobarbaz'))],
  },
  'manual-ah': {
    tunnels: [
      tunnel(
        'pinky-ijin',
        [pinky, ijin],
        manual({ ah: { spi: 0x200, key: sha1Key('1') } }, { ah: { spi: 0x300, key: sha1Key('2') } }),
        { esp: false },
      ),
    ],
  },
  'manual-esp': {
    tunnels: [
      tunnel(
        'pinky-ijin',
        [pinky, ijin],
        manual(
          { esp: { spi: 0x201, key: secret('a text key; 16 $b'), authenticationKey: sha1Key('3') } },
          { esp: { spi: 0x301, key: secret('another text key.'), authenticationKey: sha1Key('4') } },
        ),
        { ah: false, esp: { encryption: 'blowfish-cbc', authentication: 'hmac-sha1' } },
      ),
    ],
  },
  'manual-both': {
    tunnels: [
      tunnel(
        'lana-lanb',
        [lana, lanb],
        manual(
          {
            ah: { spi: 0x200, key: sha1Key('1') },
            esp: { spi: 0x201, key: desKey('0123456789abcdef'), authenticationKey: sha1Key('5') },
          },
          {
            ah: { spi: 0x300, key: sha1Key('2') },
            esp: { spi: 0x301, key: desKey('fedcba9876543210'), authenticationKey: sha1Key('6') },
          },
        ),
        { ah: { authentication: 'hmac-sha1' }, esp: { encryption: '3des-cbc' } },
      ),
    ],
  },
  'x509-file': { tunnels: [tunnel('lana-lanb', [lana, lanb], x509('lana', 'lanb', 'file'))] },
  'x509-dns': { tunnels: [tunnel('lana-lanb', [lana, lanb], x509('lana', 'lanb', 'dns'))] },
  'x509-exchange': { tunnels: [tunnel('lana-lanb', [lana, lanb], x509('lana', 'lanb', 'exchange'))] },
  'every-option': {
    tunnels: [
      tunnel('lana-lanb', [lana, lanb], psk("it's $5 `now`; #1"), {
        ike: { encryption: 'aes 256', hash: 'sha256', dhGroup: 14 },
        esp: { encryption: 'aes', authentication: 'sha256' },
        ah: false,
        onboot: false,
      }),
    ],
    racoon: {
      paths: { certificate: '/etc/pki/racoon' },
      log: 'notify',
      sainfo: {
        pfs_group: false,
        lifetime: '8 hours',
        encryption_algorithm: 'aes 256, 3des',
        authentication_algorithm: ['hmac_sha256'],
      },
    },
  },
};
