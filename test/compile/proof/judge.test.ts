import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reveal, Secret } from '../../../src/model/secret.ts';
import { perspectives, type Tunnel } from '../../../src/model/tunnel.ts';
import { LAYERS, type TunnelVerdict, unshown } from '../../../src/model/verdict.ts';
import { cases } from '../support/cases.ts';
import { host, manual, psk, router, tunnel, x509 } from '../support/tunnels.ts';
import { healthyPair, type Manner, said, sasOf } from './healthy.ts';
import {
  down,
  instead,
  judged,
  lana,
  lanb,
  log,
  noAnswer,
  noPackets,
  OPTIONS,
  packet,
  proof,
  routed,
  without,
} from './judged.ts';

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

const broken: Readonly<Record<string, Broken>> = {
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

describe('every way to be broken is named', () => {
  test.each(Object.entries(broken))('%s', (_, { one = routed, a = same, b = same, code, at, layer }) => {
    const [left, right] = healthyPair(one);
    const verdict = judged(one, [a(left), b(right)]);
    expect(verdict.cause?.code, JSON.stringify(verdict, null, 1)).toBe(code);
    expect(verdict.status).toBe('failed');
    expect(verdict.cause?.at?.file).toBe(`tunnels.yml#${[one.name, ...(at === '' ? [] : [at])].join('.')}`);
    expect(verdict.cause?.fix).toBeTruthy();
    const failing = verdict.ends.flatMap(({ layers }) => layers.filter(({ status }) => status === 'failed'));
    expect(failing.map((each) => each.layer)).toContain(layer);
    for (const { layers } of verdict.ends) expect(layers.map((each) => each.layer)).toEqual([...LAYERS]);
    tellsNoSecret(one, verdict);
    expect(judged(swapped(one), [b(right), a(left)])).toEqual({ ...verdict, ends: [...verdict.ends].reverse() });
  });

  test('every code has a case', () => {
    expect([...new Set(Object.values(broken).map(({ code }) => code))].sort()).toEqual(
      [
        ...[
          'clear-text',
          'forwarding-off',
          'key-mismatch',
          'no-traffic',
          'one-way',
          'peer-unreachable',
          'policy-differs',
        ],
        ...[
          'policy-missing',
          'proposal-mismatch',
          'psk-differs',
          'racoon-not-running',
          'racoon-stale',
          'route-missing',
        ],
        ...['selectors-not-mirrored', 'spi-mismatch', 'udp-500-blocked', 'wrong-protocol'],
      ].sort(),
    );
  });

  test('of two keys that differ, the end whose key is not that of the inventory is named', () => {
    const [left, right] = healthyPair(routed);
    const other = instead(left, '0/psk', '203.0.113.2  0ther_K3y');
    expect(judged(routed, [other, right]).cause?.fix).toMatch(/^apply the playbook on lana, /);
    const third = instead(right, '0/psk', '203.0.113.1  th1rd_K3y');
    expect(judged(routed, [other, third]).cause?.fix).toMatch(/^apply the playbook on both ends/);
  });

  test('what comes after the first that fails is explained by it', () => {
    const [left, right] = healthyPair(routed);
    const { ends } = judged(routed, [down(left), instead(down(right), 'policies', 'No SPD entries.')]);
    expect(ends[1]?.layers.slice(2).map(({ status, what }) => `${status}: ${what}`)).toEqual([
      'failed: no policy out and in for 192.168.1.0/24',
      ...Array.from({ length: 5 }, () => 'skipped: see policies'),
    ]);
  });
});

describe('what is said of a fault', () => {
  const [left, right] = healthyPair(routed);
  const cause = (a: string, b: string) => judged(routed, [a, b]).cause;

  test('phase 1 edited by hand: no playbook writes it, ifup does where it is missing', () => {
    const edited = down(left).replace('encryption_algorithm 3des;', 'encryption_algorithm aes;');
    expect(cause(edited, down(right))?.fix).toContain(
      'where one was edited by hand, remove it (rm /etc/racoon/203.0.113.2.conf on lana, rm /etc/racoon/203.0.113.1.conf on lanb)',
    );
  });

  test('clear text, and who sends it', () => {
    const clear = packet('IP 192.168.1.254 > 192.168.2.254: ICMP echo request, id 1, seq 1, length 64');
    expect(cause(left + clear, right)?.message).toBe(
      'lana sends packets for 192.168.2.0/24 in clear (192.168.1.254 to 192.168.2.254)',
    );
  });

  test('another protocol, though the policies are right: a policy of somebody else goes before them', () => {
    const esp = left.replaceAll(/AH\([^)]*\): (IP [0-9.]+ > [0-9.]+: )?ESP/g, 'ESP');
    expect(esp).not.toBe(left);
    expect(cause(esp, right)).toMatchObject({
      code: 'wrong-protocol',
      fix: expect.stringContaining('setkey -DP on lana'),
    });
  });
});

describe('what cannot be seen', () => {
  const external: Tunnel = { ...routed, ends: [lana, { ...lanb, managed: false }] };
  const [left, right] = healthyPair(routed);

  test('an external peer: proven from one end, which a note says', () => {
    const verdict = judged(external, [left, null]);
    expect(verdict).toMatchObject({
      status: 'proven',
      notes: ['lanb is managed by somebody else: seen from lana alone'],
    });
    expect(verdict.ends[1]?.layers.map(({ status }) => status)).toEqual(LAYERS.map(() => 'skipped'));
  });

  test('a managed host that could not be reached: unproven', () => {
    expect(judged(routed, [left, null])).toMatchObject({ status: 'unproven', cause: null });
    expect(judged(routed, [null, null])).toMatchObject({ status: 'unproven', cause: null });
  });

  test('without tcpdump the counters stand in, with a note', () => {
    const texts = [left, right].map((text) => instead(noPackets(text), 'wire', 'no tcpdump'));
    const verdict = judged(routed, [texts[0] ?? null, texts[1] ?? null]);
    expect(verdict.status).toBe('proven');
    expect(verdict.notes).toHaveLength(2);
    const idle = texts.map((text) => text.replaceAll('520(bytes)', '100(bytes)'));
    expect(judged(routed, [idle[0] ?? null, idle[1] ?? null])).toMatchObject({ status: 'unproven', cause: null });
  });

  test('a tcpdump that may not listen is not one that is not there', () => {
    const verdict = judged(routed, [instead(noPackets(left), 'wire', 'ended'), right]);
    expect(verdict).toMatchObject({
      status: 'proven',
      notes: [expect.stringContaining('lana does not let tcpdump listen')],
    });
  });

  test('who is not root sees no SAs, which is not that there are none', () => {
    const blind = [left, right].map((text) =>
      [
        ['policies', 'pfkey_open: Operation not permitted'],
        ['policies-code', '1'],
        ['before', ''],
        ['after', ''],
        ['wire', 'ended'],
      ].reduce((seen, [tag = '', value = '']) => instead(seen, tag, value), noPackets(without(text, '0/psk'))),
    );
    const verdict = judged(routed, [blind[0] ?? null, blind[1] ?? null]);
    expect(verdict).toMatchObject({ status: 'unproven', cause: null });
    expect(unshown(verdict)).toBe('lana: setkey -DP: pfkey_open: Operation not permitted');
  });

  test('a host without ping: nothing is wrong with the tunnel, and nothing is proven', () => {
    const none = instead(without(without(left, '0/ping'), '0/peer'), '0/answered', 'no ping');
    const verdict = judged(routed, [none, right]);
    expect(verdict).toMatchObject({ status: 'unproven', cause: null });
    expect(unshown(verdict)).toBe('lana: lana has no ping to try 192.168.2.254 with');
  });

  test('a largest packet that was asked for and not found is said', () => {
    expect(judged(routed, [left, right], { ...OPTIONS, mtu: true })).toMatchObject({
      mtu: null,
      notes: [expect.stringContaining('the largest packet was not found')],
    });
  });

  test('an SPI that no SA has proves nothing', () => {
    const texts = [left, right].map((text) => text.replaceAll(/^(\d.*)spi=0x03a25/gm, '$1spi=0x0aaaa'));
    expect(judged(routed, [texts[0] ?? null, texts[1] ?? null]).status).toBe('unproven');
  });

  test("the smaller of both ends' largest packets counts", () => {
    expect(judged(routed, [left + said('0/mtu', '1438'), right + said('0/mtu', '1398')]).mtu).toBe(1398);
  });

  test('no text makes it throw', () => {
    const piece = fc.constantFrom(...left.split('\n'), '', '\t', 'policies\t', '0/psk\tx', '14:34:39.1 IP a > b: ESP(');
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.string({ unit: 'binary' })), (pieces, noise) => {
        const text = [...pieces, ...noise].join('\n');
        expect(judged(routed, [text, right]).status).toBeTypeOf('string');
      }),
    );
  });
});

const key = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((value) => new Secret(`0x${Buffer.from(value).toString('hex')}`));
const spi = fc.integer({ min: 0x100, max: 0xffffffff });
const ah = fc.record({ spi, key: key(20) });
const esp = fc.record({ spi, key: key(24), authenticationKey: key(20) });
const keying = fc.oneof(
  fc.stringMatching(/^[a-zA-Z#$"'][ -~]{6,20}[a-z]$/).map(psk),
  fc.record({ ah, esp }).chain((first) => fc.record({ ah, esp }).map((second) => manual(first, second))),
  fc.constant(x509('a', 'b', 'file')),
);
const generated: fc.Arbitrary<Tunnel> = fc
  .record({
    keying,
    routed: fc.boolean(),
    off: fc.constantFrom('ah', 'esp', null),
    turned: fc.boolean(),
  })
  .map(({ keying, routed, off, turned }) => {
    const [one, other] = turned ? (['b', 'a'] as const) : (['a', 'b'] as const);
    const ends = routed
      ? ([
          router(one, 'ipsec0', '192.0.2.1', '10.1.0.0/16', '10.1.0.1'),
          router(other, 'ipsec1', '198.51.100.1', '10.2.0.0/16', '10.2.0.1'),
        ] as const)
      : ([host(one, 'ipsec0', '192.0.2.1'), host(other, 'ipsec1', '198.51.100.1')] as const);
    return tunnel('t', ends, keying, off === null ? {} : { [off]: false });
  });
const manner: fc.Arbitrary<Manner> = fc.record({
  setkey: fc.constantFrom('old' as const, 'new' as const),
  tcpdump: fc.constantFrom('old' as const, 'new' as const),
});

describe('every tunnel', () => {
  test('is proven where both ends are in order, whichever is named first', () => {
    fc.assert(
      fc.property(generated, manner, (one, how) => {
        const [left, right] = healthyPair(one, how);
        const verdict = judged(one, [left, right]);
        expect(verdict.status, JSON.stringify(verdict, null, 1)).toBe('proven');
        expect(judged(swapped(one), [right, left])).toEqual({ ...verdict, ends: [...verdict.ends].reverse() });
        tellsNoSecret(one, verdict);
      }),
    );
  });

  test('counts each packet once, though Linux shows one that arrives again after each header', () => {
    const verdict = judged(routed, healthyPair(routed, { setkey: 'new', tcpdump: 'new' }));
    for (const { layers } of verdict.ends) {
      const what = 'ESP inside AH with the SPIs of the SAs, 1 out and 1 in, nothing in clear';
      expect(layers.find(({ layer }) => layer === 'wire')).toMatchObject({ status: 'ok', what });
    }
  });

  test('with a line missing or another one in its place, the verdict is mirrored and tells no secret', () => {
    fc.assert(
      fc.property(generated, manner, fc.nat(), fc.nat(), (one, how, first, second) => {
        const [left, right] = healthyPair(one, how).map((text, index) => {
          const lines = text.split('\n');
          lines.splice((index === 0 ? first : second) % lines.length, 1);
          return lines.join('\n');
        });
        const verdict = judged(one, [left ?? null, right ?? null]);
        expect(judged(swapped(one), [right ?? null, left ?? null])).toEqual({
          ...verdict,
          ends: [...verdict.ends].reverse(),
        });
        tellsNoSecret(one, verdict);
      }),
    );
  });

  test('has an evidence script without secrets', () => {
    fc.assert(
      fc.property(generated, (one) => {
        for (const end of perspectives(one)) expect(proof.evidence([end], OPTIONS).hasSecrets).toBe(false);
      }),
    );
  });
});

function same(text: string): string {
  return text;
}

function swapped(one: Tunnel): Tunnel {
  const [a, b] = one.ends;
  const { keying } = one;
  const turned =
    keying.method === 'manual'
      ? { ...keying, sent: [keying.sent[1], keying.sent[0]] as const }
      : keying.method === 'x509'
        ? { ...keying, certificates: [keying.certificates[1], keying.certificates[0]] as const }
        : keying;
  return { ...one, ends: [b, a], keying: turned };
}

function tellsNoSecret(one: Tunnel, verdict: TunnelVerdict): void {
  const told = JSON.stringify(verdict);
  expect(told).not.toContain('0ther_K3y');
  const { keying } = one;
  if (keying.method === 'psk') expect(told).not.toContain(JSON.stringify(reveal(keying.psk)).slice(1, -1));
  for (const sender of [0, 1] as const)
    for (const { keys } of sasOf(one, sender))
      for (const digits of keys.match(/[0-9a-f]{8}/g) ?? []) expect(told).not.toContain(digits);
}
