import type { Workspace } from '../support/fleet-workspace.ts';
import type { KernelHost } from './host-files.ts';

/** Two routers and a workstation; the tunnels are the seed cases and one with manual keys. */
export const HOSTS: readonly KernelHost[] = [
  { name: 'lana', address: '198.51.100.1', lan: '192.168.1.254/24' },
  { name: 'lanb', address: '198.51.100.2', lan: '192.168.2.254/24' },
  { name: 'pinky', address: '198.51.100.3' },
];

export function writeSite(site: Workspace): void {
  const hosts = HOSTS.map(({ name, address }) => `    ${name}: { ansible_host: ${address} }\n`).join('');
  site.write('inventory/hosts.yml', `all:\n  hosts:\n${hosts}  vars:\n    ansible_user: root\n`);
  site.write('inventory/tunnels.yml', TUNNELS);
  site.write('site.yml', '- hosts: all\n  tasks:\n    - name: tunnels\n      ipsec_tunnels: { activation: tunnel }\n');
}

const TUNNELS = `tunnels:
  lana-lanb:
    type: network-to-network
    ends:
      lana: { nickname: ipsec0, address: 198.51.100.1, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      lanb: { nickname: ipsec1, address: 198.51.100.2, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying:
      psk: r3dh4tl1nux
    onboot: true
  pinky-lanb:
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.3 }
      lanb: { nickname: ipsec2, address: 198.51.100.2 }
    keying:
      psk: Key_Value01
    onboot: false
  pinky-lana:
    type: host-to-host
    ends:
      pinky: { nickname: ipsec2, address: 198.51.100.3 }
      lana: { nickname: ipsec2, address: 198.51.100.1 }
    keying:
      manual:
        pinky:
          ah:
            spi: 0x200
            key: 0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98
          esp:
            spi: 0x201
            key: 0x8e3a1d5c72f0b946c7581f2be09d6a34135fa87b2ce4d069
            authentication_key: 0x61d40ba97c35e8f21807be4a5d93c60f7e2b41d8
        lana:
          ah:
            spi: 0x300
            key: 0xb3760f5de1c8429a3d94e7120a5f6b8c97f401e2
          esp:
            spi: 0x301
            key: 0x4b97f06e2d1ac5830fe6925bd478a13cb2805ce71f4d936a
            authentication_key: 0xd80e5a4c3172f69b4ea1c70d23985fb61c7e40a5
    onboot: true
`;
