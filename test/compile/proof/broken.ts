import type { Tunnel } from '../../../src/model/tunnel.ts';
import type { LAYERS } from '../../../src/model/verdict.ts';
import { cases } from '../support/cases.ts';
import { host, psk, tunnel } from '../support/tunnels.ts';
import { down, instead, log, noAnswer, noPackets, packet, routed, without } from './judged.ts';

const direct = tunnel(
  'pinky-ijin',
  [host('pinky', 'ipsec1', '198.51.100.1'), host('ijin', 'ipsec1', '198.51.100.2')],
  psk('Key_Value01'),
);
const manualOne = cases['manual-both']?.tunnels[0] as Tunnel;

interface Broken {
  readonly one?: Tunnel;
  readonly a?: (text: string) => string;
  readonly b?: (text: string) => string;
  readonly code: string;
  /** Where in tunnels.yml. */
  readonly at: string;
  readonly layer: (typeof LAYERS)[number];
}

/** Every way in which a pair of ends can be wrong, and what is to be said of it. */
export const broken: Readonly<Record<string, Broken>> = {
  'the peer is gone': {
    a: (text) => instead(down(text), '0/peer', 'silent'),
    b: (text) => instead(down(text), '0/peer', 'silent'),
    code: 'peer-unreachable',
    at: 'ends.lanb.address',
    layer: 'peer',
  },
  'no route leads to the peer': {
    one: direct,
    a: (text) => instead(down(text), '0/outside', 'RTNETLINK answers: Network is unreachable'),
    b: down,
    code: 'peer-unreachable',
    at: 'ends.ijin.address',
    layer: 'peer',
  },
  'racoon is dead, and so the peer is silent': {
    a: (text) => instead(down(text), '0/peer', 'silent'),
    b: (text) => instead(down(text), 'racoon', 'absent'),
    code: 'racoon-not-running',
    at: '',
    layer: 'daemon',
  },
  'racoon is dead, the SAs live on': {
    a: (text) => instead(text, 'racoon', 'absent'),
    code: 'racoon-not-running',
    at: '',
    layer: 'daemon',
  },
  'racoon has not read its files': {
    a: (text) =>
      down(text).replace(
        '0/phase1-written\t1789980000 Nov 22 10:00:00',
        '0/phase1-written\t1789999000 Nov 22 14:00:00',
      ),
    b: down,
    code: 'racoon-stale',
    at: '',
    layer: 'associations',
  },
  'racoon refuses what its files would let in, for it has not read them': {
    a: (text) =>
      down(text).replace(
        '0/phase1-written\t1789980000 Nov 22 10:00:00',
        '0/phase1-written\t1789999000 Nov 22 14:00:00',
      ) + log('ERROR: rejected enctype: DB(prop#1:trns#1):Peer(prop#1:trns#1) = 3DES-CBC:AES-CBC'),
    b: down,
    code: 'racoon-stale',
    at: '',
    layer: 'associations',
  },
  'UDP 500 is blocked, and one end still has the SAs of before': {
    a: noAnswer,
    b: (text) => down(text) + packet('IP 203.0.113.2.500 > 203.0.113.1.500: isakmp: phase 1 I agg'),
    code: 'udp-500-blocked',
    at: 'ends.lana.address',
    layer: 'associations',
  },
  'no policies': {
    b: (text) => noAnswer(instead(text, 'policies', 'No SPD entries.')),
    code: 'policy-missing',
    at: '',
    layer: 'policies',
  },
  'no policy inwards': {
    a: (text) => text.replace(/policies\t\tin ipsec/, 'policies\t\tin none'),
    code: 'policy-missing',
    at: '',
    layer: 'policies',
  },
  'ESP without AH': {
    a: (text) => text.replace(/policies\t\tah\/.*\n/g, ''),
    code: 'policy-differs',
    at: 'ah',
    layer: 'policies',
  },
  'another gateway': {
    a: (text) => text.replaceAll(/(policies\t.*)203\.0\.113\.2/g, '$1203.0.113.77'),
    code: 'policy-differs',
    at: 'ends.lanb.address',
    layer: 'policies',
  },
  'transport in place of tunnel': {
    a: (text) => text.replaceAll(/(policies\t\t(?:esp|ah)\/)tunnel\/[^/]*/g, '$1transport/'),
    code: 'policy-differs',
    at: 'type',
    layer: 'policies',
  },
  'another network on one end': {
    b: (text) => down(text).replaceAll(/(policies\t.*)192\.168\.1\.0\/24/g, '$1192.168.1.0/25'),
    a: down,
    code: 'selectors-not-mirrored',
    at: 'ends.lana.network',
    layer: 'policies',
  },
  'the keys differ, and nothing is up': {
    a: (text) => down(instead(text, '0/psk', '203.0.113.2  0ther_K3y')),
    b: down,
    code: 'psk-differs',
    at: 'keying.psk',
    layer: 'associations',
  },
  'the keys differ, and the old SAs live on': {
    b: (text) => instead(text, '0/psk', '203.0.113.1  0ther_K3y'),
    code: 'psk-differs',
    at: 'keying.psk',
    layer: 'associations',
  },
  'psk.txt has no line': {
    b: (text) => down(instead(text, '0/psk', '')),
    a: down,
    code: 'psk-differs',
    at: 'keying.psk',
    layer: 'associations',
  },
  'phase 1 differs in its cipher': {
    a: (text) => down(text).replace('encryption_algorithm 3des;', 'encryption_algorithm aes;'),
    b: down,
    code: 'proposal-mismatch',
    at: 'ike.encryption',
    layer: 'associations',
  },
  'phase 1 differs in its cipher, which is that of ESP': {
    one: { ...routed, esp: { encryption: 'aes' } },
    a: (text) => down(text).replace('encryption_algorithm 3des;', 'encryption_algorithm aes;'),
    b: down,
    code: 'proposal-mismatch',
    at: 'esp.encryption',
    layer: 'associations',
  },
  'phase 1 differs in its group': {
    a: (text) => down(text).replace('dh_group 2', 'dh_group 5'),
    b: down,
    code: 'proposal-mismatch',
    at: 'ike.dh_group',
    layer: 'associations',
  },
  'phase 2 differs in its group': {
    a: (text) => down(text).replace('pfs_group 2', 'pfs_group 5'),
    b: down,
    code: 'proposal-mismatch',
    at: '',
    layer: 'associations',
  },
  'phase 2 differs in its hash': {
    a: (text) => down(text).replace('hmac_sha1 ;', 'hmac_md5 ;'),
    b: down,
    code: 'proposal-mismatch',
    at: '',
    layer: 'associations',
  },
  'racoon rejects the hash': {
    a: down,
    b: (text) =>
      down(text) +
      log(
        'ERROR: rejected hashtype: DB(prop#1:trns#1):Peer(prop#1:trns#1) = MD5:SHA',
        'ERROR: no suitable proposal found.',
      ),
    code: 'proposal-mismatch',
    at: 'ike.hash',
    layer: 'associations',
  },
  'UDP 500 is blocked, and the log still tells of another key than the one that both have now': {
    a: (text) =>
      down(text) +
      log('ERROR: HASH mismatched') +
      packet('IP 203.0.113.1.500 > 203.0.113.2.500: isakmp: phase 1 I agg'),
    b: down,
    code: 'udp-500-blocked',
    at: 'ends.lanb.address',
    layer: 'associations',
  },
  'the firewall of an end drops what arrives there': {
    a: (text) => noAnswer(text).replaceAll('520(bytes)', '100(bytes)'),
    b: noAnswer,
    code: 'one-way',
    at: 'ends.lana.address',
    layer: 'ping',
  },
  'racoon cannot authenticate': {
    a: (text) => down(text) + log('ERROR: HASH mismatched'),
    b: down,
    code: 'psk-differs',
    at: 'keying.psk',
    layer: 'associations',
  },
  'racoon knows no such policy': {
    a: down,
    b: (text) => down(text) + log('ERROR: no policy found: 192.168.1.0/24[0] 192.168.2.0/24[0] proto=any dir=in'),
    code: 'selectors-not-mirrored',
    at: 'ends.lana.network',
    layer: 'associations',
  },
  'IKE does not arrive': {
    a: (text) => down(text) + packet('IP 203.0.113.1.500 > 203.0.113.2.500: isakmp: phase 1 I agg'),
    b: down,
    code: 'udp-500-blocked',
    at: 'ends.lanb.address',
    layer: 'associations',
  },
  'IKE ran into its time limit': {
    a: (text) =>
      down(without(text, 'wire')) +
      log('ERROR: phase2 negotiation failed due to time up waiting for phase1. ESP 203.0.113.2[0]->203.0.113.1[0]'),
    b: (text) => down(without(text, 'wire')),
    code: 'udp-500-blocked',
    at: 'ends.lanb.address',
    layer: 'associations',
  },
  'a fault with another peer is nothing to this one': {
    a: (text) => down(text) + log("ERROR: couldn't find the pskey for 192.0.2.9."),
    b: down,
    code: 'no-traffic',
    at: '',
    layer: 'associations',
  },
  'an SA is larval': {
    a: (text) => noAnswer(noPackets(text.replaceAll('state=mature', 'state=larval'))),
    b: down,
    code: 'no-traffic',
    at: '',
    layer: 'associations',
  },
  'one end has lost its SAs': { a: noAnswer, b: down, code: 'spi-mismatch', at: '', layer: 'associations' },
  'the SAs are not the same': {
    a: (text) => noAnswer(noPackets(text).replaceAll('spi=72310249(', 'spi=72310299(')),
    code: 'spi-mismatch',
    at: '',
    layer: 'associations',
  },
  'a manual SPI differs': {
    one: manualOne,
    b: (text) => noAnswer(noPackets(text).replaceAll('spi=513(', 'spi=514(')),
    code: 'spi-mismatch',
    at: 'keying.manual.lana.esp.spi',
    layer: 'associations',
  },
  'a manual key differs': {
    one: manualOne,
    b: (text) => noAnswer(text.replaceAll('01234567', '01234568')),
    code: 'key-mismatch',
    at: 'keying.manual.lana.esp.key',
    layer: 'associations',
  },
  'no route for the other network': {
    a: (text) => instead(text, '0/route', ''),
    code: 'route-missing',
    at: 'ends.lanb.network',
    layer: 'route',
  },
  'a router does not forward': {
    b: (text) => instead(text, 'forwarding', '0'),
    code: 'forwarding-off',
    at: 'ends.lanb.network',
    layer: 'forwarding',
  },
  'only one way': {
    a: (text) =>
      noAnswer(text)
        .replaceAll(/^\d.*203\.0\.113\.2 > .*\n/gm, '')
        .replaceAll(/(after\t\tcurrent: )520/g, '$1100'),
    b: (text) => noAnswer(noPackets(text)).replaceAll(/(after\t\tcurrent: )520/g, '$1100'),
    code: 'one-way',
    at: 'ends.lanb.address',
    layer: 'ping',
  },
  'packets leave in clear': {
    a: (text) => down(text) + packet('IP 203.0.113.1 > 192.168.2.254: ICMP echo request, id 1, seq 1, length 64'),
    b: down,
    code: 'clear-text',
    at: '',
    layer: 'wire',
  },
  'packets leave in clear beside the encrypted ones': {
    a: (text) => text + packet('192.168.1.7.32771 > 192.168.2.9.22: S 1:1(0) win 5840'),
    code: 'clear-text',
    at: '',
    layer: 'wire',
  },
  'ESP is on the wire without AH': {
    a: (text) => text.replaceAll(/^(\d.* > 203\.0\.113\.2: )AH\([^)]*\): /gm, '$1'),
    code: 'wrong-protocol',
    at: 'ah',
    layer: 'wire',
  },
  'nothing answers, and nothing tells why': { a: noAnswer, b: noAnswer, code: 'no-traffic', at: '', layer: 'ping' },
};
