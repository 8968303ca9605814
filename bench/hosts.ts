import type { FleetHost, HostSpec } from '../test/support/fleet-host.ts';

/** A router of the bench: one end of one network-to-network tunnel. */
export interface Router extends HostSpec {
  readonly network: string;
  readonly gateway: string;
  /** The other end, which is a host of the bench too where there is an even number of them. */
  readonly peer: number;
}

export function router(index: number): Router {
  return {
    name: `gw${index + 1}`,
    address: `198.18.0.${10 + index}`,
    network: `10.${index}.0.0/24`,
    gateway: `10.${index}.0.1`,
    peer: index ^ 1,
  };
}

export const PSK = 'Key_Value01';

const SCRIPTS = 'etc/sysconfig/network-scripts';

/** What an applied host has; throws where something is missing, so that nobody is timed for work that was not done. */
export function assertApplied(host: FleetHost, who: string): void {
  const { peer } = router(Number(host.name.slice(2)) - 1);
  const { address: dst } = router(peer);
  const missing = [
    host.read(`${SCRIPTS}/ifcfg-ipsec0`)?.includes(`DST=${dst}\n`) ? [] : ['ifcfg-ipsec0'],
    host.read(`${SCRIPTS}/keys-ipsec0`) === `IKE_PSK=${PSK}\n` && host.mode(`${SCRIPTS}/keys-ipsec0`) === '0600'
      ? []
      : ['keys-ipsec0'],
    new RegExp(`^${dst}\\s+${PSK}$`, 'm').test(host.read('etc/racoon/psk.txt') ?? '') ? [] : ['psk.txt'],
    host.read('etc/racoon/racoon.conf')?.includes(`include "/etc/racoon/${dst}.conf";`) ? [] : ['racoon.conf'],
    /^net.ipv4.ip_forward = 1$/m.test(host.read('etc/sysctl.conf') ?? '') ? [] : ['sysctl.conf'],
    host.read('var/lib/lab-kernel/sys/net/ipv4/ip_forward') === '1\n' ? [] : ['forwarding'],
    (host.read('var/lib/lab-kernel/spd') ?? '') !== '' ? [] : ['policies in the kernel'],
  ].flat();
  if (missing.length > 0) throw new Error(`${who} left ${host.name} without ${missing.join(', ')}`);
}

export function assertFresh(host: FleetHost, who: string): void {
  if (host.read(`${SCRIPTS}/ifcfg-ipsec0`) !== null || (host.read('var/lib/lab-kernel/spd') ?? '') !== '') {
    throw new Error(`${host.name} is not fresh before ${who}`);
  }
}

/** As the one that is being automated writes it: Red Hat's chapter on IPsec. */
export const RACOON_CONF = `# Racoon IKE daemon configuration file.
# See 'man racoon.conf' for a description of the format and entries.

path include "/etc/racoon";
path pre_shared_key "/etc/racoon/psk.txt";
path certificate "/etc/racoon/certs";

sainfo anonymous
{
	pfs_group 2;
	lifetime time 1 hour ;
	encryption_algorithm 3des, blowfish 448, rijndael ;
	authentication_algorithm hmac_sha1, hmac_md5 ;
	compression_algorithm deflate ;
}
`;

export function ifcfg({ gateway, network, peer }: Router): string {
  const other = router(peer);
  const lines = [
    ...['TYPE=IPSEC', 'ONBOOT=yes', 'IKE_METHOD=PSK', `SRCGW=${gateway}`, `DSTGW=${other.gateway}`],
    ...[`SRCNET=${network}`, `DSTNET=${other.network}`, `DST=${other.address}`],
  ];
  return `${lines.join('\n')}\n`;
}
