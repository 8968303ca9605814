import { createConnection, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { proxyCommand } from './proxy-command.ts';
import { ofJumpHost } from './ssh-faults.ts';
import type { SshSession } from './ssh-handshake.ts';
import type { SshSettings } from './ssh-settings.ts';
import { ConnectFault, type Leg } from './transport.ts';

/** The bytes to and from a host's sshd, whatever carries them. */
export interface SshStream {
  readonly duplex: Duplex;
  /** What broke on the way to the host, where that is known; `null`: nothing, or the host itself. */
  broken(): ConnectFault | null;
  /** Null: nobody knows. */
  readonly path: readonly Leg[] | null;
  /** A socket of the kernel's, which sends what it was given even when this process has ended; null: it goes through others. */
  readonly socket: Socket | null;
}

/**
 * Opens a stream. Rejects with a {@link ConnectFault} or with an error of the socket. `signal`: nobody waits any more.
 * `found` is called when the name service has given an address, where it is asked for one here.
 */
export type OpenStream = (signal: AbortSignal, found: () => void) => Promise<SshStream>;

/** TCP_NODELAY must be set before the first packet: a delayed acknowledgement costs 40 ms at each turn. */
export function tcp({ hostName, port, addressFamily, bindAddress }: SshSettings): OpenStream {
  return (signal, found) =>
    new Promise((resolve, reject) => {
      const socket = createConnection({
        host: hostName,
        port,
        noDelay: true,
        keepAlive: true,
        ...(addressFamily === 0 ? {} : { family: addressFamily }),
        ...(bindAddress === null ? {} : { localAddress: bindAddress }),
      });
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      // For the life of the socket: an error of which nobody hears must not end the process.
      socket.on('error', reject);
      socket.once('lookup', (error) => error ?? found());
      socket.once('connect', () => {
        const path = [{ from: plainAddress(socket.localAddress), to: plainAddress(socket.remoteAddress) }];
        resolve({ duplex: socket, broken: () => null, path, socket });
      });
    });
}

/** A channel of the connection to a jump host, which connects to the host in turn (RFC 4254 7.2). */
export function throughJumpHost(settings: SshSettings, session: SshSession): OpenStream {
  const { hostName, port } = settings;
  const broken = () => {
    const why = session.cause();
    return why === null
      ? null
      : ofJumpHost(session.settings.name, new ConnectFault('network', `the connection broke: ${why}`, SEE_JUMP_HOST));
  };
  const to = isIP(hostName) === 0 ? null : hostName;
  const path = session.path === null ? null : [...session.path, { from: null, to }];
  return (signal) =>
    new Promise((resolve, reject) => {
      try {
        session.client.forwardOut('127.0.0.1', 0, hostName, port, (error, channel) => {
          if (error) return reject(broken() ?? refusal(settings, session.settings.name, error));
          // ssh2 hears of it, and the handshake; this is for after them.
          channel.on('error', () => {});
          // The jump host closes a channel only when both sides have ended theirs.
          channel.on('end', () => channel.end());
          channel.stderr.on('error', () => {});
          channel.stderr.resume();
          if (signal.aborted) channel.destroy();
          else resolve({ duplex: channel, broken, path, socket: null });
        });
      } catch (error) {
        reject(broken() ?? error);
      }
    });
}

/** A command's stdout and stdin. */
export function throughCommand(
  settings: SshSettings,
  command: string,
  env: Readonly<Record<string, string | undefined>>,
): OpenStream {
  return async (signal) => {
    const { duplex, ended } = await proxyCommand(command, env);
    signal.addEventListener('abort', () => duplex.destroy(), { once: true });
    const broken = () => {
      const how = ended();
      return how === null
        ? null
        : new ConnectFault(
            'proxy',
            `the ProxyCommand for ${settings.hostName} port ${settings.port} ended (${how})`,
            `Try it by hand; ssh -G ${settings.name} shows it.`,
          );
    };
    return { duplex, broken, path: null, socket: null };
  };
}

/** An IPv4 address on a socket for both is written as one of IPv6 (RFC 4291 2.5.5.2). */
function plainAddress(address: string | undefined): string | null {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '') ?? null;
}

/** The jump host is there, and it is that one which says no. */
function refusal(settings: SshSettings, jumpHost: string, error: Error & { reason?: unknown }): ConnectFault {
  const where = `${settings.hostName} port ${settings.port}`;
  const said = error.message.replace(/^\(SSH\) Channel open failure: /, '');
  if (error.reason !== CONNECT_FAILED && error.reason !== RESOURCE_SHORTAGE) {
    return new ConnectFault(
      'proxy',
      `jump host ${jumpHost} lets no connection through to ${where}: ${error.reason === PROHIBITED ? 'prohibited' : said}`,
      'Allow it on the jump host: AllowTcpForwarding and PermitOpen in its sshd_config, and port-forwarding or ' +
        'permitopen for the key in authorized_keys.',
      { passing: false },
    );
  }
  const message = `jump host ${jumpHost} cannot connect to ${where}: ${said}`;
  const fix = `On the jump host, check the way to the host: nc -v ${settings.hostName} ${settings.port}`;
  if (/refused/i.test(said)) return new ConnectFault('refused', message, fix);
  if (/timed out/i.test(said)) return new ConnectFault('timeout', message, fix);
  if (/unknown host|name or service|name resolution|no address/i.test(said)) {
    const nameFix = 'The name must be known to the jump host: correct ansible_host, or its name service.';
    return new ConnectFault('dns', message, nameFix, { passing: /temporary/i.test(said) });
  }
  return new ConnectFault('network', message, fix);
}

/** RFC 4254 5.1 */
const PROHIBITED = 1;
const CONNECT_FAILED = 2;
const RESOURCE_SHORTAGE = 4;

const SEE_JUMP_HOST = "See sshd's log on the jump host.";
