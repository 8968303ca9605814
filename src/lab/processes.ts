import { readdirSync, readFileSync } from 'node:fs';

/** Ends all that runs on a host of the lab, what has left its session too: by the environment that every program of it has. */
export function endProcesses(root: string): void {
  // What was just forked is seen the next time.
  for (let round = 0; round < 5; round += 1) {
    const found = processesOf(root);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
  }
}

/** The numbers of all that runs on a host of the lab. */
export function processesOf(root: string): readonly number[] {
  const mark = `LAB_ROOT=${root}`;
  return pids().filter((pid) => environmentOf(pid).includes(mark));
}

function pids(): readonly number[] {
  try {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 1 && pid !== process.pid);
  } catch {
    // A machine without it.
    return [];
  }
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
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
