import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/engine/canonical.ts';
import { resourceTexts } from '../../src/engine/resource-texts.ts';
import { fileResource, HostState, resourceKind } from '../../src/model/host-state.ts';
import { Secret } from '../../src/model/secret.ts';

describe('a value as text', () => {
  test.each([
    ['keys in another order', { a: 1, b: [2] }, { b: [2], a: 1 }],
    ['a list in another order', [1, 2], [2, 1]],
    [
      'a map in another order',
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['b', 2],
        ['a', 1],
      ]),
    ],
    ['a set in another order', new Set(['a', 'b']), new Set(['b', 'a'])],
    ['a secret', new Secret('x'), new Secret('x')],
  ])('is the same for %s', (_, one, other) => {
    expect(canonical(one)).toBe(canonical(other));
  });

  test.each([
    ['maps', new Map([['a', 1]]), new Map([['a', 2]])],
    ['a map and nothing in it', new Map([['a', 1]]), new Map()],
    ['a map and an object', new Map([['a', 1]]), { a: 1 }],
    ['secrets', new Secret('x'), new Secret('y')],
    ['a secret and its text', new Secret('x'), 'x'],
    ['nothing and null', undefined, null],
    ['a number and its text', 1, '1'],
    ['texts with a comma in them', ['a', 'b'], ['a,b']],
    ['objects', { a: undefined }, {}],
  ])('is another one for other %s', (_, one, other) => {
    expect(canonical(one)).not.toBe(canonical(other));
  });
});

test('a host: files by their path, all else by kind and name, and nothing that only this run knows', () => {
  const state = HostState.empty
    .with(fileResource, '/etc/motd', { kind: 'absent' })
    .with(resourceKind<string>('package'), 'ipsec-tools', '0.8')
    .with(resourceKind<true>('command', 'run'), 'x', true);
  expect([...resourceTexts(state).keys()]).toEqual(['/etc/motd', 'package ipsec-tools']);
});
