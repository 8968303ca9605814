import { inParallel } from '../../engine/parallel.ts';
import type { Settlement } from '../../engine/transaction/settlement.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { Settled } from './runs-on-hosts.ts';

/** A run on one host, which stands there and is not confirmed. */
export interface StandingRun {
  readonly host: string;
  readonly own: Pick<Settlement, 'hold' | 'verified' | 'confirm'>;
}

/**
 * Confirms a run on all of its hosts or on none. First each is asked whether it still stands, then all are told that the
 * others do, and only then are they confirmed. `settled` hears what became of a host.
 *
 * `went back`: one of them did so meanwhile. `not told`: one fell silent before all knew of each other, so that none is
 * confirmed; those that know of it keep the new state only if the tunnels work, which they do not once the silent one has
 * gone back.
 */
export async function keepEverywhere(
  runs: readonly StandingRun[],
  forks: number,
  settled: (host: string, outcome: Settled) => void,
): Promise<'kept' | 'went back' | 'not told'> {
  const everywhere = async (tell: (run: StandingRun) => Promise<boolean>) => {
    const answers = new Set<'told' | 'not told' | 'went back'>();
    await inParallel(runs, forks, async (run) => {
      const silence = await orSilence(async () => {
        answers.add((await tell(run)) ? 'told' : 'went back');
        return null;
      });
      if (silence === null) return;
      answers.add('not told');
      settled(run.host, silence);
    });
    return answers.has('went back') ? 'went back' : answers.has('not told') ? 'not told' : 'all';
  };
  // A sign of life first: until all are told, none of them may lose its patience.
  for (const step of ['hold', 'verified'] as const) {
    const answer = await everywhere(({ own }) => own[step]());
    if (answer !== 'all') return answer;
  }
  const answer = await everywhere(async ({ host, own }) => {
    const isKept = await own.confirm();
    if (isKept) settled(host, { state: 'confirmed', error: null });
    return isKept;
  });
  return answer === 'went back' ? answer : 'kept';
}

/** What becomes known, or that the host cannot be asked. */
export async function orSilence(ask: () => Promise<Settled | null>): Promise<Settled | null> {
  try {
    return await ask();
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    return { state: 'unknown', error: { code: fault.code, message: fault.message } };
  }
}
