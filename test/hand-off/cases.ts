import type { Tunnel } from '../../src/model/tunnel.ts';
import { cases as compiled } from '../compile/support/cases.ts';
import { host, psk, router, tunnel, x509 } from '../compile/support/tunnels.ts';

const pinky = host('pinky', 'ipsec1', '198.51.100.1');
const ijin = host('ijin', 'ipsec1', '198.51.100.2');
const lana = router('lana', 'ipsec0', '203.0.113.1', '192.168.1.0/24', '192.168.1.254');
const lanb = router('lanb', 'ipsec1', '203.0.113.2', '192.168.2.0/24', '192.168.2.254');
const external = { ...lanb, managed: false, nickname: 'lana-lanb' };

const strong = { ike: { encryption: 'aes 256', hash: 'sha256', dhGroup: 14 }, ah: false } as const;
const racoon = { sainfo: { pfs_group: 14, encryption_algorithm: 'aes 256', authentication_algorithm: 'hmac_sha1' } };

export interface HandOffCase {
  readonly tunnel: Tunnel;
  readonly racoon?: unknown;
}

/** Those of the compiler, and what they lack: a single protocol with IKE, as most other products want it. */
export const cases: Readonly<Record<string, HandOffCase>> = {
  ...Object.fromEntries(
    Object.entries(compiled).flatMap(([name, { tunnels, ...rest }]) =>
      tunnels[0] === undefined ? [] : [[name, { tunnel: tunnels[0], ...rest }]],
    ),
  ),
  'psk-esp': { tunnel: tunnel('lana-lanb', [lana, external], psk('r3dh4tl1nux'), { ah: false }) },
  'psk-ah': { tunnel: tunnel('pinky-ijin', [pinky, ijin], psk('r3dh4tl1nux'), { esp: false }), racoon },
  'psk-strong': { tunnel: tunnel('lana-lanb', [lana, external], psk('r3dh4tl1nux'), strong), racoon },
  'psk-hosts': { tunnel: tunnel('pinky-ijin', [pinky, ijin], psk('r3dh4tl1nux'), strong), racoon },
  'x509-esp-file': { tunnel: tunnel('lana-lanb', [lana, external], x509('lana', 'lanb', 'file'), strong), racoon },
  'x509-esp-dns': { tunnel: tunnel('lana-lanb', [lana, external], x509('lana', 'lanb', 'dns'), strong), racoon },
  'x509-esp-exchange': {
    tunnel: tunnel('lana-lanb', [lana, external], x509('lana', 'lanb', 'exchange'), strong),
    racoon,
  },
};
