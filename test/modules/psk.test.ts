import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type PskArgs, psk } from '../../modules/psk.ts';
import { raisedResource, restartedResource } from '../../modules/shared/raised.ts';
import { fileResource, HostState } from '../../src/model/host-state.ts';
import { Secret } from '../../src/model/secret.ts';
import { context, everyShell, expectLaws, look, makeHost, probe } from './run-module.ts';
import { shown } from './shown.ts';

const PSK = '/etc/racoon/psk.txt';
const entry = (peer: string, key: string) => ({ peer, key: new Secret(key) });

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold, and no other line changes', () => {
    const peer = fc.constantFrom('10.0.0.1', '10.0.0.10', '10.0.0.2', 'gw.example.org');
    const key = fc.oneof(
      fc.constantFrom('a key', "it's", '$x `y` "z" \\', '0xabc', '%s\\n'),
      fc
        .string({ unit: 'grapheme', minLength: 1 })
        .filter((text) => !/^\s|[\n\0]/.test(Buffer.from(text).toString('latin1'))),
    );
    const line = fc.oneof(
      fc.tuple(peer, fc.constantFrom(' ', '\t', '  '), key).map((parts) => parts.join('')),
      fc.constantFrom('', '# a comment', '#10.0.0.1 old', 'peer-only', ' 10.0.0.1 indented'),
    );
    const args = fc.record(
      {
        entries: fc.uniqueArray(
          fc.record({
            peer,
            key: fc.oneof(
              key,
              key.map((text) => new Secret(text)),
            ),
          }),
          { selector: (one) => one.peer },
        ),
        absent: fc.array(peer),
        restore: fc.boolean(),
      },
      { requiredKeys: ['entries'] },
    );
    fc.assert(
      fc.property(
        args,
        fc.option(fc.array(line, { maxLength: 6 })),
        fc.constantFrom(0o600, 0o644, 0o400),
        (wanted, lines, mode) => {
          host.reset();
          host.mkdir('/etc/racoon');
          const bytes = lines && Buffer.from(lines.join('\n')).toString('latin1');
          if (bytes !== null) host.write(PSK, bytes, mode);
          expectLaws(host, psk, wanted);
          const after = (host.read(PSK) ?? '').split('\n');
          const touched = new Set<string>([...wanted.entries.map((one) => one.peer), ...(wanted.absent ?? [])]);
          for (const kept of bytes?.split('\n') ?? []) {
            if (kept !== '' && !touched.has(kept.split(/\s/, 1)[0] ?? '')) expect(after).toContain(kept);
          }
          if (host.read(PSK) !== null) expect((host.mode(PSK) ?? 0) & 0o077).toBe(0);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => host.reset());
  const plan = (args: PskArgs) => look(host, psk, args).plan;
  const entries = [entry('10.0.0.1', 'one'), entry('10.0.0.2', 'two')];

  test.each([
    ['in any order', '10.0.0.2 two\n10.0.0.1 one\n'],
    ['with the blanks that ifup writes', '# x\n10.0.0.1  one\n\n10.0.0.9\tnine\n10.0.0.2\ttwo'],
  ])('is ok for the lines %s', (_, text) => {
    host.write(PSK, text, 0o600);
    expect(plan({ entries }).kind).toBe('ok');
  });

  test('collapses the lines of a peer into the first, and hides every key and comment', () => {
    host.write(PSK, '# old: canary\n10.0.0.1 one\n10.0.0.9 canary\n10.0.0.1 canary\n', 0o600);
    expect(shown(plan({ entries }))).toEqual([
      `${PSK}: "# <old: canary>\\n10.0.0.1 <one>\\n10.0.0.9 <canary>\\n10.0.0.1 <canary>\\n" -> ` +
        '"# <old: canary>\\n10.0.0.1 <one>\\n10.0.0.9 <canary>\\n10.0.0.2 <two>\\n"',
    ]);
  });

  test('a peer is a whole word', () => {
    host.write(PSK, '10.0.0.10 ten\n', 0o600);
    expectLaws(host, psk, { entries: [entry('10.0.0.1', 'one')], absent: ['10.0.0'] });
    expect(host.read(PSK)).toBe('10.0.0.10 ten\n10.0.0.1 one\n');
  });

  test('the mode alone is a change that writes nothing anew', () => {
    host.write(PSK, '10.0.0.1 one\n', 0o644);
    expect(shown(plan({ entries: entries.slice(0, 1) }))).toEqual([`${PSK} mode: "0644" -> "0600"`]);
  });

  test('nothing is wanted and nothing is there', () => {
    expect(plan({ entries: [], absent: ['10.0.0.1'] }).kind).toBe('ok');
  });

  test.each(['', ' x', 'a\nb', 'a\0'])(
    'is blocked by a key that cannot stand there, and does not tell it: %j',
    (key) => {
      expect(plan({ entries: [entry('10.0.0.1', key)] })).toEqual({
        kind: 'blocked',
        why: 'the key of 10.0.0.1 cannot stand in psk.txt: it is empty, begins with a blank or holds a line end',
      });
    },
  );
});

describe('putting right again', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  const args: PskArgs = { entries: [entry('10.0.0.1', 'one')], restore: true, raised: ['10.0.0.1'] };
  const text = '10.0.0.10 ten\n10.0.0.12 twelve\n10.0.0.1 one\n';
  const found = (bytes: string) => {
    host.write(PSK, bytes, 0o600);
    return probe(host, psk as never, args);
  };

  test('brings back what an ifup has dropped meanwhile, but not what was to go', () => {
    const initial = found(text);
    const state = found('10.0.0.1 one\n');
    const plan = psk.plan({ ...args, absent: ['10.0.0.12'] }, state, context(initial));
    if (plan.kind !== 'change') throw new Error(plan.kind);
    expect(plan.after.get(fileResource, PSK)).toMatchObject({ bytes: '10.0.0.1 one\n10.0.0.10 ten\n' });
  });

  const raised = HostState.empty.with(raisedResource, '10.0.0.1', true);
  const restarted = HostState.empty.with(restartedResource, 'network', true);

  test.each([
    ['an ifup', raised, 'ifup for 10.0.0.1'],
    ['a network restart', restarted, 'service network restart'],
  ])('cannot be known while %s is still to come that drops by prefix', (_, coming, until) => {
    const initial = found(text);
    const plan = psk.plan(args, initial.merge(coming), context(initial));
    expect(plan).toEqual({
      kind: 'unknown',
      until,
      why: 'it drops the line of 10.0.0.10 from psk.txt, because that begins with 10.0.0.1',
    });
    expect(psk.plan(args, initial, context(initial)).kind).toBe('ok');
  });

  test('is known where ifup matches whole addresses, and where no line is hit', () => {
    const initial = found(text);
    const state = initial.merge(raised);
    expect(psk.plan(args, state, context(initial, { redhatMajor: 6 })).kind).toBe('ok');
    expect(psk.plan(args, state, context(initial, { redhatMajor: 5 })).kind).toBe('unknown');
    const harmless = found('10.0.0.2 two\n10.0.0.1 one\n');
    expect(psk.plan(args, harmless.merge(raised), context(harmless)).kind).toBe('ok');
  });

  test('knows that to grep a dot is any character', () => {
    const state = found('1.121.1.5 x\n10.0.0.1 one\n').with(raisedResource, '1.1.1.1', true);
    expect(psk.plan(args, state, context(state)).kind).toBe('unknown');
  });
});
