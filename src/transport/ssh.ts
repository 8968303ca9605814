import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import type { NodeSSH } from 'node-ssh';
import type { Client } from 'ssh2';
import type { Target } from '../model/host.ts';
import { type Become, launch } from './become.ts';
import { deadline } from './deadline.ts';
import { type HostKeys, readHostKeys } from './host-keys.ts';
import { signFirst } from './sign-first.ts';
import { algorithmsFor } from './ssh-algorithms.ts';
import { type Authentication, authentication, type Credentials } from './ssh-auth.ts';
import { startOn } from './ssh-channel.ts';
import { connectFault, type Phase, timeoutFault } from './ssh-faults.ts';
import { type Ask, type Keyring, keyring } from './ssh-keys.ts';
import { startShell } from './start.ts';
import { startShellOnTerminal } from './terminal.ts';
import type { ConnectFault, Connection, Transport } from './transport.ts';

export interface SshOptions {
  /** For hosts that name none. */
  readonly defaultUser: string;
  /** The user's home: `~` in key files, and where the defaults below are. */
  readonly home: string;
  readonly env: { readonly SSH_AUTH_SOCK?: string | undefined };
  /** Key files for hosts that name none; default: ~/.ssh/id_ed25519, id_ecdsa, id_rsa. */
  readonly identityFiles?: readonly string[] | undefined;
  /** The first one receives new keys; default: ssh(1)'s own four. */
  readonly knownHostsFiles?: readonly string[] | undefined;
  readonly acceptNewHostKeys: boolean;
  /** `null`: nobody is there to ask. */
  readonly ask: Ask | null;
  /** Milliseconds between two questions whether the host is still there; default 15 s. The fourth in vain is the end. */
  readonly keepalive?: number | undefined;
}

/** Hosts over SSH. Keys, passphrases and known_hosts are read once for all hosts of a run, when the first one connects. */
export function sshTransport(options: SshOptions): Transport {
  let run: Promise<Run> | null = null;
  return {
    connect: async (target) => {
      run ??= prepare(options);
      return connect(target, options, await run);
    },
  };
}

/** What all hosts of a run share. */
interface Run {
  readonly keys: Keyring;
  readonly hostKeys: HostKeys;
  readonly newSession: () => NodeSSH;
}

async function prepare(options: SshOptions): Promise<Run> {
  const hostKeys = readHostKeys(options.knownHostsFiles ?? knownHostsOf(options.home), options.acceptNewHostKeys);
  const [{ NodeSSH }, keys] = await Promise.all([import('node-ssh'), keyring(options.env.SSH_AUTH_SOCK, options.ask)]);
  return { keys, hostKeys, newSession: () => new NodeSSH() };
}

async function connect(given: Target, options: SshOptions, run: Run): Promise<Connection> {
  const target = { port: 22, connectTimeout: 20, ...given };
  const user = target.user ?? options.defaultUser;
  const auth = await authentication(credentials(target, user, options), run.keys);
  const { ssh, client, cause } = await handshake(target, user, auth, run, options.keepalive ?? 15_000);
  const starts = { plain: startOn(client, cause), terminal: startOn(client, cause, true) };
  const patience = target.connectTimeout;
  let wantsTerminal = false;
  let closed: Promise<void> | null = null;
  return {
    shell: async (program, output) => {
      const { become } = target;
      const nonce = randomBytes(12).toString('hex');
      const onTerminal = (user: Become) =>
        startShellOnTerminal(starts, { program, become: user, nonce, patience }, output);
      if (wantsTerminal && become !== undefined) return onTerminal(become);
      const start = launch(program, become, nonce);
      try {
        return await startShell(starts.plain, start, output, patience);
      } catch (fault) {
        // Only root can open the other user's FIFOs.
        if (become?.user !== 'root' || start.gate?.wantsTerminal !== true) throw fault;
        wantsTerminal = true;
        return onTerminal(become);
      }
    },
    close: () => {
      closed ??= close(ssh, client);
      return closed;
    },
  };
}

interface Established {
  readonly ssh: NodeSSH;
  readonly client: Client;
  /** Why the connection broke, as far as is known; `null` while it stands. */
  readonly cause: () => string | null;
}

/**
 * From the TCP connection to the accepted user. It listens to ssh2's client itself: node-ssh takes any error for the end,
 * also that of an ssh-agent key after which others follow, and leaves later errors unheard. The socket is ours, because
 * TCP_NODELAY must be set before the first packet.
 */
function handshake(
  target: Target & { port: number; connectTimeout: number },
  user: string,
  auth: Authentication,
  run: Run,
  keepalive: number,
): Promise<Established> {
  return new Promise((resolve, reject) => {
    let phase: Phase = 'tcp';
    let cause: string | null = null;
    let provenKey: Buffer | null = null;
    const offers: string[] = [];
    const { address: host, port } = target;
    const socket = createConnection({ host, port, noDelay: true, keepAlive: true });

    const giveUp = (fault: ConnectFault) => {
      limit.cancel();
      socket.destroy();
      reject(fault);
    };
    const limit = deadline(target.connectTimeout, () => giveUp(timeoutFault(phase, target)));
    const failed = (error: Error & { level?: unknown }) => {
      // ssh2 goes on with the next key.
      if (error.level === 'agent') return;
      cause ??= error.level === 'client-timeout' ? 'the host stopped answering' : error.message;
      giveUp(connectFault(error, phase, target, auth, offers));
    };
    // For the life of the socket: an error of which ssh2 hears nothing must not end the process.
    socket.on('error', failed);

    socket.once('connect', () => {
      phase = 'greeting';
      const ssh = run.newSession();
      const attempt = ssh.connect({
        sock: socket,
        username: user,
        authHandler: auth.handler(limit),
        algorithms: algorithmsFor(target, run.hostKeys.known.types(host, port)),
        hostVerifier: (key: Buffer) => {
          provenKey = key;
          const fault = run.hostKeys.judge(host, port, key);
          if (fault !== null) giveUp(fault);
          return fault === null;
        },
        readyTimeout: 0,
        keepaliveInterval: keepalive,
        keepaliveCountMax: 3,
        debug: (note) => {
          if (phase === 'greeting' && note.startsWith('Remote ident')) phase = 'key-exchange';
          if (phase !== 'key-exchange') return;
          const offer = /^Handshake: \(remote\) (KEX method|Host key format|C->S cipher|C->S MAC): (.*)/.exec(note);
          if (offer) offers.push(`${offer[1]} ${offer[2]}`);
        },
      });
      attempt.catch(failed);
      const client = ssh.connection;
      // Only a configuration that ssh2 refuses leaves none, and then `attempt` says so.
      if (client === null) return;
      client.on('error', failed);
      client.on('handshake', () => {
        if (phase === 'authentication') return;
        phase = 'authentication';
        const fault = provenKey === null ? null : run.hostKeys.proved(host, port, provenKey);
        if (fault !== null) return giveUp(fault);
        signFirst(client);
      });
      client.on('close', () => {
        cause ??= 'the host closed the connection';
        giveUp(connectFault(new Error('the host closed the connection'), phase, target, auth, offers));
      });
      client.on('ready', () => {
        limit.cancel();
        resolve({ ssh, client, cause: () => cause });
      });
    });
  });
}

async function close(ssh: NodeSSH, client: Client): Promise<void> {
  if (ssh.connection === null) return;
  await new Promise<void>((resolve) => {
    const patience = setTimeout(() => {
      client.destroy();
      resolve();
    }, 1000);
    client.once('close', () => {
      clearTimeout(patience);
      resolve();
    });
    ssh.dispose();
  });
}

function credentials(target: Target, user: string, { home, identityFiles }: SshOptions): Credentials {
  const expand = (path: string) => (path.startsWith('~/') ? join(home, path.slice(2)) : path);
  return {
    target,
    user,
    identityFiles: (identityFiles ?? DEFAULT_KEYS).map(expand),
    keyFile: target.privateKeyFile === undefined ? undefined : expand(target.privateKeyFile),
  };
}

const DEFAULT_KEYS = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];

function knownHostsOf(home: string): readonly string[] {
  return [
    join(home, '.ssh/known_hosts'),
    join(home, '.ssh/known_hosts2'),
    '/etc/ssh/ssh_known_hosts',
    '/etc/ssh/ssh_known_hosts2',
  ];
}
