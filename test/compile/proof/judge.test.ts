import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { LAYERS, unshown } from '../../../src/model/verdict.ts';
import { broken } from './broken.ts';
import { healthyPair, said } from './healthy.ts';
import { down, instead, judged, lana, lanb, noPackets, OPTIONS, packet, routed, without } from './judged.ts';
import { swapped, tellsNoSecret } from './mirrored.ts';

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

function same(text: string): string {
  return text;
}
