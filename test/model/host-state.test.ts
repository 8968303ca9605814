import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HostState, resourceKind } from '../../src/model/host-state.ts';

const kind = resourceKind<number>('thing');
const resources = fc.array(fc.tuple(fc.nat(300).map(String), fc.nat()), { maxLength: 12 });

function stateOf(pairs: readonly (readonly [string, number])[]): HostState {
  return HostState.merge(pairs.map(([name, value]) => HostState.empty.with(kind, name, value)));
}

test('states put on top of each other know what a map would, in its order, whatever lies below', () => {
  fc.assert(
    fc.property(fc.nat(400), fc.array(resources, { maxLength: 30 }), (size, layers) => {
      const base = Array.from({ length: size }, (_, index): [string, number] => [String(index), index]);
      const expected = new Map(base);
      let state = stateOf(base);
      for (const layer of layers) {
        const below = state;
        const before = [...below.all(kind)];
        state = state.merge(stateOf(layer));
        for (const [name, value] of layer) expected.set(name, value);
        expect([...below.all(kind)]).toEqual(before);
        expect(state.get(kind, layer[0]?.[0] ?? 'none')).toBe(expected.get(layer[0]?.[0] ?? 'none'));
      }
      expect([...state.all(kind)]).toEqual([...expected]);
      expect([...state.entries()].map(({ name }) => name)).toEqual([...expected.keys()]);
      for (const [name, value] of expected) expect(state.get(kind, name)).toBe(value);
      expect(state.get(kind, 'none')).toBeUndefined();
    }),
    { numRuns: 40 },
  );
});
