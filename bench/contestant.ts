import type { Fleet } from '../test/support/fleet.ts';
import { router } from './hosts.ts';
import type { Measured } from './measure.ts';

/** The steps of a round, in this order, on hosts that are fresh when it begins. */
export type Step = 'check' | 'first apply' | 'no-op apply';
export const STEPS: readonly Step[] = ['check', 'first apply', 'no-op apply'];

/** One way to do the work. `run` throws where it was not done, or was done where nothing was to do. */
export interface Contestant {
  readonly name: string;
  readonly steps: readonly Step[];
  /** It takes part in the first rounds only: it is slow, and what is asked of it is no fine difference. */
  readonly rounds?: number;
  run(step: Step): Promise<Measured>;
}

export interface Arena {
  readonly fleet: Fleet;
  /** How many of its hosts take part: gw1 to this one. */
  readonly count: number;
  /** A folder for the contestant's files. */
  readonly dir: string;
  /** The ports of 127.0.0.1 behind which the hosts are, in their order. Default: port 22 of their own addresses. */
  readonly ports?: readonly number[];
}

/** Where a client connects to for a host, and what known_hosts calls that. */
export function door({ ports }: Arena, index: number): { address: string; port: number; known: string } {
  const port = ports?.[index];
  if (port !== undefined) return { address: '127.0.0.1', port, known: `[127.0.0.1]:${port}` };
  const { address } = router(index);
  return { address, port: 22, known: address };
}

export function fault(who: string, step: Step, why: string, { code, stdout, stderr }: Measured): Error {
  return new Error(`${who}, ${step}: ${why} (exit ${code})\n${stdout}\n${stderr}`);
}
