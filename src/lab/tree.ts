import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { installIntoRoot, installNetworkScripts, linkIntoRoot, type ProgramsOptions } from './programs.ts';
import { DEFAULT_RELEASE, majorOf, releaseLine } from './release.ts';

export interface HostTree extends ProgramsOptions {
  readonly hostname: string;
  readonly release?: string;
  /** The host's addresses on its outer side. */
  readonly addresses?: readonly string[];
}

/** Folders of a host whose root is only moved: what runs there is kept outside of it. */
export interface MovedRoot {
  readonly programs: string;
  readonly installed: string;
}

/**
 * The root tree of a freshly installed Red Hat host. What is there stays as it is, but for what belongs to the release
 * and to the userland. Without `moved` it becomes a real root: of a chroot, or of a container.
 */
export function makeTree(root: string, tree: HostTree, moved?: MovedRoot): void {
  const line = releaseLine(tree.release ?? DEFAULT_RELEASE);
  const major = majorOf(line);
  const addresses = tree.addresses ?? [DEFAULT_ADDRESS];
  const write = writerInto(root);

  for (const folder of FOLDERS) write.folder(folder);
  chmodSync(join(root, 'root'), 0o700);
  chmodSync(join(root, 'tmp'), 0o1777);
  const first = addresses[0] ?? DEFAULT_ADDRESS;
  for (const [path, text] of Object.entries(files(tree.hostname, first, major))) write.unlessThere(path, text);
  write.always('etc/redhat-release', `${line}\n`);
  write.always('var/lib/lab-kernel/links', links(addresses));
  write.unlessThere('var/lib/lab-kernel/routes', routes(addresses));

  // Where a real /proc may be mounted, the stand-ins for /proc/sys are beside the kernel's other state.
  write.unlessThere(`${moved === undefined ? 'var/lib/lab-kernel/sys' : 'proc/sys'}/net/ipv4/ip_forward`, '0\n');

  // RHEL 6's initscripts have no IPsec any more.
  installNetworkScripts(join(root, NETWORK_SCRIPTS_FOLDER), major === undefined || major <= 5, tree);
  const installer = major === 4 ? 'up2date' : major !== undefined && major >= 8 ? 'dnf' : 'yum';
  if (moved === undefined) installIntoRoot(root, installer, tree);
  else linkIntoRoot(root, installer, moved.programs, moved.installed);
}

/** TEST-NET-1 (RFC 5737), where the inventory gives a host no address. */
const DEFAULT_ADDRESS = '192.0.2.1';
const NETWORK_SCRIPTS_FOLDER = 'etc/sysconfig/network-scripts';

const FOLDERS = [
  ...[
    'bin',
    'dev',
    'etc/cron.d',
    'etc/init.d',
    'etc/rc.d',
    'proc',
    'root',
    'sbin',
    'tmp',
    'usr/bin',
    'usr/local/bin',
    'usr/sbin',
  ],
  ...[
    'var/lib/lab/chkconfig',
    'var/lib/lab-faults',
    'var/lib/lab-kernel/daemons',
    'var/lib/rpm/lab',
    'var/log',
    'var/run',
  ],
  NETWORK_SCRIPTS_FOLDER,
];

function files(hostname: string, address: string, major: number | undefined): Record<string, string> {
  return {
    'etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nnobody:x:99:99:Nobody:/:/sbin/nologin\n',
    'etc/group': 'root:x:0:root\nnobody:x:99:\n',
    'etc/hosts': `127.0.0.1\t\tlocalhost.localdomain localhost\n${address}\t\t${hostname}\n`,
    'etc/sysconfig/network': `NETWORKING=yes\nNETWORKING_IPV6=no\nHOSTNAME=${hostname}\n`,
    [`${NETWORK_SCRIPTS_FOLDER}/ifcfg-lo`]:
      'DEVICE=lo\nIPADDR=127.0.0.1\nNETMASK=255.0.0.0\nNETWORK=127.0.0.0\nBROADCAST=127.255.255.255\nONBOOT=yes\nNAME=loopback\n',
    [`${NETWORK_SCRIPTS_FOLDER}/ifcfg-eth0`]: `DEVICE=eth0\nBOOTPROTO=static\nIPADDR=${address}\nNETMASK=255.255.255.0\nONBOOT=yes\n`,
    'etc/sysctl.conf': SYSCTL_CONF + (major !== undefined && major >= 6 ? SYSCTL_CONF_6 : ''),
    'var/lib/rpm/lab/initscripts': major === 4 ? '7.93.34.EL-1 i386\n' : '8.45.45-1.el5 x86_64\n',
    'var/lib/rpm/lab/iproute': '2.6.18-15.el5 x86_64\n',
    'var/lib/lab/chkconfig/network': '',
    'var/lib/lab/chkconfig/sshd': '',
    'var/lib/lab-kernel/daemons/sshd': '2001\n',
    'var/lib/lab-kernel/spd': '',
    'var/lib/lab-kernel/sad': '',
  };
}

/** What `ip addr` and `ip route get` answer from: device, address/24 or `-`, state. */
function links(addresses: readonly string[]): string {
  const outer = addresses.map((address) => `eth0\t${address}/24\tUP\n`).join('');
  return `lo\t127.0.0.1/8\tUP\n${outer}eth1\t-\tUP\n`;
}

function routes(addresses: readonly string[]): string {
  const networks = new Map(addresses.map((address) => [address.replace(/\d+$/, '0/24'), address]));
  return [...networks].map(([net, src]) => `${net} dev eth0 proto kernel scope link src ${src} \n`).join('');
}

/** Writes below `root`, files with mode 0644 whatever this process's umask; few system calls, for there may be many hosts. */
function writerInto(root: string) {
  const made = new Set<string>();
  const strict = (process.umask() & 0o044) !== 0;
  const folder = (path: string): void => {
    if (made.has(path)) return;
    mkdirSync(join(root, path), { recursive: true, mode: 0o755 });
    made.add(path);
  };
  const always = (path: string, text: string): void => {
    folder(dirname(path));
    writeFileSync(join(root, path), text);
    if (strict) chmodSync(join(root, path), 0o644);
  };
  const unlessThere = (path: string, text: string): void => {
    if (!existsSync(join(root, path))) always(path, text);
  };
  return { folder, always, unlessThere };
}

/** As Red Hat ships it. */
const SYSCTL_CONF = `# Kernel sysctl configuration file for Red Hat Linux
#
# For binary values, 0 is disabled, 1 is enabled.  See sysctl(8) and
# sysctl.conf(5) for more details.

# Controls IP packet forwarding
net.ipv4.ip_forward = 0

# Controls source route verification
net.ipv4.conf.default.rp_filter = 1

# Do not accept source routing
net.ipv4.conf.default.accept_source_route = 0

# Controls the System Request debugging functionality of the kernel
kernel.sysrq = 0

# Controls whether core dumps will append the PID to the core filename
# Useful for debugging multi-threaded applications
kernel.core_uses_pid = 1

# Controls the use of TCP syncookies
net.ipv4.tcp_syncookies = 1

# Controls the maximum size of a message, in bytes
kernel.msgmnb = 65536

# Controls the default maxmimum size of a message queue
kernel.msgmax = 65536

# Controls the maximum shared segment size, in bytes
kernel.shmmax = 68719476736

# Controls the maximum number of shared memory segments, in pages
kernel.shmall = 4294967296
`;

/** RHEL 6 adds keys that its own kernel does not know until a bridge is there. */
const SYSCTL_CONF_6 = `
# Disable netfilter on bridges.
net.bridge.bridge-nf-call-ip6tables = 0
net.bridge.bridge-nf-call-iptables = 0
net.bridge.bridge-nf-call-arptables = 0
`;
