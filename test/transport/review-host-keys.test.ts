import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editKnownHosts, isPlainName } from '../../src/transport/edit-known-hosts.ts';
import { KnownHosts, keyLine, parseKnownHosts } from '../../src/transport/known-hosts.ts';
import { type Review, reviewHostKeys } from '../../src/transport/review-host-keys.ts';

const PROJECT = 'inventory/known_hosts';
const USER = '/home/u/.ssh/known_hosts';

function key(seed: string, type = 'ssh-ed25519'): Buffer {
  const field = (text: string) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)]);
  return Buffer.concat([field(type), field(seed)]);
}

function review(shown: readonly Buffer[], { project = '', user = '', port = 22 }): Review {
  const known = new KnownHosts([parseKnownHosts(USER, user), parseKnownHosts(PROJECT, project)]);
  return reviewHostKeys(known, PROJECT, { name: 'gw', port }, shown);
}

const said = ({ keys }: Review) =>
  keys.map(({ status }) => (status.kind === 'new' ? 'new' : `${status.kind} ${status.line.file}:${status.line.line}`));
const ed = key('ed');
const rsa = key('rsa', 'ssh-rsa');
const line = (bytes: Buffer, names = 'gw') => `${keyLine(names, bytes)}\n`;

describe('the review', () => {
  test('of a host that nobody knows: all keys are new', () => {
    const found = review([ed, rsa], {});
    expect(said(found)).toEqual(['new', 'new']);
    expect(found).toMatchObject({ isSound: true, missing: [{ key: ed }, { key: rsa }], replaceable: [] });
  });

  test('of a host that the project knows in part', () => {
    const found = review([ed, rsa], { project: line(ed) });
    expect(said(found)).toEqual([`known ${PROJECT}:1`, 'new']);
    expect(found).toMatchObject({ isSound: true, missing: [{ key: rsa }] });
  });

  test('what the user knows is known, and missing in the project', () => {
    const found = review([ed], { user: `#\n${line(ed)}` });
    expect(said(found)).toEqual([`known ${USER}:2`]);
    expect(found).toMatchObject({ isSound: true, missing: [{ key: ed }] });
  });

  test('a changed key makes the host unsound, its new keys with it', () => {
    const found = review([key('other'), rsa], { user: line(ed) });
    expect(said(found)).toEqual([`changed ${USER}:1`, `changed ${USER}:1`]);
    expect(found).toMatchObject({ isSound: false, replaceable: [] });
  });

  test('a key that is known does not outweigh one that is changed', () => {
    const found = review([key('other'), rsa], { project: line(ed) + line(rsa) });
    expect(said(found)).toEqual([`changed ${PROJECT}:1`, `known ${PROJECT}:2`]);
    expect(found).toMatchObject({ isSound: false, replaceable: [{ line: 1 }] });
  });

  test('a key of another type is a change, as long as none of the known ones is seen', () => {
    expect(said(review([rsa], { project: line(ed) }))).toEqual([`changed ${PROJECT}:1`]);
    expect(said(review([rsa], { user: line(ed) }))).toEqual([`changed ${USER}:1`]);
    expect(said(review([rsa, ed], { user: line(ed) }))).toEqual(['new', `known ${USER}:1`]);
  });

  test('the project does not follow the user who has accepted another key', () => {
    const found = review([ed], { project: line(key('old')), user: line(ed) });
    expect(said(found)).toEqual([`changed ${PROJECT}:1`]);
    expect(found.replaceable).toMatchObject([{ file: PROJECT, line: 1 }]);
  });

  test('nothing is replaceable where a file of the user speaks against the host too, or by a pattern, or a revocation', () => {
    expect(review([ed], { project: line(key('old')), user: line(key('old')) }).replaceable).toEqual([]);
    expect(review([ed], { project: line(key('old'), 'g*') }).replaceable).toEqual([]);
    const found = review([ed, rsa], { project: `${line(key('old', 'ssh-rsa'))}@revoked ${line(ed, '*')}` });
    expect(said(found)).toEqual([`revoked ${PROJECT}:2`, `changed ${PROJECT}:1`]);
    expect(found).toMatchObject({ isSound: false, replaceable: [] });
  });

  test('a known key on port 22 vouches for another port, and speaks not against it', () => {
    expect(said(review([ed], { user: line(ed), port: 2222 }))).toEqual([`known ${USER}:1`]);
    expect(said(review([rsa, key('x')], { user: line(ed), port: 2222 }))).toEqual(['new', 'new']);
  });

  test('one of two keys of a type is enough', () => {
    expect(said(review([ed], { project: line(key('old')) + line(ed) }))).toEqual([`known ${PROJECT}:2`]);
  });
});

describe('the file', () => {
  const add = (text: string, ...keys: Buffer[]) =>
    editKnownHosts(text, [{ name: 'gw', port: 2222, add: keys, remove: [] }]);

  test('begins with what it is', () => {
    expect(add('', ed)).toMatch(/^# The host keys .*`ipsec-play hosts scan`.*\n\[gw\]:2222 ssh-ed25519 \S+\n$/);
  });

  test('keeps every byte, and what is added is understood', () => {
    const text = fc.string({ unit: fc.constantFrom('#', ' ', '\n', '\r', '\t', 'x', '\xff', '\0') }).map((each) =>
      each
        .split('\n')
        .map((one) => (one.trim() === '' ? one : `#${one}`))
        .join('\n'),
    );
    fc.assert(
      fc.property(text, (before) => {
        const after = add(before, ed, rsa);
        if (before !== '') expect(after.startsWith(before)).toBe(true);
        const { lines, faults } = parseKnownHosts(PROJECT, after);
        expect(faults).toEqual([]);
        expect(lines.map(({ type }) => type)).toEqual(['ssh-ed25519', 'ssh-rsa']);
      }),
    );
  });

  test('loses what is replaced, for this host alone', () => {
    const text = `# a\n${line(key('old'), 'a,GW,b').trimEnd()} a comment\n\n${line(key('old'))}${line(rsa, 'a')}`;
    const remove = parseKnownHosts(PROJECT, text).lines.slice(0, 2);
    const after = editKnownHosts(text, [{ name: 'gw', port: 22, add: [ed], remove }]);
    const rest = `# a\n${line(key('old'), 'a,b').trimEnd()} a comment\n\n${line(rsa, 'a')}`;
    expect(after).toBe(`${rest}${line(ed)}`);
  });

  test('holds one line for one key', () => {
    const edit = { name: 'gw', port: 22, add: [ed], remove: [] };
    expect(editKnownHosts('#\n', [edit, edit])).toBe(`#\n${line(ed)}`);
  });

  test.each(['gw', '[gw]:2222', '2001:db8::1', 'fe80::1%eth0', 'a_b.example'])('%s is the name of one host', (name) => {
    expect(isPlainName(name)).toBe(true);
  });

  test.each(['', 'a,b', 'g*', 'g?', '!gw', '|1|x', '@revoked', '#gw', 'a b', 'a\nb', 'a\tb', 'grün', '"gw'])(
    '%j is not',
    (name) => {
      expect(isPlainName(name)).toBe(false);
    },
  );
});
