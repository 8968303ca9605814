import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTree } from '../../src/lab/tree.ts';

export interface KernelHost {
  readonly name: string;
  readonly address: string;
  /** The gateway's own address and length in the network behind it. */
  readonly lan?: string;
}

export interface Keys {
  readonly hostKey: string;
  readonly authorized: string;
}

const USERLAND = join(import.meta.dirname, 'userland');

const SHARED = [
  ...['setkey-common.awk', 'setkey-commands.awk', 'setkey-sad.awk', 'setkey-spd.awk', 'links'],
  ...[
    'racoon-acquire',
    'racoon-conf.awk',
    'racoon-load',
    'racoon-log',
    'racoon-log.awk',
    'racoon-start',
    'strongswan.conf',
  ],
];

/** What the real ones of this machine do better: they see the kernel. */
const REAL = ['sbin/ip', 'sbin/sysctl', 'sbin/pidof', 'sbin/reboot', 'usr/sbin/tcpdump', 'bin/ping'];
/** The machine's accounts are those that its sshd and tcpdump run as. */
const MACHINE_OWN = ['etc/passwd', 'etc/group'];

/**
 * What makes a Red Hat host of this machine's root, to be laid over it: the lab's userland, where it only touches files,
 * with a setkey and a racoon that speak to the kernel.
 */
export function writeHostFiles(root: string, host: KernelHost, keys: Keys): void {
  mkdirSync(root, { recursive: true });
  makeTree(root, { hostname: host.name, addresses: [host.address] });
  for (const path of [...REAL, ...MACHINE_OWN]) rmSync(join(root, path));
  // Mounted, not laid over.
  for (const path of ['dev', 'proc', 'root', 'tmp']) rmSync(join(root, path), { recursive: true });
  const kernel = join(root, 'var/lib/lab-kernel');
  rmSync(join(kernel, 'sys'), { recursive: true });
  const lan = host.lan === undefined ? '' : `eth1\t${host.lan}\tUP\n`;
  writeFileSync(join(kernel, 'links'), `lo\t127.0.0.1/8\tUP\neth0\t${host.address}/24\tUP\n${lan}`);

  const share = join(root, 'var/lib/lab/share');
  appendFileSync(join(share, 'lib'), readFileSync(join(USERLAND, 'overrides')));
  for (const name of SHARED) put(name, share);
  for (const name of ['setkey', 'racoon']) put(name, join(share, 'packaged'));
  put('killall', join(root, 'usr/bin'));

  mkdirSync(join(root, 'etc/ssh'));
  copyFileSync(keys.hostKey, join(root, 'etc/ssh/host_key'));
  copyFileSync(keys.authorized, join(root, 'etc/ssh/authorized_keys'));
  writeFileSync(join(root, 'etc/ssh/sshd_config'), SSHD_CONFIG);
}

/** With the right to run it, whatever mode a checkout gives it. */
function put(name: string, folder: string): void {
  copyFileSync(join(USERLAND, name), join(folder, name));
  chmodSync(join(folder, name), 0o755);
}

const SSHD_CONFIG = `HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/authorized_keys
AddressFamily inet
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
StrictModes no
PidFile none
SetEnv PATH=/sbin:/usr/sbin:/bin:/usr/bin
`;
