import type { NodeSSH } from 'node-ssh';
import type { Algorithms, Client } from 'ssh2';
import { deadline } from './deadline.ts';
import { gatherWrites } from './gathered-writes.ts';
import { quickGroupExchange } from './group-exchange.ts';
import { withoutHostKeyProofs } from './host-key-proofs.ts';
import type { HostKeys } from './host-keys.ts';
import { signFirst } from './sign-first.ts';
import type { Authentication } from './ssh-auth.ts';
import { connectFault, firstPhase, type Phase, type Subject, timeoutFault } from './ssh-faults.ts';
import type { SshSettings } from './ssh-settings.ts';
import type { OpenStream, SshStream } from './ssh-stream.ts';
import type { ConnectFault, ConnectStep, Leg } from './transport.ts';

/** A connection whose host has proved who it is, and accepted the user. */
export interface SshSession {
  readonly settings: SshSettings;
  readonly client: Client;
  /** Why it broke, as far as is known; `null` while it stands. */
  cause(): string | null;
  /** Never rejects. */
  close(): Promise<void>;
  /** The way to it; null: nobody knows. */
  readonly path: readonly Leg[] | null;
}

export interface Handshake {
  readonly subject: Subject;
  readonly open: OpenStream;
  readonly algorithms: Algorithms;
  readonly auth: Authentication;
  readonly hostKeys: HostKeys;
  readonly newSession: () => NodeSSH;
  /** Told of each phase as it begins. */
  readonly step: ConnectStep;
}

/**
 * From the stream to the accepted user, within the connect timeout. It listens to ssh2's client itself: node-ssh takes any
 * error for the end, also that of an ssh-agent key after which others follow, and leaves later errors unheard.
 */
export function handshake({
  subject,
  open,
  algorithms,
  auth,
  hostKeys,
  newSession,
  step,
}: Handshake): Promise<SshSession> {
  const { settings } = subject;
  const { name: knownAs, port: knownPort } = knownHost(settings);
  return new Promise((resolve, reject) => {
    let phase: Phase = firstPhase(settings);
    step(NAMES[phase]);
    const enter = (next: Phase) => {
      phase = next;
      step(NAMES[next]);
    };
    let cause: string | null = null;
    let isOver = false;
    let stream: SshStream | null = null;
    let provenKey: Buffer | null = null;
    const offers: string[] = [];
    const given = new AbortController();

    const giveUp = (fault: ConnectFault) => {
      isOver = true;
      limit.cancel();
      given.abort();
      stream?.duplex.destroy();
      reject(fault);
    };
    const limit = deadline(settings.connectTimeout, () => giveUp(timeoutFault(phase, subject)));
    const failed = (error: Error & { level?: unknown }) => {
      // ssh2 goes on with the next key.
      if (error.level === 'agent') return;
      cause ??= error.level === 'client-timeout' ? 'the host stopped answering' : error.message;
      if (isOver) return void stream?.duplex.destroy();
      giveUp(stream?.broken() ?? connectFault(error, phase, subject, auth.fault, offers));
    };

    const found = () => {
      enter('tcp');
    };
    open(given.signal, found).then(begin, failed);

    function begin(opened: SshStream): void {
      if (given.signal.aborted) return void opened.duplex.destroy();
      enter('greeting');
      stream = opened;
      // It may have been there for a while, and nobody listened.
      if (opened.duplex.destroyed) {
        failed(opened.duplex.errored ?? new Error('the host closed the connection'));
        return;
      }
      opened.duplex.on('error', failed);
      gatherWrites(opened.duplex);
      const ssh = newSession();
      const attempt = ssh.connect({
        sock: opened.duplex,
        username: settings.user,
        authHandler: auth.handler(limit),
        algorithms,
        hostVerifier: (key: Buffer) => {
          provenKey = key;
          const fault = hostKeys.judge(knownAs, knownPort, key);
          if (fault !== null) giveUp(fault);
          return fault === null;
        },
        readyTimeout: 0,
        keepaliveInterval: settings.keepalive.interval * 1000,
        keepaliveCountMax: settings.keepalive.count,
        debug: (note) => {
          if (phase === 'greeting' && note.startsWith('Remote ident')) enter('key-exchange');
          if (phase !== 'key-exchange') return;
          const offer = /^Handshake: \(remote\) (KEX method|Host key format|C->S cipher|C->S MAC): (.*)/.exec(note);
          if (offer) offers.push(`${offer[1]} ${offer[2]}`);
        },
      });
      attempt.catch(failed);
      const client = ssh.connection;
      // Only a configuration that ssh2 refuses leaves none, and then `attempt` says so.
      if (client === null) return;
      quickGroupExchange(client, settings.profile === 'el5' ? 1024 : 2048);
      withoutHostKeyProofs(client);
      client.on('error', failed);
      client.on('handshake', () => {
        if (phase === 'authentication') return;
        enter('authentication');
        const fault = provenKey === null ? null : hostKeys.proved(knownAs, knownPort, provenKey);
        if (fault !== null) return giveUp(fault);
        signFirst(client);
      });
      client.on('close', () => failed(new Error('the host closed the connection')));
      client.on('ready', () => {
        isOver = true;
        limit.cancel();
        resolve({
          settings,
          client,
          cause: () => (cause === null ? null : (opened.broken()?.message ?? cause)),
          close: once(() => close(ssh, client, opened)),
          path: opened.path,
        });
      });
    }
  });
}

/** As a trace shows them. */
const NAMES: Readonly<Record<Phase, string>> = {
  name: 'name service',
  tcp: 'TCP',
  greeting: 'greeting',
  'key-exchange': 'key exchange',
  authentication: 'authentication',
};

/** As known_hosts files know it: an alias stands without a port (ssh_config(5) HostKeyAlias). */
export function knownHost({ hostKeyAlias, hostName, port }: SshSettings): { name: string; port: number } {
  return hostKeyAlias === null ? { name: hostName, port } : { name: hostKeyAlias, port: 22 };
}

/**
 * The stream is ended by force where the other side does not end it: ssh2 leaves one alone that it has closed itself. That
 * end is a round trip away, and only waited for where others carry the farewell.
 */
async function close(ssh: NodeSSH, client: Client, { duplex, socket }: SshStream): Promise<void> {
  if (ssh.connection === null) return void duplex.destroy();
  const closed = new Promise<void>((resolve) => {
    const patience = setTimeout(() => {
      duplex.destroy();
      resolve();
    }, 1000);
    if (socket !== null) patience.unref();
    client.once('close', () => {
      clearTimeout(patience);
      resolve();
    });
  });
  ssh.dispose();
  if (socket === null) await closed;
  else socket.unref();
}

function once<T>(work: () => T): () => T {
  let done: { value: T } | null = null;
  return () => {
    done ??= { value: work() };
    return done.value;
  };
}
