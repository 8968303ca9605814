import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { type DirectoryArgs, directory } from '../../modules/directory.ts';
import { fileResource, HostState } from '../../src/model/host-state.ts';
import { context, everyShell, expectLaws, look, makeHost, probe } from './run-module.ts';
import { shown } from './shown.ts';

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    const mode = fc.constantFrom(0o700, 0o755, 0o750, 0o2755, 0o1777);
    const args = fc.record(
      { mode, state: fc.constantFrom('present' as const, 'absent' as const) },
      { requiredKeys: [] },
    );
    const path = fc.constantFrom('/a', "/it's a/b c", '/etc/deep/ly/ü', '/etc/-p');
    fc.assert(
      fc.property(args, path, fc.option(mode), (rest, target, there) => {
        host.reset();
        if (there !== null) host.mkdir(target, there);
        expectLaws(host, directory, { path: target, ...rest } as DirectoryArgs);
      }),
      { numRuns: 30 },
    );
  });

  test('parents are open to all, the folder itself has its mode', () => {
    host.reset();
    expectLaws(host, directory, { path: '/var/lib/some/thing', mode: '0700' });
    expect(['/var', '/var/lib', '/var/lib/some', '/var/lib/some/thing'].map(host.mode)).toEqual([
      0o755, 0o755, 0o755, 0o700,
    ]);
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  const args: DirectoryArgs = { path: '/d', state: 'absent' };

  test('removes an empty folder only', () => {
    host.write('/d/one', '');
    host.write('/d/.two', '');
    expect(look(host, directory, args).plan).toEqual({
      kind: 'blocked',
      why: '/d is not empty (2 entries): only an empty folder is removed',
    });
  });

  test('counts what earlier tasks remove and make', () => {
    const gone = ['/d/one', '/d/.two'].reduce(
      (state, name) => state.with(fileResource, name, { kind: 'absent' }),
      HostState.empty,
    );
    const state = probe(host, directory as never, args).merge(gone);
    expect(shown(directory.plan(args, state, context(state)))).toEqual(['/d: "directory" -> null']);
    const made = state.with(fileResource, '/d/new', { kind: 'other', type: 'thing' });
    expect(directory.plan(args, made, context(made)).kind).toBe('blocked');
  });

  test('is blocked by a file', () => {
    host.write('/f', '');
    expect(look(host, directory, { path: '/f' }).plan).toEqual({
      kind: 'blocked',
      why: '/f is there and is no directory',
    });
  });
});
