import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { needs } from './needs.ts';

/** True when this machine can run a fleet. Where it cannot, says so in one line; in CI that is a failure. */
export function canRunFleet(...more: readonly string[]): boolean {
  if (!needs('root', ...PROGRAMS, ...more)) return false;
  trial ??= spawnSync('unshare', ['--net', '--mount', '--pid', '--fork', 'sh', '-ec', TRIAL], { encoding: 'utf8' });
  if (trial.status === 0) return true;
  const message = `skipped: no namespaces of its own on this machine (${trial.stderr.trim()})`;
  if (process.env.CI === 'true') throw new Error(message);
  console.warn(message);
  return false;
}

const PROGRAMS = ['ip', 'unshare', 'nsenter', 'mount', 'pivot_root', 'sshd', 'ssh-keygen', 'sudo', 'flock'];

/** A container without CAP_SYS_ADMIN, or a kernel without these devices, ends here. */
const TRIAL = `ip link add name br0 type bridge
ip link add name one type veth peer name other
mount -t proc proc /proc`;

let trial: SpawnSyncReturns<string> | undefined;
