import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Connection, ParsedKey, ServerChannel, Session } from 'ssh2';
import { type Child, runOnChannel } from './run-on-channel.ts';

export interface LabServerOptions {
  /** Private key of the host, in OpenSSH's format. */
  readonly hostKey: string;
  /** The one key that may log in, as any user. */
  readonly authorizedKey: ParsedKey;
  /** The shell that stands for the login shell of every user: `sh`, called as `sh -c COMMAND`. */
  readonly shell: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface LabServer {
  readonly port: number;
  /** Ends every connection, and what runs over it. */
  disconnect(): Promise<void>;
  /** Takes no more connections and ends those there are. */
  close(): Promise<void>;
}

/** An SSH server on loopback for one host of the lab. Everything but the root is real: handshake, key, shell, streams. */
export async function startServer(options: LabServerOptions): Promise<LabServer> {
  const { default: ssh2 } = await import('ssh2');
  const clients = new Set<Connection>();
  const children = new Set<Child>();

  const server = new ssh2.Server({ hostKeys: [options.hostKey], ident: 'ipsec-play-lab' }, (client) => {
    clients.add(client);
    client.on('close', () => clients.delete(client));
    // A connection that breaks is an everyday thing for a server; 'close' follows.
    client.on('error', () => {});
    client.on('authentication', (attempt) => {
      if (attempt.method !== 'publickey') return attempt.reject(['publickey']);
      const { authorizedKey: key } = options;
      const known = attempt.key.algo === key.type && attempt.key.data.equals(key.getPublicSSH());
      const proved =
        attempt.signature === undefined ||
        (attempt.blob !== undefined && key.verify(attempt.blob, attempt.signature, attempt.hashAlgo) === true);
      return known && proved ? attempt.accept() : attempt.reject(['publickey']);
    });
    client.on('session', (accept) => serveSession(accept(), options, children));
  });

  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    server.injectSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(0, '127.0.0.1', resolve);
  });
  const { port } = listener.address() as AddressInfo;

  const disconnect = async (): Promise<void> => {
    for (const client of clients) client.end();
    await Promise.all([...children].map((child) => child.stop()));
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    disconnect,
    close: async () => {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      await disconnect();
      await closed;
    },
  };
}

function serveSession(session: Session, options: LabServerOptions, children: Set<Child>): void {
  let running: Child | null = null;
  const run = (channel: ServerChannel, words: readonly string[]): void => {
    const [program, ...shellArguments] = options.shell;
    const child = runOnChannel(channel, program, [...shellArguments, ...words], { cwd: options.cwd, env: options.env });
    running = child;
    children.add(child);
    void child.ended.then(() => children.delete(child));
  };
  // A terminal is granted and not made: what runs here asks nothing of one.
  session.on('pty', (accept) => accept?.());
  session.on('env', (accept) => accept?.());
  session.on('signal', (accept, _reject, info) => {
    running?.signal(info.name);
    accept?.();
  });
  session.on('exec', (accept, _reject, info) => run(accept(), ['-c', info.command]));
  session.on('shell', (accept) => run(accept(), []));
  // No SFTP: the engine has none of it either.
  session.on('subsystem', (_accept, reject) => reject?.());
}
