import { readdirSync, readFileSync } from 'node:fs';

/** A time for sleep(1) that no other process sleeps. */
export function longTime(): string {
  return `${10_000 + Math.floor(Math.random() * 80_000)}${OURS}`;
}

/** The processes of this machine that sleep so long: their numbers. */
export function sleepers(time: string): number[] {
  return sleeping((slept) => slept === time);
}

/** Ends what a test that failed has left asleep. */
export function wakeSleepers(): void {
  for (const pid of sleeping((slept) => slept.endsWith(OURS))) process.kill(pid, 'SIGKILL');
}

const OURS = `.${process.pid}`;

function sleeping(wanted: (time: string) => boolean): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const [program, time, end] = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
      return program === 'sleep' && end === '' && wanted(time ?? '') ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}
