/** Longest name of a tunnel or a connection: with its `ifcfg-` it stays far below a file system's 255 bytes. */
export const LONGEST_NAME = 64;

/** True when `name` can stand in a path and in a shell word as it is. */
export function isSafeName(name: string): boolean {
  return name.length <= LONGEST_NAME && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name);
}

export type NicknameFault =
  /** Another interface's file, or a script of the network scripts' folder. */
  | 'reserved'
  /** The `network` service passes over files of such names (functions, `__sed_discard_ignored_files`). */
  | 'ignored';

/** Why a safe name cannot be the nickname of a connection on a Red Hat host, or `undefined`. */
export function nicknameFault(name: string): NicknameFault | undefined {
  if (INTERFACE.test(name) || SCRIPT.test(name)) return 'reserved';
  if (IGNORED.test(name)) return 'ignored';
  return undefined;
}

/** Names the kernel or udev gives to real interfaces, VLANs (`eth0.7`) included. */
const INTERFACE =
  /^(lo|(eth|em|bond|team|br|virbr|wlan|ath|ppp|ippp|isdn|tun|tap|veth|dummy|ib|sit|tr|hsi|ctc|iucv|vlan)\d+|p\d+p\d+|(en|wl|ww)([opsx]\d)[a-z0-9]*)(\.\d+)?$/;

/** `ifup NAME` takes a file NAME of the network scripts' folder for the configuration itself. */
const SCRIPT = /^((ifcfg|keys|route|route6|rule|rule6|ifup|ifdown|network-functions)(-.*)?|init\.ipv6-global)$/;

const IGNORED = /(~|\.bak|\.orig|\.rpmnew|\.rpmorig|\.rpmsave)$|.-range/;
