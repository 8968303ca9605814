/** Where the files of Red Hat's network scripts and of racoon are. The scripts have these paths built in. */
const SCRIPTS = '/etc/sysconfig/network-scripts';

export const IFUP_IPSEC = `${SCRIPTS}/ifup-ipsec`;
export const RACOON_CONF = '/etc/racoon/racoon.conf';
export const SYSCTL_CONF = '/etc/sysctl.conf';

export function ifcfgPath(nickname: string): string {
  return `${SCRIPTS}/ifcfg-${nickname}`;
}

export function keysPath(nickname: string): string {
  return `${SCRIPTS}/keys-${nickname}`;
}

/** Phase 1 with one peer, written by `ifup` alone. */
export function peerConfPath(address: string): string {
  return `/etc/racoon/${address}.conf`;
}
