import { reveal } from '../model/secret.ts';
import type { Launch } from './become.ts';
import { deadline } from './deadline.ts';
import { ConnectFault, type Shell, type ShellEnd, type ShellOutput } from './transport.ts';

/** A process somewhere, as a transport sees it. */
export interface Process {
  /** `taken` is called when the bytes have left our hands; it may never be, when the process ends before. */
  write(bytes: string, taken: () => void): void;
  end(): void;
  /** Lets go of it at once. */
  abandon(): void;
}

export interface ProcessEvents {
  stdout(bytes: string): void;
  stderr(bytes: string): void;
  /** Once, after all output. */
  ended(end: ShellEnd): void;
}

/** Starts a command. Rejects with a {@link ConnectFault}. */
export type Start = (command: string, events: ProcessEvents) => Promise<Process>;

/** Starts a launch's command and sees it through the dialogue with sudo or su, if there is one. */
export async function startShell(start: Start, launch: Launch, output: ShellOutput, patience: number): Promise<Shell> {
  let hasEnded: (end: ShellEnd) => void = () => {};
  const ended = new Promise<ShellEnd>((resolve) => {
    hasEnded = resolve;
  });
  let admit: () => void = () => {};
  let refuse: (fault: ConnectFault) => void = () => {};
  const admitted = new Promise<void>((resolve, reject) => {
    admit = resolve;
    refuse = reject;
  });
  // It may be refused before anybody waits.
  admitted.catch(() => {});

  let closed = launch.gate;
  let started: Process | null = null;
  let prompted = false;
  let over = false;

  const open = () => {
    if (started === null || closed !== null) return;
    if (launch.lead !== '') started.write(launch.lead, () => {});
    admit();
  };
  const answerPrompt = () => {
    if (started === null || !prompted || launch.password?.when !== 'prompted') return;
    prompted = false;
    started.write(reveal(launch.password.line), () => {});
  };

  started = await start(launch.command, {
    stdout: (bytes) => output.stdout(bytes),
    stderr: (bytes) => {
      if (closed === null) return output.stderr(bytes);
      const answer = closed.feed(bytes);
      if (answer.state === 'refused') refuse(answer.fault);
      if (answer.state === 'closed' && answer.prompted) {
        prompted = true;
        answerPrompt();
      }
      if (answer.state !== 'open') return;
      closed = null;
      if (answer.rest !== '') output.stderr(answer.rest);
      open();
    },
    ended: (end) => {
      over = true;
      if (end.kind === 'lost') refuse(new ConnectFault('lost', `the connection was lost: ${end.why}`));
      else if (closed !== null) refuse(closed.ended(end.kind === 'exit' ? end.code : null));
      hasEnded(end);
    },
  });
  if (launch.password?.when === 'at-once') started.write(reveal(launch.password.line), () => {});
  answerPrompt();
  open();

  const limit = deadline(patience, () => {
    if (closed !== null) refuse(closed.timedOut(patience));
  });
  try {
    await admitted;
  } catch (fault) {
    started.abandon();
    throw fault;
  } finally {
    limit.cancel();
  }
  return shellOf(started, ended, () => over);
}

function shellOf(started: Process, ended: Promise<ShellEnd>, over: () => boolean): Shell {
  let closed = false;
  return {
    write: async (bytes) => {
      if (bytes === '' || closed || over()) return;
      await Promise.race([new Promise<void>((resolve) => started.write(bytes, resolve)), ended]);
    },
    end: () => {
      if (closed || over()) return;
      closed = true;
      started.end();
    },
    ended,
  };
}
