import { describe, expect, test } from 'vitest';
import { type HostImpact, impactOf, tunnelsDown } from '../../src/engine/impact.ts';
import { ownPaths, type Topology } from '../../src/engine/own-path.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { host, manual, psk, router, tunnel } from '../compile/support/tunnels.ts';

const lana = router('lana', 'ipsec0', '203.0.113.1', '192.168.1.0/24', '192.168.1.254');
const lanb = router('lanb', 'ipsec1', '203.0.113.2', '192.168.2.0/24', '192.168.2.254');
const pinky = host('pinky', 'ipsec1', '198.51.100.1');
const ijin = host('ijin', 'ipsec1', '198.51.100.2');
const TUNNELS = [
  tunnel('lana-lanb', [lana, lanb], psk('A-long-key_1')),
  tunnel('pinky-ijin', [pinky, ijin], psk('A-long-key_2')),
];
const ADDRESSES: Readonly<Record<string, string>> = {
  lana: '203.0.113.1',
  lanb: '203.0.113.2',
  pinky: '198.51.100.1',
  ijin: '198.51.100.2',
};

function topology(tunnels: readonly Tunnel[] = TUNNELS): Topology {
  return {
    tunnels,
    addressesOf: (name) => [ADDRESSES[name] ?? ''],
    hostsAt: (address) => Object.keys(ADDRESSES).filter((name) => ADDRESSES[name] === address),
  };
}

const path = ownPaths(topology());

describe("the operator's own path", () => {
  test('from a tunnel’s other network', () => {
    expect(path('lanb', [{ from: '192.168.1.7', to: '203.0.113.2' }])).toEqual({
      host: 'lanb',
      tunnels: ['lana-lanb'],
      over: ['lana'],
      from: '192.168.1.7',
    });
    expect(path('lanb', [{ from: '192.168.1.7', to: '192.168.2.254' }]).tunnels).toEqual(['lana-lanb']);
  });

  test('from the same side, or from elsewhere, it goes through none', () => {
    expect(path('lana', [{ from: '192.168.1.7', to: '192.168.1.254' }])).toMatchObject({ tunnels: [], over: [] });
    expect(path('lanb', [{ from: '10.1.2.3', to: '203.0.113.2' }])).toMatchObject({ tunnels: [], over: [] });
    expect(path('lanb', [{ from: 'fe80::1', to: 'fe80::2' }])).toMatchObject({ tunnels: [], over: [] });
    expect(path('lanb', null)).toMatchObject({ tunnels: [], over: [] });
  });

  test('from the other end of a tunnel between hosts', () => {
    expect(path('ijin', [{ from: '198.51.100.1', to: '198.51.100.2' }])).toMatchObject({
      tunnels: ['pinky-ijin'],
      over: ['pinky'],
    });
    expect(path('ijin', [{ from: '198.51.100.9', to: '198.51.100.2' }]).tunnels).toEqual([]);
  });

  test('to a host behind the other end', () => {
    expect(path('ijin', [{ from: '192.168.1.7', to: '192.168.2.9' }])).toMatchObject({
      tunnels: ['lana-lanb'],
      over: ['lana'],
    });
  });

  test('over a jump host that is an end, though nobody knows from which address it goes on', () => {
    const legs = [
      { from: '10.1.2.3', to: '198.51.100.1' },
      { from: null, to: '198.51.100.2' },
    ];
    expect(path('ijin', legs)).toMatchObject({ tunnels: ['pinky-ijin'], over: ['pinky'] });
    // A host that it has no tunnel with is reached over it all the same.
    expect(
      path('lanb', [
        { from: '10.1.2.3', to: '198.51.100.1' },
        { from: null, to: null },
      ]),
    ).toMatchObject({
      tunnels: [],
      over: ['pinky'],
    });
  });

  test('through a tunnel on the leg before a jump host', () => {
    const legs = [
      { from: '192.168.1.7', to: '192.168.2.9' },
      { from: null, to: '198.51.100.1' },
    ];
    expect(path('pinky', legs)).toMatchObject({ tunnels: ['lana-lanb'], over: ['lana'] });
  });
});

describe('impact', () => {
  const part = (name: string, more: Partial<HostImpact> = {}): HostImpact => ({
    host: name,
    drops: [],
    stops: [],
    starts: [],
    services: [],
    network: false,
    path: path(name, null),
    ...more,
  });

  test('a tunnel that one end takes down drops, whatever the other one does', () => {
    const both = [part('lana', { drops: ['lana-lanb'] }), part('lanb', { starts: ['lana-lanb'] })];
    expect(impactOf(both, topology()).tunnels).toEqual([
      { name: 'lana-lanb', ends: ['lana', 'lanb'], effect: 'drops', networkOf: [], seconds: [5, 15] },
    ]);
  });

  test('a network restart takes down all that is there, and not what is new', () => {
    const more = [...TUNNELS, tunnel('new', [lana, pinky], psk('A-long-key_3'))];
    const impact = impactOf([part('lana', { network: true, starts: ['new'], services: ['network'] })], topology(more));
    expect(impact.tunnels.map(({ name, effect, networkOf }) => [name, effect, networkOf])).toEqual([
      ['lana-lanb', 'drops', ['lana']],
      ['new', 'starts', []],
    ]);
    expect(impact.services).toEqual([{ host: 'lana', service: 'network' }]);
    expect(tunnelsDown(part('lana', { network: true, starts: ['new'] }), more)).toEqual(['lana-lanb']);
  });

  test('what is taken away is gone for good; manual keys need no IKE', () => {
    const key = new Secret(`0x${'1'.repeat(40)}`);
    const tunnels = [
      tunnel('gone', [lana, lanb], psk('A-long-key_1'), { state: 'absent' }),
      tunnel('hand', [pinky, ijin], manual({ ah: { spi: 256, key } }, { ah: { spi: 257, key } })),
    ];
    const impact = impactOf([part('lana', { drops: ['gone'] }), part('ijin', { drops: ['hand'] })], topology(tunnels));
    expect(impact.tunnels.map(({ effect, seconds }) => [effect, seconds])).toEqual([
      ['removed', null],
      ['drops', [2, 10]],
    ]);
  });

  test('what nothing brings up again stays down, or is gone where no inventory names it', () => {
    const down = (name: string) => ({ drops: [name], stops: [name] });
    const effects = (...parts: HostImpact[]) =>
      impactOf(parts, topology()).tunnels.map(({ name, effect, seconds }) => [name, effect, seconds]);
    expect(effects(part('lana', down('lana-lanb')), part('lanb', down('lana-lanb')))).toEqual([
      ['lana-lanb', 'stopped', null],
    ]);
    expect(effects(part('lana', down('pruned')))).toEqual([['pruned', 'removed', null]]);
    // One end only changes its files.
    expect(effects(part('lana', down('lana-lanb')), part('lanb', { drops: ['lana-lanb'] }))).toEqual([
      ['lana-lanb', 'drops', [5, 15]],
    ]);
  });

  test('the own path is named where it is disturbed, and only there', () => {
    const way = path('lanb', [{ from: '192.168.1.7', to: '203.0.113.2' }]);
    const disturbed = impactOf([part('lana', { drops: ['lana-lanb'] }), part('lanb', { path: way })], topology());
    expect(disturbed.ownPath).toEqual([
      { host: 'lana', why: 'your connection to lanb goes over it' },
      { host: 'lanb', why: 'you come from 192.168.1.7, which reaches it through lana-lanb' },
    ]);
    expect(impactOf([part('lana'), part('lanb', { path: way })], topology()).ownPath).toEqual([]);
  });
});
