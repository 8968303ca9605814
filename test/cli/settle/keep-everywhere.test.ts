import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keepEverywhere } from '../../../src/cli/settle/keep-everywhere.ts';
import type { Settled } from '../../../src/cli/settle/runs-on-hosts.ts';
import { ConnectFault } from '../../../src/transport/transport.ts';

type Step = 'hold' | 'verified' | 'confirm';
type Answer = 'yes' | 'no' | 'silent';

/** Hosts that answer each step as told, and what they were asked, in order. */
async function asked(hosts: readonly Readonly<Record<Step, Answer>>[]) {
  const calls: Step[] = [];
  const outcomes = new Map<string, Settled>();
  const runs = hosts.map((answers, index) => {
    const ask = (step: Step) => async () => {
      calls.push(step);
      if (answers[step] === 'silent') throw new ConnectFault('lost', 'silent');
      return answers[step] === 'yes';
    };
    return { host: `h${index}`, own: { hold: ask('hold'), verified: ask('verified'), confirm: ask('confirm') } };
  });
  const end = await keepEverywhere(runs, 4, (host, outcome) => outcomes.set(host, outcome));
  return { end, calls, outcomes };
}

const answer = fc.constantFrom<Answer>('yes', 'yes', 'yes', 'no', 'silent');
const host = fc.record({ hold: answer, verified: answer, confirm: answer });

describe('a run is kept on all hosts or on none', () => {
  test('none is confirmed before all have said that they stand, and know it of each other', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(host, { minLength: 1, maxLength: 5 }), async (hosts) => {
        const { end, calls } = await asked(hosts);
        const all = (step: Step) => hosts.every((each) => each[step] === 'yes');
        expect(calls.includes('confirm')).toBe(all('hold') && all('verified'));
        expect(calls.includes('verified')).toBe(all('hold'));
        const order = ['hold', 'verified', 'confirm'];
        const numbers = calls.map((step) => order.indexOf(step));
        expect(numbers).toEqual([...numbers].sort());
        if (end === 'kept') expect(hosts.every(({ confirm }) => confirm !== 'no')).toBe(true);
        if (end === 'not told') expect(calls).not.toContain('confirm');
      }),
    );
  });

  test('who does not answer is said', async () => {
    const fine = { hold: 'yes', verified: 'yes', confirm: 'yes' } as const;
    const { end, outcomes } = await asked([fine, { ...fine, confirm: 'silent' }]);
    expect(end).toBe('kept');
    expect(outcomes.get('h0')).toEqual({ state: 'confirmed', error: null });
    expect(outcomes.get('h1')?.error?.code).toBe('lost');
    expect((await asked([fine, { ...fine, verified: 'silent' }])).end).toBe('not told');
    expect((await asked([fine, { ...fine, hold: 'no' }])).end).toBe('went back');
  });
});
