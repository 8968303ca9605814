import type { Client, ClientChannel } from 'ssh2';
import { afterExit } from './after-exit.ts';
import type { Process, ProcessEvents, Start } from './start.ts';
import { ConnectFault, type ShellEnd } from './transport.ts';

/** Starts commands on a connection, each on a channel of its own, on a terminal that does not echo where `terminal` is set. `cause`: why the connection broke, if it did. */
export function startOn(client: Client, cause: () => string | null, terminal = false): Start {
  const refused = (error: Error) => {
    const broken = cause();
    return broken !== null || /not connected|no response/i.test(error.message)
      ? new ConnectFault('lost', `the connection was lost: ${broken ?? error.message}`)
      : new ConnectFault(
          'network',
          `the host starts no command: ${error.message}`,
          "See the user's login shell, and MaxSessions, ForceCommand and PermitTTY in the host's sshd_config.",
        );
  };
  return (command, events) =>
    new Promise((resolve, reject) => {
      try {
        client.exec(command, terminal ? { pty: { modes: { ECHO: 0 } } } : {}, (error, channel) => {
          if (error) reject(refused(error));
          else resolve(processOn(channel, cause, events));
        });
      } catch (error) {
        reject(refused(error as Error));
      }
    });
}

/**
 * ssh2 says 'close' once stdout has ended, whatever stderr does, and says it too, without an exit status, when the
 * connection broke: that alone must never pass for an end.
 */
function processOn(channel: ClientChannel, cause: () => string | null, events: ProcessEvents): Process {
  let end: ShellEnd | null = null;
  let open = 2;
  let over = false;

  const finish = () => {
    if (over) return;
    over = true;
    silence.cancel();
    const why = () => cause() ?? 'the host closed the channel and did not say how the command ended';
    events.ended(end ?? { kind: 'lost', why: why() });
  };
  const silence = afterExit(() => {
    channel.close();
    finish();
  });
  const closed = () => {
    open -= 1;
    if (open === 0) finish();
  };

  channel.on('data', (chunk: Buffer) => {
    silence.heard();
    if (!over) events.stdout(chunk.toString('latin1'));
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    silence.heard();
    if (!over) events.stderr(chunk.toString('latin1'));
  });
  channel.on('exit', (code: number | null, signal?: string) => {
    end = code === null ? { kind: 'signal', signal: signal ?? 'unknown' } : { kind: 'exit', code };
    silence.exited();
  });
  channel.on('close', closed);
  channel.stderr.on('end', closed);
  // Writing to what is closed: how it ended says more.
  channel.on('error', () => {});
  channel.stderr.on('error', () => {});

  return {
    write: (bytes, taken) => {
      channel.write(Buffer.from(bytes, 'latin1'), () => taken());
    },
    end: () => channel.end(),
    abandon: () => channel.close(),
  };
}
