import { isIP } from 'node:net';
import { UNSAFE_GROUP } from './group-exchange.ts';
import { isForEl5 } from './ssh-algorithms.ts';
import type { SshSettings } from './ssh-settings.ts';
import { ConnectFault, type ConnectFaultCode } from './transport.ts';

/** How far a connection had come. */
export type Phase = 'name' | 'tcp' | 'greeting' | 'key-exchange' | 'authentication';

/** Where a connection begins: with its name, where that is looked up on this machine. */
export function firstPhase({ proxy, hostName }: SshSettings): Phase {
  return proxy === null && isIP(hostName) === 0 ? 'name' : 'tcp';
}

/** Which host a fault is about. What can be done about a jump host stands in ssh_config, not in the inventory. */
export interface Subject {
  readonly settings: SshSettings;
  readonly isJumpHost: boolean;
}

/** What an error of the stream or of ssh2 means for a person. `offers`: ssh2's notes of the algorithms the host offers. */
export function connectFault(
  error: Error & { code?: unknown; level?: unknown },
  phase: Phase,
  subject: Subject,
  refused: (detail?: string) => ConnectFault,
  offers: readonly string[],
): ConnectFault {
  if (error instanceof ConnectFault) return error;
  const where = placeOf(subject.settings);
  const { hostName } = subject.settings;
  const words = subject.isJumpHost ? OF_JUMP_HOST : OF_HOST;
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return fault(
        'dns',
        `there is no address for the name ${hostName}`,
        `Correct ${words.address}, or the name service.`,
      );
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return new ConnectFault('dns', `the name service does not answer for ${hostName}`, NAME_SERVICE, {
        passing: error.code === 'EAI_AGAIN',
      });
    case 'ECONNREFUSED':
      return fault('refused', `${where} refuses the connection`, `Check that sshd runs there, and ${words.port}.`);
    case 'ETIMEDOUT':
      return timeoutFault('tcp', subject);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EADDRNOTAVAIL':
    case 'EACCES':
    case 'EPERM':
      return fault(
        'network',
        `${where} cannot be reached (${error.code})`,
        `Check ${words.address}, routes and firewalls.`,
      );
    case UNSAFE_GROUP:
      return fault(
        'algorithms',
        `the Diffie-Hellman group that ${where} gives is not safe: ${error.message}`,
        "Put longer primes into the host's /etc/ssh/moduli, or let its sshd have another key exchange.",
      );
  }
  if (error.level === 'client-authentication') return refused();
  // A number: the reason of SSH_MSG_DISCONNECT, with the server's own words.
  if (phase === 'authentication' && typeof error.code === 'number')
    return refused(`the server says "${error.message}"`);
  if (/no matching/i.test(error.message)) return noneInCommon(error, subject, offers);
  if (phase === 'greeting') {
    return fault(
      'network',
      `${where} is open, but does not speak SSH: ${error.message}`,
      `Check ${words.port}. A busy or guarded sshd closes like this too: MaxStartups, /etc/hosts.deny, fail2ban.`,
    );
  }
  return fault(
    'network',
    `the connection to ${where} broke during ${phase === 'tcp' || phase === 'name' ? 'connecting' : phase}: ${error.message}`,
    "See sshd's log on the host; firewalls that drop long packets (MTU) and LoginGraceTime look like this too.",
  );
}

export function timeoutFault(phase: Phase, { settings, isJumpHost }: Subject): ConnectFault {
  const where = placeOf(settings);
  const within = `within ${settings.connectTimeout} s`;
  const words = isJumpHost ? OF_JUMP_HOST : OF_HOST;
  if (phase === 'name') {
    const message = `the name service has no answer for ${settings.hostName} ${within}`;
    return new ConnectFault('dns', message, NAME_SERVICE, { passing: true });
  }
  if (phase === 'tcp') {
    return fault(
      'timeout',
      `${where} does not answer ${within}`,
      `Check that the host is up, ${words.address}, and firewalls that drop packets; ${words.longer} gives it longer.`,
    );
  }
  const came =
    phase === 'greeting' ? 'accepts the connection, but sends no SSH greeting' : `was not through with ${phase}`;
  return fault(
    'timeout',
    settings.proxy?.kind === 'command' && phase === 'greeting'
      ? `no SSH greeting comes from ${where} ${within}`
      : `${where} ${came} ${within}`,
    `The host may be overloaded, or its sshd waits for DNS (UseDNS) or PAM; ${words.longer} gives it longer.`,
  );
}

/** The same, said of a jump host: every host behind it gets it. */
export function ofJumpHost(name: string, { code, message, fix, passing }: ConnectFault): ConnectFault {
  return new ConnectFault(code, `jump host ${name}: ${message}`, fix, { passing });
}

/** An address for people, with the way there. */
export function placeOf({ hostName, port, proxy }: SshSettings): string {
  const way =
    proxy === null ? '' : proxy.kind === 'jump' ? ` (through jump host ${proxy.via.name})` : ' (through ProxyCommand)';
  return `${hostName} port ${port}${way}`;
}

function noneInCommon(error: Error, { settings, isJumpHost }: Subject, offers: readonly string[]): ConnectFault {
  const offered = offers.length === 0 ? '' : `; it offers: ${offers.join('; ')}`;
  return fault(
    'algorithms',
    `${placeOf(settings)} and this program have no algorithm in common (${error.message})${offered}`,
    fix(),
  );

  function fix(): string {
    if (Object.keys(settings.algorithms).length > 0) {
      return 'ssh_config (or an -o option) says which algorithms may be used: add one that the host offers there.';
    }
    if (settings.profile === 'el5' || !isForEl5(offers)) {
      return 'None of what the host offers is known here, not even for old hosts: allow more in its sshd_config, or update it.';
    }
    return isJumpHost
      ? 'If you trust this old jump host, add what it offers in ssh_config: KexAlgorithms, HostKeyAlgorithms, Ciphers, MACs.'
      : `For an old host that you trust (RHEL 4, 5), write into host_vars/${settings.name}.yml: ipsec_ssh_profile: el5`;
  }
}

const NAME_SERVICE = 'Check /etc/resolv.conf and the network.';

const OF_HOST = { address: 'ansible_host', port: 'ansible_port', longer: '--timeout' };
const OF_JUMP_HOST = { address: 'its HostName in ssh_config', port: 'its Port', longer: 'its ConnectTimeout' };

function fault(code: ConnectFaultCode, message: string, fix: string): ConnectFault {
  return new ConnectFault(code, message, fix);
}
