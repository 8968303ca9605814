import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type IgnoreRule, ignoring, readIgnoreList } from '../../src/inventory/drift-ignore.ts';
import { memoryFiles } from '../../src/inventory/files.ts';
import { DRIFT_KINDS, type DriftItem } from '../../src/model/drift.ts';

const at = { file: 'drift-ignore.yml', line: 2, column: 1, endLine: 2, endColumn: 9 };
const ruleOf = (more: Partial<IgnoreRule>): IgnoreRule => ({
  host: undefined,
  what: undefined,
  tunnel: undefined,
  kind: undefined,
  reason: 'because',
  until: undefined,
  at,
  ...more,
});
const item: DriftItem = {
  host: 'lana',
  kind: 'edited',
  what: '/etc/x',
  tunnel: 'lana-lanb',
  why: '',
  run: null,
  ignored: null,
};
const WHOLE = { hosts: ['lana', 'lanb'], tunnels: ['lana-lanb'], isWhole: true };

describe('an entry', () => {
  test.each([
    [{ host: 'lana' }, true],
    [{ host: 'lan?', what: '/etc/*' }, true],
    [{ tunnel: '*', kind: 'edited' as const }, true],
    [{ host: 'lanb' }, false],
    [{ what: '/etc' }, false],
    [{ host: 'lana', kind: 'kernel' as const }, false],
    [{ tunnel: 'lana' }, false],
  ])('%j', (rule, isIgnored) => {
    const { items, diagnostics } = ignoring([item], [ruleOf(rule)], '2026-11-22', WHOLE);
    expect(items[0]?.ignored).toEqual(isIgnored ? { reason: 'because', at } : null);
    expect(diagnostics.map(({ code }) => code)).toEqual(
      isIgnored ? [] : 'tunnel' in rule ? [] : ['drift-ignore-unused'],
    );
  });

  test('of a tunnel says nothing of what belongs to none', () => {
    const { items } = ignoring([{ ...item, tunnel: null }], [ruleOf({ tunnel: '*' })], '2026-11-22', WHOLE);
    expect(items[0]?.ignored).toBe(null);
  });

  test('counts on its last day, and not on the next', () => {
    const rule = ruleOf({ host: 'lana', until: '2026-11-22' });
    expect(ignoring([item], [rule], '2026-11-22', WHOLE).items[0]?.ignored).not.toBe(null);
    const over = ignoring([item], [rule], '2026-11-23', WHOLE);
    expect([over.items[0]?.ignored, over.diagnostics.map(({ code }) => code)]).toEqual([
      null,
      ['drift-ignore-expired'],
    ]);
  });

  test('is not called unused where part of what it may be about was not looked at', () => {
    const part = { hosts: ['lana'], tunnels: ['lana-lanb'], isWhole: false };
    const unused = (rule: Partial<IgnoreRule>) => ignoring([], [ruleOf(rule)], '2026-11-22', part).diagnostics.length;
    expect([
      unused({ host: 'lana' }),
      unused({ host: 'lan*' }),
      unused({ what: '*' }),
      unused({ host: 'pinky' }),
    ]).toEqual([1, 0, 0, 0]);
  });

  test('changes no item but in what ignores it, and the order of entries matters for the reason only', () => {
    const some = fc.constantFrom('a', 'b', 'a*', '*');
    const rule = fc
      .record({
        host: fc.option(some, { nil: undefined }),
        what: fc.option(some, { nil: undefined }),
        reason: fc.string(),
      })
      .map(ruleOf);
    const made = fc.record({
      host: fc.constantFrom('a', 'b', 'ab'),
      what: fc.constantFrom('a', 'b', 'ab'),
      kind: fc.constantFrom(...DRIFT_KINDS),
    });
    fc.assert(
      fc.property(fc.array(made), fc.array(rule), (found, rules) => {
        const items = found.map((each): DriftItem => ({ ...item, ...each }));
        const one = ignoring(items, rules, '2026-11-22', WHOLE).items;
        const other = ignoring(items, rules.toReversed(), '2026-11-22', WHOLE).items;
        expect(one.map((each) => ({ ...each, ignored: null }))).toEqual(items);
        expect(one.map(({ ignored }) => ignored === null)).toEqual(other.map(({ ignored }) => ignored === null));
      }),
    );
  });
});

describe('the file', () => {
  test('is not needed, and stands beside hosts.yml wherever that is', () => {
    expect(readIgnoreList('inventory', memoryFiles({ 'inventory/hosts.yml': '' }))).toMatchObject({
      rules: [],
      diagnostics: [],
    });
    const files = memoryFiles({
      'inventory/hosts.yml': '',
      'inventory/drift-ignore.yml': 'ignore:\n- host: lana\n  reason: x\n  until: 2026-12-31\n',
    });
    for (const path of ['inventory', 'inventory/hosts.yml']) {
      const { rules, diagnostics } = readIgnoreList(path, files);
      expect([rules.map(({ host, until, at: place }) => [host, until, place.line]), diagnostics]).toEqual([
        [['lana', '2026-12-31', 2]],
        [],
      ]);
    }
  });
});
