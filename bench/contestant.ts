import type { Fleet } from '../test/support/fleet.ts';
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
}

export function fault(who: string, step: Step, why: string, { code, stdout, stderr }: Measured): Error {
  return new Error(`${who}, ${step}: ${why} (exit ${code})\n${stdout}\n${stderr}`);
}
