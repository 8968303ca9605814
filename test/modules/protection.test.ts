import { expect, test } from 'vitest';
import type { Policy } from '../../modules/shared/policies.ts';
import { isProtected, policiesFor } from '../../modules/shared/protection.ts';

const traffic = { peer: '203.0.113.2', source: '192.168.1.0/24', destination: '192.168.2.0/24' };
const both = policiesFor(traffic, { mode: 'tunnel' });
const rule = (protocol: string, source: string, destination: string) => ({
  protocol,
  mode: 'tunnel',
  source,
  destination,
});
const policiesWith = (out: Policy['rules'], back: Policy['rules']) =>
  both.map((policy, index) => ({ ...policy, rules: index === 0 ? out : back }));

test('both directions are needed', () => {
  expect(isProtected(both, traffic, {})).toBe(true);
  expect(isProtected(both.slice(0, 1), traffic, {})).toBe(false);
  expect(isProtected(both.slice(1), traffic, {})).toBe(false);
});

test('the protocols and the mode must be those that were asked for', () => {
  expect(isProtected(both, traffic, { mode: 'tunnel', esp: true, ah: true })).toBe(true);
  expect(isProtected(both, traffic, { mode: 'tunnel', esp: true, ah: false })).toBe(false);
  expect(isProtected(both, traffic, { mode: 'transport', esp: true, ah: true })).toBe(false);
});

test('with manual keys each direction may have its own protocol', () => {
  const [a, b] = ['203.0.113.1', '203.0.113.2'];
  const policies = policiesWith([rule('esp', a, b)], [rule('ah', b, a)]);
  expect(isProtected(policies, traffic, { mode: 'tunnel', esp: true, ah: true })).toBe(true);
});

test('a tunnel to another peer is another tunnel', () => {
  const [a, c] = ['203.0.113.1', '203.0.113.9'];
  const elsewhere = policiesWith([rule('esp', a, c)], [rule('esp', c, a)]);
  expect(isProtected(elsewhere, traffic, { mode: 'tunnel', esp: true, ah: false })).toBe(false);
});
