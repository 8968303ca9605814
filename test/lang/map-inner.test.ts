import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mapInner } from '../../src/lang/map-inner.ts';

test('what nothing is changed in is the very same, and nothing given is altered', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const before = structuredClone(value);
      expect(mapInner(value, (inner) => inner)).toBe(value);
      const shouted = (inner: unknown): unknown => (typeof inner === 'string' ? `${inner}!` : mapInner(inner, shouted));
      const changed = mapInner([value], shouted);
      expect(JSON.parse(JSON.stringify(changed))).toEqual([
        JSON.parse(JSON.stringify(value), (_, inner) => (typeof inner === 'string' ? `${inner}!` : inner)),
      ]);
      expect(value).toEqual(before);
    }),
  );
});

test('keys keep their order and are told, also those that objects have of themselves', () => {
  const value = JSON.parse('{ "b": 1, "__proto__": 2, "a": [3, 4] }');
  const keys: unknown[] = [];
  const number = (inner: unknown, key: unknown): unknown => {
    keys.push(key);
    return typeof inner === 'number' ? -inner : mapInner(inner, number);
  };
  expect(JSON.stringify(mapInner(value, number))).toBe('{"b":-1,"__proto__":-2,"a":[-3,-4]}');
  expect(keys).toEqual(['b', '__proto__', 'a', 0, 1]);
});
