import type { Client } from 'ssh2';
import { deadline } from './deadline.ts';
import { quickGroupExchange } from './group-exchange.ts';
import { keyType } from './known-hosts.ts';
import { algorithmsFor } from './ssh-algorithms.ts';
import { connectFault, firstPhase, type Phase, timeoutFault } from './ssh-faults.ts';
import type { SshSettings } from './ssh-settings.ts';
import type { OpenStream, SshStream } from './ssh-stream.ts';
import { ConnectFault } from './transport.ts';

/**
 * The host keys of a host in SSH wire format, one of each type that it has and that we would believe it by, the one it
 * would be asked for first at the beginning. Each was proved: the host has signed a key exchange with it (RFC 4253 8).
 * Nobody logs in. Rejects with a {@link ConnectFault}, also when only one of the keys cannot be had.
 */
export async function scanHostKeys(settings: SshSettings, open: OpenStream): Promise<readonly Buffer[]> {
  const { default: ssh2 } = await import('ssh2');
  const accepted = hostKeyAlgorithms(settings);
  const prove = (algorithms: readonly string[]) => proveKey(new ssh2.Client(), settings, open, algorithms);
  const first = await prove(accepted);
  const keys = [first.key];
  for (const type of new Set(accepted.filter((each) => first.offered.includes(each)).map(typeOf))) {
    if (type === keyType(first.key)) continue;
    const { key } = await prove(accepted.filter((each) => typeOf(each) === type)).catch((fault: unknown) => {
      if (!(fault instanceof ConnectFault)) throw fault;
      throw new ConnectFault(fault.code, `its ${type} key: ${fault.message}`, fault.fix, { passing: fault.passing });
    });
    keys.push(key);
  }
  return keys;
}

function hostKeyAlgorithms(settings: SshSettings): readonly string[] {
  const { serverHostKey } = algorithmsFor(settings, []);
  return Array.isArray(serverHostKey) ? serverHostKey : [];
}

/** Of the key that an algorithm signs with (RFC 8332). */
function typeOf(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

interface Proved {
  readonly key: Buffer;
  /** The algorithms for host keys that the host offers. */
  readonly offered: readonly string[];
}

/** One key exchange, for which only these algorithms are offered; the connection ends when the host has signed it. */
function proveKey(
  client: Client,
  settings: SshSettings,
  open: OpenStream,
  serverHostKey: readonly string[],
): Promise<Proved> {
  return new Promise((resolve, reject) => {
    let phase: Phase = firstPhase(settings);
    let stream: SshStream | null = null;
    let shown: Buffer | null = null;
    let offered: readonly string[] = [];
    const offers: string[] = [];
    const given = new AbortController();
    const subject = { settings, isJumpHost: false };

    const over = () => {
      limit.cancel();
      given.abort();
    };
    const giveUp = (fault: ConnectFault) => {
      over();
      stream?.duplex.destroy();
      reject(fault);
    };
    const limit = deadline(settings.connectTimeout, () => giveUp(timeoutFault(phase, subject)));
    const nobodyLogsIn = () => new ConnectFault('authentication', 'a scan does not log in');
    const failed = (error: Error) =>
      giveUp(
        stream?.broken() ?? unproved(error, settings) ?? connectFault(error, phase, subject, nobodyLogsIn, offers),
      );

    const found = () => {
      phase = 'tcp';
    };
    open(given.signal, found).then(begin, failed);

    function begin(opened: SshStream): void {
      if (given.signal.aborted) return void opened.duplex.destroy();
      phase = 'greeting';
      stream = opened;
      opened.duplex.on('error', failed);
      client.on('error', failed);
      client.on('close', () => failed(new Error('the host closed the connection')));
      // ssh2 says this when it has verified the signature, and before it asks to log in.
      client.on('handshake', () => {
        if (shown === null) return;
        over();
        client.end();
        opened.duplex.destroy();
        resolve({ key: shown, offered });
      });
      try {
        client.connect({
          sock: opened.duplex,
          username: settings.user,
          authHandler: () => false,
          algorithms: { ...algorithmsFor(settings, []), serverHostKey: [...serverHostKey] as never },
          hostVerifier: (key: Buffer) => {
            shown = Buffer.from(key);
            return true;
          },
          readyTimeout: 0,
          debug: (note) => {
            if (phase === 'greeting' && note.startsWith('Remote ident')) phase = 'key-exchange';
            const offer = /^Handshake: \(remote\) (KEX method|Host key format|C->S cipher|C->S MAC): (.*)/.exec(note);
            if (!offer) return;
            offers.push(`${offer[1]} ${offer[2]}`);
            if (offer[1] === 'Host key format') offered = (offer[2] ?? '').split(',');
          },
        });
      } catch (error) {
        failed(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      quickGroupExchange(client, settings.profile === 'el5' ? 1024 : 2048);
    }
  });
}

/** Who shows a key and cannot sign with it has only copied it. */
function unproved(error: Error, { hostName, port }: SshSettings): ConnectFault | null {
  if (
    !/signature verification failed|Wrong signature type|Malformed signature|does not match negotiated type/.test(
      error.message,
    )
  )
    return null;
  return new ConnectFault(
    'host-key-unknown',
    `${hostName} port ${port} shows a host key and does not prove that it holds it`,
    'Somebody may be listening in between: it is not the host that answers, or its sshd is broken.',
  );
}
