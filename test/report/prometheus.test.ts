import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EndStanding } from '../../src/model/standing.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { bytes, duration } from '../../src/report/amounts.ts';
import { prometheusText } from '../../src/report/prometheus.ts';
import type { TunnelStatus } from '../../src/report/tunnel-status.ts';

const seen: EndStanding = {
  configured: 'yes',
  differing: [],
  active: 'differs',
  what: 'ESP',
  daemon: 'running',
  unread: [],
  associations: [
    { direction: 'out', protocol: 'esp', spi: 1, state: 'mature', age: 70, bytes: 100 },
    { direction: 'out', protocol: 'ah', spi: 2, state: 'mature', age: 60, bytes: 140 },
    { direction: 'in', protocol: 'esp', spi: 3, state: 'dying', age: 70, bytes: 5 },
    { direction: 'in', protocol: 'esp', spi: 4, state: 'larval', age: 1, bytes: 0 },
  ],
  keyChanged: 1000,
  now: 1600,
};

function statusOf(name: string, host: string, nickname: string, more: Partial<TunnelStatus> = {}): TunnelStatus {
  const end = (own: string) => ({ host: own, managed: true, nickname, address: '192.0.2.1' });
  const tunnel = {
    name,
    state: 'present',
    onboot: name === 'boot',
    ends: [end(host), end(`${host}2`)],
  } as unknown as Tunnel;
  return { tunnel, ends: [seen, null], verified: null, pending: [], ...more };
}

/** As the format's page says a sample is read. */
function samples(text: string) {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] =
        /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)*)\} (\S+)$/s.exec(line) ?? [];
      const read = [...labels.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/gs)].map(([, label = '', escaped = '']) => [
        label,
        escaped.replace(/\\(.)/gs, (_, char: string) => (char === 'n' ? '\n' : char)),
      ]);
      return { name, labels: Object.fromEntries(read) as Record<string, string>, value: Number(value) };
    });
}

describe('the text for Prometheus', () => {
  test('says what is seen, and nothing of what is not', () => {
    const at = '2026-11-22T15:00:00.000Z';
    const all = samples(prometheusText([statusOf('t', 'h', 'n', { verified: { at, status: 'failed', cause: 'x' } })]));
    const value = (name: string, host: string, direction?: string) =>
      all.find(
        (each) =>
          each.name === `ipsec_tunnel_${name}` && each.labels.host === host && each.labels.direction === direction,
      )?.value;
    expect(['seen', 'configured', 'active', 'daemon_running', 'associations'].map((name) => value(name, 'h'))).toEqual([
      1, 1, 0, 1, 3,
    ]);
    expect(['in', 'out'].map((direction) => value('association_bytes', 'h', direction))).toEqual([5, 140]);
    expect([value('association_age_seconds', 'h'), value('key_age_seconds', 'h')]).toEqual([70, 600]);
    expect([value('verified', 'h'), value('verified_timestamp_seconds', 'h2')]).toEqual([0, Date.parse(at) / 1000]);
    expect([value('onboot', 'h'), value('onboot', 'h2')]).toEqual([0, 0]);
    expect([value('seen', 'h2'), value('active', 'h2'), value('key_age_seconds', 'h2')]).toEqual([
      0,
      undefined,
      undefined,
    ]);
  });

  test('tells what may be down from what may not', () => {
    const all = samples(prometheusText([statusOf('boot', 'h', 'n', { ends: [null, null] })]));
    expect(all.filter(({ name }) => name === 'ipsec_tunnel_onboot').map(({ value }) => value)).toEqual([1, 1]);
  });

  test('brings any name through', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string(),
        fc.constantFrom('\\', '"', '\n', 'a\\n"b\n\\'),
        (name, host, odd) => {
          const [first] = samples(prometheusText([statusOf(name + odd, host + odd, odd)]));
          expect(first?.labels).toEqual({ tunnel: name + odd, host: host + odd, nickname: odd });
        },
      ),
    );
  });

  test('has each metric once, with its help and type before its samples', () => {
    const text = prometheusText([statusOf('a', 'x', 'n'), statusOf('b', 'y', 'n')]);
    const heads = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name);
    expect(new Set(heads).size).toBe(heads.length);
    let current = '';
    for (const line of text.trimEnd().split('\n')) {
      const head = /^# TYPE (\S+)/.exec(line);
      if (head) current = head[1] ?? '';
      else if (!line.startsWith('#')) expect(line.startsWith(`${current}{`)).toBe(true);
    }
  });
});

describe('amounts', () => {
  test.each([
    [0, '0 s'],
    [119, '119 s'],
    [120, '2 min'],
    [7199, '119 min'],
    [7200, '2 h'],
    [172_800, '2 d'],
    [-3, '0 s'],
  ])('%d s are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [9960, '10 kB'],
    [999_600, '1.0 MB'],
  ])('%d bytes are %s', (count, text) => expect(bytes(count)).toBe(text));
});
