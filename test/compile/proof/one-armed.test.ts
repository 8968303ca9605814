import { describe, expect, test } from 'vitest';
import { unshown } from '../../../src/model/verdict.ts';
import { host, psk, router, tunnel } from '../support/tunnels.ts';
import { casesOf } from './cases.ts';
import { healthyPair } from './healthy.ts';
import { instead, judged, noPackets, packet, routed, without } from './judged.ts';

/** What leaves through a device, and what arrives there: of a LAN on the same device, or once more after it was decrypted. */
const [left, right] = healthyPair(routed);
const untold = (text: string) => without(text, 'leaving');
/** The inside network on the device of the outside address. */
const oneArmed = (text: string) => text.replaceAll(' dev eth1 ', ' dev eth0 ');
const clear = (from: string, to: string) => packet(`IP ${from} > ${to}: ICMP echo request, id 1, seq 1, length 64`);

const FROM_LAN = clear('192.168.1.7', '192.168.2.9');
const OWN_PING = clear('192.168.1.254', '192.168.2.254');
const TRANSLATED = clear('203.0.113.1', '192.168.2.9');
const FROM_ELSEWHERE = clear('192.168.9.7', '192.168.2.9');

const code = (text: string, one = routed, other = right) => judged(one, [text, other]).cause?.code ?? null;

/** What tcpdump printed on such a router, in front of a real kernel; the SPIs are those of its SAs there. */
describe('recorded on a router with one device', () => {
  const one = tunnel(
    'lana-lanb',
    [
      router('lana', 'ipsec0', '198.51.100.1', '192.168.1.0/24', '192.168.1.254'),
      router('lanb', 'ipsec1', '198.51.100.2', '192.168.2.0/24', '192.168.2.254'),
    ],
    psk('r3dh4tl1nux'),
  );
  const spi = (text: string) =>
    Object.entries({
      '0xca593ad2': '0x03a25841',
      '0xc83211ec': '0x044f5de9',
      '0xc45e4f2d': '0x03a25842',
      '0xc94280e8': '0x044f5dea',
    }).reduce((lines, [there, here]) => lines.replaceAll(there, here), text);
  const [a, b] = healthyPair(one);

  test.each(casesOf('one-armed'))('%s', (_, { input, read }) => {
    const verdict = judged(one, [`${untold(oneArmed(noPackets(a)))}\n${spi(input)}\n`, b]);
    const wire = verdict.ends[0]?.layers.find(({ layer }) => layer === 'wire');
    expect(`${wire?.status}: ${wire?.what}`).toBe(read);
  });
});

describe('where tcpdump shows of the clear packets those that leave', () => {
  test.each([
    ["a LAN machine's", FROM_LAN],
    ["the router's own", OWN_PING],
    ["one with the router's outside address", TRANSLATED],
  ])('%s is clear text, on one device as on two', (_, line) => {
    expect(code(oneArmed(left) + line)).toBe('clear-text');
    expect(code(left + line)).toBe('clear-text');
  });

  test('what leaves through another device tells nothing of this one', () => {
    const elsewhere = instead(oneArmed(left), 'leaving', 'ppp0');
    expect(code(elsewhere + FROM_LAN)).toBeNull();
  });
});

describe('where nothing tells what leaves from what arrives', () => {
  test.each([
    ['of a LAN on the same device', oneArmed(left) + FROM_LAN],
    ['of a LAN on a device that nobody knows', without(left, '0/way') + FROM_LAN],
    ['that a hub passes on, from one spoke to another', left + FROM_ELSEWHERE],
  ])('a packet in clear %s fails nothing, and leaves the tunnel unproven', (_, text) => {
    const verdict = judged(routed, [untold(text), right]);
    expect(verdict).toMatchObject({ status: 'unproven', cause: null });
    expect(unshown(verdict)).toMatch(
      /^lana: packets for 192\.168\.2\.0\/24 pass eth0 in clear \(192\.168\.[19]\.7 to 192\.168\.2\.9\), and nothing there tells whether they arrive or leave$/,
    );
  });

  test('without such packets it is proven', () => {
    expect(judged(routed, [untold(oneArmed(left)), right]).status).toBe('proven');
  });

  test.each([
    ["the router's own ping", oneArmed(left) + OWN_PING],
    ["what has the router's outside address", oneArmed(left) + TRANSLATED],
    ['what arrives does not hide it', oneArmed(left) + FROM_LAN + OWN_PING],
    ['what comes from a LAN on another device', left + FROM_LAN],
  ])('what can only have left is clear text: %s', (_, text) => {
    expect(code(untold(text))).toBe('clear-text');
  });
});

test('with one address for both, what the tunnel should carry to the peer itself is clear text', () => {
  const one = tunnel(
    'small',
    [
      router('small-a', 'ipsec0', '192.168.1.254', '192.168.1.0/24', '192.168.1.254'),
      router('small-b', 'ipsec0', '192.168.2.254', '192.168.2.0/24', '192.168.2.254'),
    ],
    psk('r3dh4tl1nux'),
  );
  const [a, b] = healthyPair(one);
  expect(judged(one, [oneArmed(a), oneArmed(b)]).status).toBe('proven');
  expect(code(oneArmed(a) + OWN_PING, one, oneArmed(b))).toBe('clear-text');
});

describe('between two hosts', () => {
  const direct = tunnel(
    'pinky-ijin',
    [host('pinky', 'ipsec1', '198.51.100.1'), host('ijin', 'ipsec1', '198.51.100.2')],
    psk('Key_Value01'),
  );
  const [a, b] = healthyPair(direct);

  test('what others send to the peer through this host is none of the tunnel', () => {
    expect(judged(direct, [a + clear('192.168.1.7', '198.51.100.2'), b]).status).toBe('proven');
  });

  test('what has an address of this host is clear text, though NAT gives it another one on the way', () => {
    expect(code(a + clear('198.51.100.1', '198.51.100.2'), direct, b)).toBe('clear-text');
    const behind = instead(a, '0/outside', '198.51.100.2 via 10.0.0.1 dev eth0  src 10.0.0.5 \\    cache');
    expect(code(behind + clear('10.0.0.5', '198.51.100.2'), direct, b)).toBe('clear-text');
  });
});

test('counters that stand in because tcpdump showed nothing are said to do so', () => {
  const silent = left.replaceAll(/^\d\d:.*\n/gm, '');
  const verdict = judged(routed, [silent, right]);
  expect(verdict.status).toBe('proven');
  expect(verdict.notes).toEqual([
    'lana saw no packet of the tunnel on eth0: the byte counters of the SAs stand in for the packets',
  ]);
});
