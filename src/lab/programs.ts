import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The shipped userland: beside this file in the sources, beside the bundle in the package. */
const SHIPPED = new URL('./userland/', import.meta.url);

/** Where each program lives on a host that has a root of its own. */
const PROGRAMS: Readonly<Record<string, string>> = {
  chkconfig: 'sbin',
  ifdown: 'sbin',
  ifup: 'sbin',
  ip: 'sbin',
  reboot: 'sbin',
  service: 'sbin',
  sysctl: 'sbin',
  pidof: 'sbin',
  killall: 'usr/bin',
  tcpdump: 'usr/sbin',
  rpm: 'bin',
  ping: 'bin',
};

/** Come with a package, or with some releases only. */
const PACKAGED: readonly string[] = ['setkey', 'racoon'];
export type Installer = 'yum' | 'up2date' | 'dnf';
const INSTALLERS: Readonly<Record<Installer, string>> = {
  yum: 'usr/bin',
  up2date: 'usr/sbin',
  dnf: 'usr/bin',
};

/** Copies of what Red Hat has in its network-scripts folder. */
const NETWORK_SCRIPTS: readonly string[] = ['ifup-ipsec', 'ifdown-ipsec'];

/** Needed only where the root is moved: they put the machine's own answers right, or stand between it and a command. */
const FOR_A_MOVED_ROOT = ['chown', 'hostname', 'id', 'lab-command', 'stat', 'su', 'sudo', 'uname'];

/** Sourced or read by the programs. */
const SHARED = [
  'after-isolated',
  'ipsec-config',
  'isolate',
  'lib',
  'links',
  'owners',
  'packages',
  'password',
  'peer',
  'phase1',
  'racoon-check',
  'setkey.awk',
  'source.awk',
  'sysctl-defaults',
  'wire',
];

/**
 * Programs of this machine that would change it. The engine's scripts may well call one by name where the rehearsed
 * host has it; here it is noted, and not run.
 */
const SHADOWED = [
  ...['apk', 'apt', 'apt-get', 'brew', 'dnf', 'dpkg', 'rpm-ostree', 'snap', 'up2date', 'yum', 'zypper'],
  ...['halt', 'init', 'initctl', 'poweroff', 'rc-service', 'shutdown', 'systemctl', 'telinit'],
  ...['brctl', 'ethtool', 'firewall-cmd', 'ifconfig', 'ip6tables', 'iptables', 'iptables-restore', 'nft', 'nmcli'],
  ...['ipsec', 'racoon', 'racoonctl', 'route', 'setkey', 'strongswan', 'swanctl', 'tc', 'ufw', 'vconfig', 'wg'],
  ...['chcon', 'insmod', 'modprobe', 'restorecon', 'rmmod', 'semanage', 'setenforce', 'setsebool', 'semodule'],
  ...['chpasswd', 'groupadd', 'groupdel', 'passwd', 'useradd', 'userdel', 'usermod', 'visudo', 'doas'],
  ...['crontab', 'fdisk', 'hwclock', 'killall5', 'mount', 'parted', 'pkill', 'swapoff', 'umount'],
];

/** Appended to PATH by the head of every script of the engine. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export interface ProgramsOptions {
  /** Written to the programs' first line; for tests that run them under another shell. */
  readonly shell?: string;
  /** Folders of this machine where a script may find programs, beside the usual ones. */
  readonly path?: readonly string[];
}

/** Puts the programs for hosts with a moved root into one folder, which all of them use. */
export function installPrograms(folder: string, options: ProgramsOptions = {}): void {
  for (const name of [...Object.keys(PROGRAMS), ...FOR_A_MOVED_ROOT, ...NETWORK_SCRIPTS])
    put(folder, name, name, options);
  put(folder, 'chgrp', 'chown', options);
  // Only what there is: a name that answers changes what a script takes the host for.
  const there = [...SYSTEM_FOLDERS, ...(options.path ?? [])];
  for (const name of SHADOWED) {
    if (there.some((place) => existsSync(join(place, name)))) put(folder, name, 'recorded', options);
    else rmSync(join(folder, name), { force: true });
  }
  installShare(join(folder, 'share'), options);
  put(join(folder, 'share', 'packaged'), 'yum', 'yum', options);
  for (const name of [...Object.keys(PROGRAMS), 'yum']) put(join(folder, 'looks'), name, name, options);
}

/** Puts the programs into the places where Red Hat has them, for a host that has a root of its own. */
export function installIntoRoot(root: string, installer: Installer, options: ProgramsOptions = {}): void {
  for (const [name, folder] of Object.entries(PROGRAMS)) put(join(root, folder), name, name, options);
  put(join(root, INSTALLERS[installer]), installer, 'yum', options);
  installShare(join(root, 'var/lib/lab/share'), options);
}

/**
 * The same for a host with a moved root: links to copies that nothing runs, to be looked at. What runs is elsewhere,
 * where no task of a rehearsed play can reach it: in the folder of {@link installPrograms}, and what not every host has
 * in `installed`.
 */
export function linkIntoRoot(root: string, installer: Installer, programs: string, installed: string): void {
  const looks = join(programs, 'looks');
  for (const [name, folder] of Object.entries(PROGRAMS)) link(join(looks, name), join(root, folder, name));
  link(join(looks, 'yum'), join(root, INSTALLERS[installer], installer));
  for (const name of Object.keys(INSTALLERS)) if (name !== installer) rmSync(join(installed, name), { force: true });
  link(join(programs, 'share', 'packaged', 'yum'), join(installed, installer));
}

/** Red Hat's scripts for IPsec, or none. */
export function installNetworkScripts(folder: string, there: boolean, options: ProgramsOptions = {}): void {
  for (const name of NETWORK_SCRIPTS) {
    if (there) put(folder, name, name, options);
    else rmSync(join(folder, name), { force: true });
  }
}

function installShare(folder: string, options: ProgramsOptions): void {
  for (const name of SHARED) put(folder, name, name, options);
  for (const name of PACKAGED) put(join(folder, 'packaged'), name, name, options);
}

/** Renamed into place: what is there may be a symbolic link that leads out of the root, and may be running. */
function put(folder: string, name: string, source: string, options: ProgramsOptions): void {
  const text = shipped(source, options);
  const at = join(folder, name);
  if (existsSync(at) && readFileSync(at, 'utf8') === text) return;
  mkdirSync(folder, { recursive: true });
  const fresh = join(folder, `.${name}.${process.pid}~`);
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text);
  chmodSync(fresh, 0o755);
  renameSync(fresh, at);
}

function link(from: string, to: string): void {
  rmSync(to, { force: true });
  try {
    linkSync(from, to);
  } catch {
    // A file system without hard links, or too many of them.
    copyFileSync(from, to);
  }
}

/** Changes whenever a shipped program does. */
export function programsVersion(): string {
  const names = [...Object.keys(PROGRAMS), ...NETWORK_SCRIPTS, ...PACKAGED, ...SHARED, 'yum'];
  const hash = createHash('sha256');
  for (const name of names) hash.update(shipped(name, {}));
  return hash.digest('hex').slice(0, 16);
}

const texts = new Map<string, string>();

function shipped(name: string, { shell }: ProgramsOptions): string {
  let text = texts.get(name);
  if (text === undefined) {
    text = readFileSync(fileURLToPath(new URL(name, SHIPPED)), 'utf8');
    texts.set(name, text);
  }
  return shell === undefined ? text : text.replace(/^#!\/bin\/sh/, `#!${shell}`);
}
