import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chromeTrace, type TraceEvent } from '../../src/report/trace.ts';

/** Steps that begin and end in any order, as those of a host do whose connection breaks meanwhile. */
const moves = fc.array(
  fc.oneof(
    fc.record({ host: fc.constantFrom('a', 'b'), begin: fc.constantFrom('probe', 'connect', 'commit') }),
    fc.record({ end: fc.nat(20) }),
  ),
  { maxLength: 40 },
);

test('every lane is well nested, whatever overlaps, and in the order of time', () => {
  fc.assert(
    fc.property(moves, (all) => {
      const events: TraceEvent[] = [];
      let time = 0;
      const trace = chromeTrace(
        () => time,
        (event) => void events.push(event),
      );
      const ends: (() => void)[] = [];
      for (const move of all) {
        time += 1;
        if ('begin' in move) ends.push(trace.lane(move.host)(move.begin));
        else ends[move.end]?.();
      }
      trace.finish();

      const open = new Map<number, string[]>();
      let last = 0;
      for (const { name, ph, tid, ts } of events) {
        if (ph === 'M') continue;
        expect(ts).toBeGreaterThanOrEqual(last);
        last = ts;
        const stack = open.get(tid) ?? [];
        open.set(tid, stack);
        if (ph === 'B') stack.push(name);
        else expect(stack.pop()).toBe(name);
      }
      for (const stack of open.values()) expect(stack).toEqual([]);
      expect(events.filter(({ ph }) => ph === 'B')).toHaveLength(all.filter((move) => 'begin' in move).length);
    }),
  );
});

test('each host has one lane, and a step the figures that it ends with', () => {
  const events: TraceEvent[] = [];
  const trace = chromeTrace(
    () => 0,
    (event) => void events.push(event),
  );
  trace.lane('b')('probe')({ sent: 10, received: 3 });
  trace.lane('a')('probe')();
  trace.lane('b')('confirm')();
  const named = events.filter(({ name }) => name === 'thread_name').map(({ tid, args }) => [args?.name, tid]);
  expect(named).toEqual([
    ['all hosts', 1],
    ['b', 2],
    ['a', 3],
  ]);
  expect(events.filter(({ ph }) => ph === 'E')).toMatchObject([
    { name: 'probe', tid: 2, args: { sent: 10, received: 3 } },
    { name: 'probe', tid: 3 },
    { name: 'confirm', tid: 2 },
  ]);
});
