import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { makeHosts, plain, read } from './read.ts';

const TEXT = readFileSync('inventory/tunnels.yml', 'utf8');
const NAMES = ['pinky', 'ijin', 'workstation-a', 'workstation-b', 'store-a', 'store-b', 'lana', 'lanb'];

describe('the shipped tunnels', async () => {
  const { tunnels, diagnostics } = await read(TEXT, makeHosts(Object.fromEntries(NAMES.map((name) => [name, {}]))));
  const named = (name: string) => plain(tunnels.find((tunnel) => tunnel.name === name) as Tunnel);

  test('have no fault', () => {
    expect(diagnostics).toEqual([]);
    expect(tunnels.map(({ name }) => name)).toEqual(['lana-lanb', 'pinky-ijin', 'store-a-store-b', 'workstations']);
  });

  test("are the chapters' examples", () => {
    expect(named('pinky-ijin')).toEqual({
      name: 'pinky-ijin',
      type: 'host-to-host',
      ends: [
        { host: 'ijin', managed: true, nickname: 'ipsec1', address: '198.51.100.2' },
        { host: 'pinky', managed: true, nickname: 'ipsec1', address: '198.51.100.1' },
      ],
      keying: { method: 'psk', psk: 'secret Key_Value01' },
      ike: {},
      esp: {},
      ah: {},
      onboot: false,
      state: 'present',
    });
    const network = (n: number) => ({
      cidr: `192.168.${n}.0/24`,
      address: `192.168.${n}.0`,
      prefix: 24,
      netmask: '255.255.255.0',
    });
    expect(named('lana-lanb')).toMatchObject({
      ends: [
        { host: 'lana', nickname: 'ipsec0', address: '203.0.113.1', network: network(1), gateway: '192.168.1.254' },
        { host: 'lanb', nickname: 'ipsec1', address: '203.0.113.2', network: network(2), gateway: '192.168.2.254' },
      ],
      keying: { psk: 'secret r3dh4tl1nux' },
      onboot: true,
    });
    expect(named('workstations')).toMatchObject({ keying: { psk: 'secret foobarbaz' }, onboot: true });
  });

  test('keep unquoted hexadecimal keys digit by digit', () => {
    expect(named('store-a-store-b')).toMatchObject({
      keying: {
        method: 'manual',
        sent: [
          { ah: { spi: 0x200, key: 'secret 0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98' }, esp: { spi: 0x201 } },
          { esp: { spi: 0x301, authenticationKey: 'secret 0xd80e5a4c3172f69b4ea1c70d23985fb61c7e40a5' } },
        ],
      },
    });
  });
});
