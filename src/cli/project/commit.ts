import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/** The commit that is checked out where an inventory is, a folder or a file; null where git is not there, or has none. */
export function commitOf(inventory: string): string | null {
  return commitIn(inventory) ?? commitIn(dirname(inventory));
}

function commitIn(folder: string): string | null {
  const { stdout } = spawnSync('git', ['-C', folder, 'rev-parse', '--verify', 'HEAD'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: PATIENCE,
  });
  const commit = (stdout ?? '').trim();
  return /^[0-9a-f]{40,64}$/.test(commit) ? commit : null;
}

/** Milliseconds. */
const PATIENCE = 5000;
