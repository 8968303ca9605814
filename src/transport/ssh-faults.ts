import type { Target } from '../model/host.ts';
import type { Authentication } from './ssh-auth.ts';
import { ConnectFault } from './transport.ts';

/** How far a connection had come. */
export type Phase = 'tcp' | 'greeting' | 'key-exchange' | 'authentication';

/** What an error of the socket or of ssh2 means for a person. `offers`: ssh2's notes of the algorithms the host offers. */
export function connectFault(
  error: Error & { code?: unknown; level?: unknown },
  phase: Phase,
  target: Target,
  auth: Authentication,
  offers: readonly string[],
): ConnectFault {
  const where = `${target.address} port ${target.port}`;
  switch (error.code) {
    case 'ENOTFOUND':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return fault(
        'dns',
        `there is no address for the name ${target.address}`,
        'Correct ansible_host, or the name service.',
      );
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
      return fault(
        'dns',
        `the name service does not answer for ${target.address}`,
        'Check /etc/resolv.conf and the network.',
      );
    case 'ECONNREFUSED':
      return fault('refused', `${where} refuses the connection`, 'Check that sshd runs there, and ansible_port.');
    case 'ETIMEDOUT':
      return timeoutFault('tcp', target);
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
        'Check ansible_host, routes and firewalls.',
      );
  }
  if (error.level === 'client-authentication') return auth.fault();
  // A number: the reason of SSH_MSG_DISCONNECT, with the server's own words.
  if (phase === 'authentication' && typeof error.code === 'number')
    return auth.fault(`the server says "${error.message}"`);
  if (/no matching/i.test(error.message)) {
    const offered = offers.length === 0 ? '' : `; it offers: ${offers.join('; ')}`;
    return fault(
      'algorithms',
      `${where} and this program have no algorithm in common (${error.message})${offered}`,
      'For an old host that you trust (RHEL 4, 5), set the host variable ipsec_ssh_profile: el5.',
    );
  }
  if (phase === 'greeting') {
    return fault(
      'network',
      `${where} is open, but does not speak SSH: ${error.message}`,
      'Check ansible_port. A busy or guarded sshd closes like this too: MaxStartups, /etc/hosts.deny, fail2ban.',
    );
  }
  return fault(
    'network',
    `the connection to ${where} broke during ${phase === 'tcp' ? 'connecting' : phase}: ${error.message}`,
    "See sshd's log on the host; firewalls that drop long packets (MTU) and LoginGraceTime look like this too.",
  );
}

export function timeoutFault(phase: Phase, target: Target): ConnectFault {
  const where = `${target.address} port ${target.port}`;
  const within = `within ${target.connectTimeout} s`;
  if (phase === 'tcp') {
    return fault(
      'timeout',
      `${where} does not answer ${within}`,
      'Check that the host is up, ansible_host, and firewalls that drop packets; --timeout gives it longer.',
    );
  }
  const came =
    phase === 'greeting' ? 'accepts the connection, but sends no SSH greeting' : `was not through with ${phase}`;
  return fault(
    'timeout',
    `${where} ${came} ${within}`,
    'The host may be overloaded, or its sshd waits for DNS (UseDNS) or PAM; --timeout gives it longer.',
  );
}

function fault(code: ConstructorParameters<typeof ConnectFault>[0], message: string, fix: string): ConnectFault {
  return new ConnectFault(code, message, fix);
}
