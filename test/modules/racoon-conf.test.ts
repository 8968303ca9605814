import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type RacoonConfArgs, racoonConf } from '../../modules/racoon-conf.ts';
import { includesOfIfup, meaning, statements, withoutInclude } from '../../modules/shared/racoon-text.ts';
import { everyShell, expectLaws, look, makeHost } from './run-module.ts';
import { shown } from './shown.ts';

const CONF = '/etc/racoon/racoon.conf';
const BASE = `# Racoon IKE daemon configuration file.

path include "/etc/racoon";
path pre_shared_key "/etc/racoon/psk.txt";

sainfo anonymous
{
\tpfs_group 2;
\tlifetime time 1 hour ;
\tencryption_algorithm 3des, blowfish 448, rijndael ;
}
`;
const include = (peer: string) => `include "/etc/racoon/${peer}.conf";\n`;

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold, and what ifup wrote is never lost', () => {
    const piece = fc.constantFrom(
      ...[
        BASE,
        include('10.0.0.1'),
        include('10.0.0.2'),
        '# comment\n',
        'log debug;\n',
        'include "/etc/other.conf" ; # x\n',
        'listen { isakmp 10.0.0.1 [500]; }',
      ],
    );
    const wanted = fc.constantFrom<RacoonConfArgs>(
      { content: BASE },
      { content: 'log debug;' },
      { content: `${BASE}${include('10.0.0.1')}` },
      { include: '/etc/racoon/10.0.0.1.conf', state: 'absent' },
    );
    fc.assert(
      fc.property(
        wanted,
        fc.option(fc.array(piece, { maxLength: 5 })),
        fc.constantFrom(0o600, 0o644),
        (args, pieces, mode) => {
          host.reset();
          host.mkdir('/etc/racoon');
          if (pieces) host.write(CONF, pieces.join(''), mode);
          const before = includesOfIfup(pieces?.join('') ?? '');
          expectLaws(host, racoonConf, args);
          const kept = args.state === 'absent' ? before.filter((file) => file !== args.include) : before;
          expect(includesOfIfup(host.read(CONF) ?? '')).toEqual(expect.arrayContaining(kept));
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => host.reset());
  const plan = (args: RacoonConfArgs) => look(host, racoonConf, args).plan;

  test.each([
    ['as it is', BASE],
    ['after an ifup', `${BASE}${include('203.0.113.2')}`],
    ['after two, the lines moved', `${include('10.0.0.2')}${BASE}${include('203.0.113.2')}`],
    [
      'with other blanks and comments',
      BASE.replaceAll(/#.*\n/g, '').replaceAll(/\s+/g, ' ').replaceAll(' ;', ';# x;y "\n'),
    ],
    ['with the line of the chapter, which lacks its semicolon', `${BASE}include "/etc/racoon/203.0.113.2.conf"\n`],
  ])('is ok for the base %s, with either mode', (_, text) => {
    for (const mode of [0o600, 0o644]) {
      host.write(CONF, text, mode);
      expect(plan({ content: BASE }).kind).toBe('ok');
    }
  });

  test.each([
    ['a changed value', BASE.replace('pfs_group 2', 'pfs_group 5')],
    ['a missing statement', BASE.replace('path include "/etc/racoon";\n', '')],
    ['a foreign statement', `${BASE}log debug;\n`],
    ['a foreign include', `${BASE}include "/etc/site/racoon.conf";\n`],
    ['a comment that swallows a statement', BASE.replace('path include', '# path include')],
  ])('is a change for %s', (_, text) => {
    host.write(CONF, text);
    expect(plan({ content: BASE }).kind).toBe('change');
  });

  test('keeps the lines of ifup at the end and the mode, and shows its diff although the file is 0600', () => {
    host.write(CONF, `log debug;\n${include('10.0.0.2')}`, 0o600);
    const change = plan({ content: 'log info;' });
    const line = String.raw`include \"/etc/racoon/10.0.0.2.conf\";\n`;
    expect(shown(change)).toEqual([`${CONF}: "log debug;\\n${line}" -> "log info;\\n${line}"`]);
    expectLaws(host, racoonConf, { content: 'log info;' });
    expect(host.mode(CONF)).toBe(0o600);
  });

  test('makes a new file for root alone', () => {
    host.mkdir('/etc/racoon');
    expectLaws(host, racoonConf, { content: BASE });
    expect(host.mode(CONF)).toBe(0o600);
    expect(host.read(CONF)).toBe(BASE);
  });
});

describe('the text', () => {
  test('is cut into statements', () => {
    expect(statements('a "b;{" ; # c;\nd { e f; g {h;} }i;j').map(({ tokens }) => tokens.join(' '))).toEqual([
      'a "b;{" ;',
      'd { e f ; g { h ; } }',
      'i ;',
      'j',
    ]);
    expect(meaning('a,b;')).toBe(meaning('a , b ;'));
    expect(meaning('a b;')).not.toBe(meaning('ab;'));
  });

  test.each([
    [`a;\n${include('x')}b;\n`, 'a;\nb;\n'],
    [`a; ${include('x')}b;\n`, 'a; \nb;\n'],
    ['\tinclude\n"/etc/racoon/x.conf"\n;  \nb;', 'b;'],
    ['include "/etc/racoon/x.conf"; # why\n', ' # why\n'],
    [`# ${include('x')}`, `# ${include('x')}`],
    [include('y'), include('y')],
    [`remote x { ${include('x')} }`, `remote x { ${include('x')} }`],
    [`${include('x')}${include('x')}include "/etc/racoon/x.conf"`, ''],
  ])('%j without the include is %j', (text, result) => {
    expect(withoutInclude(text, '/etc/racoon/x.conf')).toBe(result);
  });
});
