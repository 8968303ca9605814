import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, startAgent } from './agent.ts';
import { type Fleet, startFleet } from './fleet.ts';
import { LOGIN_PASSWORD, PASSWORD } from './fleet-root.ts';
import { type Workspace, workspace } from './fleet-workspace.ts';
import { vaulted } from './seal-vault.ts';
import { generateKey } from './sshd.ts';

/** Each stands for one secret of an operator, and in one place only. */
export const SECRETS = {
  psk: 'Canary-psk-c41d90',
  becomePassword: PASSWORD,
  loginPassword: LOGIN_PASSWORD,
  vaultPassword: 'Canary vault 5e02',
  passphrase: 'Canary passphrase 9b3f',
};

/**
 * Gateways as operators reach them: behind one bastion or two, by the user's ssh_config, with a key that only an agent
 * can use.
 *
 *     control ── bastion ─┬─ gw-a             sudo with a password
 *             └─ mute ────┤  (mute forwards nothing)
 *                         ├─ gw-b             OpenSSH as on RHEL 5, sudo with a password and requiretty
 *                         ├─ gw-k             keyboard-interactive, then su
 *                         └─ second ── deep   with a server that allows two attempts
 */
export interface BastionStage {
  readonly fleet: Fleet;
  readonly site: Workspace;
  readonly agent: Agent;
  /** The user's ssh_config, which the tests may change. */
  readonly configFile: string;
  /** The environment of an operator who has the agent. */
  readonly env: Readonly<Record<string, string>>;
  /** `!vault` and its lines, below a key that is indented by `indent`. */
  vaulted(text: string, indent: number): string;
  /** inventory/tunnels.yml with this psk. */
  vaultedTunnels(psk: string): string;
  /** A host's snapshot, without the time of /tmp: sudo's dialogue on a terminal leaves nothing but that. */
  files(host: string): readonly string[];
  /** The `Accepted` lines of a host's sshd, since the last call. */
  logins(host: string): readonly string[];
  stop(): Promise<void>;
}

/**
 * What the sshd of RHEL 5 has, and nothing of what a new client offers. It takes RSA with SHA-2 from a client beside,
 * because a new sshd says that it does (RFC 8308) whatever is configured.
 */
const EL5 = [
  'KexAlgorithms diffie-hellman-group1-sha1',
  'Ciphers aes128-cbc,3des-cbc',
  'MACs hmac-sha1,hmac-md5',
  'HostKeyAlgorithms ssh-rsa',
  'PubkeyAcceptedAlgorithms ssh-rsa,rsa-sha2-256,rsa-sha2-512',
];

/** Those that are managed. */
export const GATEWAYS = ['gw-a', 'gw-b', 'gw-k', 'deep'];

const ADMIN = [
  { name: 'admin', sudo: 'with-password' },
  { name: 'worker', sudo: 'none' },
] as const;

export async function startBastionStage(): Promise<BastionStage> {
  const fleet = await startFleet({
    hosts: [
      {
        name: 'bastion',
        address: '198.51.100.10',
        port: 2222,
        alsoOn: { segment: 1, address: '10.20.0.1' },
        users: [{ name: 'jump', sudo: 'none' }],
      },
      {
        name: 'mute',
        address: '198.51.100.20',
        alsoOn: { segment: 1, address: '10.20.0.3' },
        users: [{ name: 'jump', sudo: 'none' }],
        sshdConfig: ['AllowTcpForwarding no'],
      },
      {
        name: 'second',
        address: '10.20.0.2',
        port: 2200,
        segment: 1,
        alsoOn: { segment: 2, address: '10.30.0.1' },
        users: [{ name: 'hop', sudo: 'none' }],
      },
      { name: 'gw-a', address: '10.20.0.11', segment: 1, users: ADMIN },
      {
        name: 'gw-b',
        address: '10.20.0.12',
        segment: 1,
        users: ADMIN,
        sudoers: ['Defaults requiretty'],
        sshdConfig: EL5,
        hostKey: 'rsa',
      },
      {
        name: 'gw-k',
        address: '10.20.0.13',
        segment: 1,
        users: [
          { name: 'kim', sudo: 'none', login: 'password' },
          // su wants the password of who one becomes.
          { name: 'worker', sudo: 'with-password' },
        ],
        rootPassword: true,
        sshdConfig: ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'AuthenticationMethods keyboard-interactive'],
      },
      { name: 'deep', address: '10.30.0.11', segment: 2, users: ADMIN, sshdConfig: ['MaxAuthTries 2'] },
    ],
  });
  let agent: Agent | null = null;
  const stop = async () => {
    await agent?.stop();
    await fleet.stop();
  };
  try {
    const keys = (name: string) => join(fleet.home, '.ssh', name);
    generateKey(keys('jump'));
    generateKey(keys('hop'));
    // The gateways' own: RSA, because the old one knows nothing else.
    generateKey(keys('gateways'), { type: 'rsa', passphrase: SECRETS.passphrase });
    agent = await startAgent(join(fleet.dir));
    agent.add(keys('gateways'), SECRETS.passphrase);
    const publicKey = (name: string) => readFileSync(`${keys(name)}.pub`, 'utf8');
    for (const name of ['bastion', 'mute']) fleet.host(name).authorize(publicKey('jump'));
    fleet.host('second').authorize(publicKey('hop'));
    for (const name of GATEWAYS) fleet.host(name).authorize(publicKey('gateways'));

    // gw-a is known by another name than its address, gw-b by a file of its own.
    const of = (name: string) => fleet.host(name);
    const plain = ['bastion', 'mute', 'second', 'gw-k', 'deep'].map((name) => of(name).knownHosts);
    writeFileSync(fleet.knownHostsFile, [...plain, `gateway-a.example ${of('gw-a').hostKey}\n`].join(''));
    writeFileSync(keys('known_gateways'), of('gw-b').knownHosts);
    const configFile = keys('config');
    writeFileSync(configFile, sshConfig(keys));

    const site = workspace(fleet);
    writeSite(site);
    const seen = new Map<string, number>();
    return {
      fleet,
      site,
      agent,
      configFile,
      env: { SSH_AUTH_SOCK: agent.socket },
      vaulted: seal,
      vaultedTunnels: tunnelsWith,
      files: (name) =>
        of(name)
          .snapshot()
          .filter((line) => !line.startsWith('tmp ')),
      logins: (name) => {
        const log = of(name).log();
        const fresh = log.slice(seen.get(name) ?? 0);
        seen.set(name, log.length);
        return fresh.match(/^Accepted .* for .*$/gm) ?? [];
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function sshConfig(keys: (name: string) => string): string {
  return `Host bastion mute
  User jump
  IdentityFile ${keys('jump')}
  IdentitiesOnly yes
Host bastion
  HostName 198.51.100.10
  Port 2222
Host mute
  HostName 198.51.100.20
Host second
  HostName 10.20.0.2
  Port 2200
  User hop
  IdentityFile ${keys('hop')}
  IdentitiesOnly yes
  ProxyJump bastion
Host gw-a
  HostName 10.20.0.11
  HostKeyAlias gateway-a.example
Host gw-b
  HostName 10.20.0.12
  UserKnownHostsFile ${keys('known_gateways')}
Host gw-k
  HostName 10.20.0.13
  User kim
Host deep
  HostName 10.30.0.11
  ProxyJump second
Match host 10.20.0.1*
  ProxyJump bastion
Host gw-* deep
  User admin
  IdentityFile ${keys('gateways')}
  IdentitiesOnly yes
`;
}

/** The two gateways' tunnel; the passwords and its key are vaulted. */
function writeSite(site: Workspace): void {
  site.write('vault-password', `${SECRETS.vaultPassword}\n`);
  site.write(
    'inventory/hosts.yml',
    `all:
  children:
    gateways:
      hosts:
        gw-a:
        gw-b: { ipsec_ssh_profile: el5 }
    others:
      hosts:
        gw-k:
          ansible_become_method: su
          ansible_password: ${seal(SECRETS.loginPassword, 10)}
        deep:
  vars:
    ansible_become_password: ${seal(SECRETS.becomePassword, 4)}
`,
  );
  site.write('inventory/tunnels.yml', tunnelsWith(SECRETS.psk));
  site.write(
    'tunnels.yml',
    `- name: Tunnels
  hosts: gateways
  become: true
  tasks:
    - name: Tunnels of the inventory
      ipsec_tunnels: { tunnels: all }
`,
  );
  site.write(
    'who.yml',
    `- name: Work
  hosts: all
  become: true
  tasks:
    - name: A file
      file: { path: /root/mine, content: "{{ inventory_hostname }}\\n", mode: "0600" }
    - name: Who
      command: id -un > /root/who
`,
  );
}

function tunnelsWith(psk: string): string {
  return `tunnels:
  a-b:
    type: host-to-host
    ends:
      gw-a: { nickname: ipsec1, address: 10.20.0.11 }
      gw-b: { nickname: ipsec2, address: 10.20.0.12 }
    keying:
      psk: ${seal(psk, 6)}
    onboot: true
`;
}

function seal(text: string, indent: number): string {
  return vaulted(text, SECRETS.vaultPassword, indent);
}
