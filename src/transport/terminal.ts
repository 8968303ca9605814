import { afterExit } from './after-exit.ts';
import { type Become, launchOnTerminal } from './become.ts';
import { commandLine, viaStdin } from './command-line.ts';
import { type Process, type Start, startShell } from './start.ts';
import { ConnectFault, type Shell, type ShellOutput } from './transport.ts';

/**
 * A shell for root through a su or sudo that insists on a terminal (`requiretty`, "standard in must be a tty": RHEL 4 to
 * 6). A terminal merges the outputs, changes bytes and knows no end of input, so it carries the password dialogue only. A
 * second process of the user who logged in, without a terminal, carries the data: it makes three FIFOs in a folder of its
 * own, to which the program that root runs connects itself, removing them at once.
 */
export async function startShellOnTerminal(
  starts: { readonly plain: Start; readonly terminal: Start },
  request: { readonly program: string; readonly become: Become; readonly nonce: string; readonly patience: number },
  output: ShellOutput,
): Promise<Shell> {
  const { program, become, nonce, patience } = request;
  const relay = await startRelay(starts.plain, nonce, output);
  const { text, lead } = viaStdin(program);
  const connect = `exec <${relay.dir}/in >${relay.dir}/out 2>${relay.dir}/err; rm -rf ${relay.dir}; ${text}`;
  let dialogue: Shell;
  try {
    dialogue = await startShell(
      (command, events) => starts.terminal(command, { ...events, stdout: events.stderr }),
      launchOnTerminal(connect, become, nonce),
      { stdout: () => {}, stderr: (bytes) => output.stderr(bytes.replaceAll('\r\n', '\n')) },
      patience,
    );
  } catch (fault) {
    relay.started.abandon();
    throw fault;
  }
  // The FIFOs are opened only now: opening one waits for the other side, and a refused root never comes.
  relay.started.write(`go\n${lead}`, () => {});

  let over = false;
  const ended = (async () => {
    const end = await dialogue.ended;
    over = true;
    if (end.kind === 'lost') relay.started.abandon();
    else {
      relay.started.end();
      relay.programEnded();
      await relay.ended;
    }
    return end;
  })();
  let closed = false;
  return {
    write: async (bytes) => {
      if (bytes === '' || closed || over) return;
      await Promise.race([new Promise<void>((resolve) => relay.started.write(bytes, resolve)), ended]);
    },
    end: () => {
      if (closed || over) return;
      closed = true;
      relay.started.end();
    },
    ended,
  };
}

interface Relay {
  readonly started: Process;
  readonly dir: string;
  readonly ended: Promise<void>;
  /** From now on, silence is the end. */
  programEnded(): void;
}

async function startRelay(start: Start, nonce: string, output: ShellOutput): Promise<Relay> {
  let said = '';
  let dir: string | null = null;
  let hasEnded: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    hasEnded = resolve;
  });
  const silence = afterExit(() => hasEnded());
  let ready: (dir: string) => void = () => {};
  let failed: (fault: ConnectFault) => void = () => {};
  const prepared = new Promise<string>((resolve, reject) => {
    ready = resolve;
    failed = reject;
  });
  prepared.catch(() => {});
  const announced = new RegExp(`${nonce} (/[\\w./-]+)\\n`);

  const started = await start(commandLine(relayProgram(nonce)).command, {
    stdout: (bytes) => {
      silence.heard();
      if (dir !== null) return output.stdout(bytes);
      said += bytes;
      const found = announced.exec(said);
      if (!found?.[1]) return;
      dir = found[1];
      ready(dir);
    },
    stderr: (bytes) => {
      silence.heard();
      if (dir === null) said += bytes;
      else output.stderr(bytes);
    },
    ended: (end) => {
      silence.cancel();
      hasEnded();
      failed(
        end.kind === 'lost'
          ? new ConnectFault('lost', `the connection was lost: ${end.why}`)
          : new ConnectFault(
              'become',
              `FIFOs in /tmp, for becoming root without a terminal, cannot be made: ${said.trim()}`,
            ),
      );
    },
  });
  return { started, dir: await prepared, ended, programEnded: silence.exited };
}

/** Until it is told to go it waits for that alone, so that closing its stdin is enough to be rid of it. */
function relayProgram(nonce: string): string {
  return `umask 077
d=$(mktemp -d /tmp/ipsec-play.XXXXXX) || exit 96
trap 'rm -rf "$d"' 0
trap 'exit 1' 1 2 13 15
mkfifo "$d/in" "$d/out" "$d/err" || exit 96
echo "${nonce} $d"
read go || exit 0
cat "$d/out" &
cat "$d/err" >&2 &
cat > "$d/in"
wait`;
}
