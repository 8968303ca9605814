import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeTree } from '../../src/lab/tree.ts';

export interface RootSpec {
  readonly name: string;
  readonly address: string;
  /** Address and length of a second device. */
  readonly lan?: string;
  /** `5.11`, or a whole line of /etc/redhat-release. Default: the lab's. */
  readonly release?: string;
  /** Users beside root. */
  readonly users?: readonly UserSpec[];
  /** {@link PASSWORD} is root's too. Default: root has none. */
  readonly rootPassword?: boolean;
  /** Further lines of sudoers. */
  readonly sudoers?: readonly string[];
}

export interface UserSpec {
  readonly name: string;
  /** With a password it is {@link PASSWORD}. */
  readonly sudo: 'without-password' | 'with-password' | 'none';
  /** It has {@link LOGIN_PASSWORD}, and no other. */
  readonly login?: 'password';
}

/** For sudo and su; sshd takes none. A blank and a `$`, because a shell would mangle them. */
export const PASSWORD = 'Become-canary_7 $x';
const HASHED = '$6$fleet$4PZcEvbDcqPbvWjYuvhpneb5B7Ikln3xN9j7f2VljHMo/j41tHCdtLuwLBjb3oR1AaQtUf/yjbKicSX0FdfSS.';

/** For an sshd that takes one, and for nothing else. */
export const LOGIN_PASSWORD = 'Login-canary_4 %y';
const LOGIN_HASHED = '$6$fleet$.qTJh1LLuhfiTYhEFgKZzO5VE2BjGJvt2QK/J1xG5cjbFz2ERHE0ADgeNjmnzPziol9tIY1yc79VnZk4YWv/m/';

/** Folders of the host that show this machine's own, read-only. They are mounted in the host's namespace alone. */
export const MACHINE_FOLDERS = [
  ...['usr/bin', 'usr/lib', 'usr/lib32', 'usr/lib64', 'usr/libx32', 'usr/libexec', 'usr/share'],
  ...['bin', 'lib', 'lib32', 'lib64', 'libx32', 'etc/alternatives', 'etc/ld.so.conf.d', 'etc/security'],
].filter((folder) => existsSync(`/${folder}`) && !isLink(`/${folder}`));

/**
 * The root tree of a host: what is the host's own is really here, what is the machine's is an empty folder until it is
 * mounted. /sbin and /usr/sbin are the host's own, so the machine's service, sysctl or ip are out of its reach there.
 */
export function buildRoot(root: string, spec: RootSpec, authorized: string): void {
  makeTree(root, {
    hostname: spec.name,
    addresses: [spec.address],
    ...(spec.release === undefined ? {} : { release: spec.release }),
  });
  makeRoomForTheMachine(root);
  for (const folder of ['sys', 'home', 'run/sshd', 'root/.ssh', 'etc/ssh', 'etc/pam.d', 'var/tmp', 'var/lib/sudo']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  // FHS 5.15: everybody may write there.
  chmodSync(join(root, 'var/tmp'), 0o1777);
  if (spec.lan !== undefined) {
    const links = join(root, 'var/lib/lab-kernel/links');
    writeFileSync(links, readFileSync(links, 'utf8').replace('eth1\t-', `eth1\t${spec.lan}`));
  }
  accounts(root, spec);
  // The second is readable for sshd as any user.
  put(root, 'root/.ssh/authorized_keys', authorized, 0o600);
  put(root, 'etc/ssh/authorized_keys', authorized);
}

/** Programs that the lab puts beside the machine's own go before them in PATH. */
function makeRoomForTheMachine(root: string): void {
  for (const folder of ['bin', 'usr/bin']) {
    for (const name of readdirSync(join(root, folder))) renameSync(join(root, folder, name), join(root, 'sbin', name));
    rmSync(join(root, folder), { recursive: true });
  }
  for (const folder of MACHINE_FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  for (const link of ['bin', 'lib', 'lib32', 'lib64', 'libx32']) {
    if (existsSync(`/${link}`) && isLink(`/${link}`)) symlinkSync(readlinkSync(`/${link}`), join(root, link));
  }
  // What the machine's programs need to run, beside the folders: where the libraries are.
  for (const name of ['ld.so.cache', 'ld.so.conf', 'login.defs']) {
    if (existsSync(`/etc/${name}`)) copyFileSync(`/etc/${name}`, join(root, 'etc', name));
  }
}

function accounts(root: string, { name: host, users = [], rootPassword, sudoers: more = [] }: RootSpec): void {
  const passwd = [
    'root:x:0:0:root:/root:/bin/sh',
    'sshd:x:74:74:sshd:/run/sshd:/bin/false',
    'nobody:x:99:99::/:/bin/false',
  ];
  const group = ['root:x:0:', 'tty:x:5:', 'sshd:x:74:', 'nobody:x:99:', 'nogroup:x:65534:'];
  // `*`: no password fits; `!` would be a locked account for sshd.
  const shadow = [
    `root:${rootPassword ? HASHED : '*'}:19000:0:99999:7:::`,
    'sshd:*:19000::::::',
    'nobody:*:19000::::::',
  ];
  const sudoers = ['Defaults secure_path=/sbin:/usr/sbin:/bin:/usr/bin', 'root ALL=(ALL) ALL', ...more];
  users.forEach(({ name, sudo, login }, index) => {
    const id = 1000 + index;
    passwd.push(`${name}:x:${id}:${id}::/home/${name}:/bin/sh`);
    group.push(`${name}:x:${id}:`);
    const hash = login === 'password' ? LOGIN_HASHED : sudo === 'with-password' ? HASHED : '*';
    shadow.push(`${name}:${hash}:19000:0:99999:7:::`);
    if (sudo !== 'none') sudoers.push(`${name} ALL=(ALL) ${sudo === 'without-password' ? 'NOPASSWD: ' : ''}ALL`);
    mkdirSync(join(root, 'home', name));
  });
  put(root, 'etc/passwd', lines(passwd));
  put(root, 'etc/group', lines(group));
  put(root, 'etc/shadow', lines(shadow), 0o600);
  put(root, 'etc/sudoers', lines(sudoers), 0o440);
  put(root, 'etc/nsswitch.conf', lines(['passwd: files', 'group: files', 'shadow: files', 'hosts: files']));
  put(root, 'etc/hosts', lines([`127.0.0.1 localhost ${host}`]));
  for (const service of ['sshd', 'sudo', 'su', 'other']) {
    const rules = ['auth required pam_unix.so', 'account required pam_unix.so', 'session required pam_permit.so'];
    put(root, `etc/pam.d/${service}`, lines(service === 'su' ? ['auth sufficient pam_rootok.so', ...rules] : rules));
  }
}

function put(root: string, path: string, text: string, mode = 0o644): void {
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

function lines(list: readonly string[]): string {
  return `${list.join('\n')}\n`;
}

function isLink(path: string): boolean {
  return lstatSync(path).isSymbolicLink();
}
