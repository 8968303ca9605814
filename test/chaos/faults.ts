import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Running } from './command-line.ts';
import type { PairHost } from './pair.ts';

/** One thing that goes wrong at one moment. */
export type FaultKind =
  | 'cut the connection'
  | 'cut the network for a while'
  | 'let nothing through for a while'
  | 'kill the sshd session'
  | 'kill the controller'
  | 'stop the controller with ^C'
  | 'kill the script'
  | 'kill the script and all below it'
  | 'kill the watchdog'
  | 'reboot the host';

export const FAULTS: readonly [FaultKind, ...FaultKind[]] = [
  'cut the connection',
  'cut the network for a while',
  'let nothing through for a while',
  'kill the sshd session',
  'kill the controller',
  'stop the controller with ^C',
  'kill the script',
  'kill the script and all below it',
  'kill the watchdog',
  'reboot the host',
];

export interface Moment {
  readonly host: PairHost;
  readonly run: Running;
  /** Milliseconds, for what lasts. */
  readonly lasting: number;
}

export async function commit(kind: FaultKind, { host, run, lasting }: Moment): Promise<void> {
  switch (kind) {
    case 'cut the connection':
      return host.wire.cut();
    case 'cut the network for a while':
      return host.wire.outage(lasting);
    case 'let nothing through for a while':
      return host.wire.silence(lasting);
    case 'kill the sshd session':
      for (const pid of host.processes()) if (!isOfRun(pid)) kill(pid);
      return;
    case 'kill the controller':
      run.kill('SIGKILL');
      return;
    case 'stop the controller with ^C':
      run.kill('SIGINT');
      return;
    case 'kill the script':
    case 'kill the script and all below it':
      for (const pid of [...marked(host, 'runner.pid'), ...marked(host, 'restore.pid')]) {
        kill(kind === 'kill the script' ? pid : -pid);
      }
      return;
    case 'kill the watchdog':
      for (const pid of marked(host, 'keeper.pid')) kill(-pid);
      return;
    case 'reboot the host':
      // Nobody answers while it boots.
      host.wire.outage(60_000);
      await host.reboot();
      return host.wire.mend();
  }
}

/** It outlives the session; see processes.ts of the engine. */
function isOfRun(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes('\0IPSEC_PLAY_RUN=');
  } catch {
    return false;
  }
}

function marked({ root }: PairHost, name: string): readonly number[] {
  const runs = join(root, 'var/lib/ipsec-play/runs');
  try {
    return readdirSync(runs).flatMap((id) => {
      try {
        const pid = Number.parseInt(readFileSync(join(runs, id, name), 'utf8'), 10);
        return pid > 1 ? [pid] : [];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
