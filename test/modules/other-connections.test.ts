import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { parseConnections, probeConnections } from '../../modules/shared/other-connections.ts';
import { everyShell, makeHost, probeAll } from './run-module.ts';

const SCRIPTS = '/etc/sysconfig/network-scripts';
/** So many that grep reads them. */
const MANY = Array.from({ length: 30 }, (_, index) => `other${index}`);

describe.each(everyShell)('what the connections of a host protect, %s', (_, shell) => {
  const host = makeHost(shell);
  beforeEach(() => host.reset());
  afterAll(() => host.remove());

  function read() {
    const [output] = probeAll(host, [probeConnections]);
    return parseConnections(output?.stdout ?? '');
  }

  /** By the shell, and by grep: the others have nothing that matters. */
  function readBothWays(): ReadonlyMap<string, string> {
    const few = read();
    for (const name of MANY) host.write(`${SCRIPTS}/ifcfg-${name}`, `DEVICE=${name}\nONBOOT=no\n`);
    const many = read();
    expect(many).toEqual(few);
    expect(few.rest).toBe('');
    for (const name of MANY) expect(few.connections.has(name)).toBe(false);
    return few.connections;
  }

  test('assignments that count, in whatever form a shell takes them', () => {
    host.write(
      `${SCRIPTS}/ifcfg-one`,
      'TYPE=IPSEC\nONBOOT=yes\n  export DST="10.0.0.1"\n# SRC=no\n\tSRCNET=a b\\c\nMYDST=x',
    );
    host.write(`${SCRIPTS}/ifcfg-two`, 'DEVICE=eth0\nDSTNET=last, without a line feed');
    host.write(`${SCRIPTS}/ifcfg-empty`, '');
    host.write(`${SCRIPTS}/ifcfg-old~`, 'TYPE=IPSEC\n');
    host.write(`${SCRIPTS}/keys-one`, 'TYPE=secret\n');
    host.mkdir(`${SCRIPTS}/ifcfg-folder`);
    expect([...readBothWays()]).toEqual([
      ['one', 'TYPE=IPSEC\n  export DST="10.0.0.1"\n\tSRCNET=a b\\c\n'],
      ['two', 'DSTNET=last, without a line feed\n'],
    ]);
  });

  test('none, and no folder for them', () => {
    expect(read()).toEqual({ connections: new Map(), rest: '' });
    host.mkdir(SCRIPTS);
    expect(readBothWays().size).toBe(0);
  });

  test('whatever stands there, the shell prints what grep prints', () => {
    const line = fc.oneof(
      fc.constantFrom('TYPE=IPSEC', ' export\tSRC=1', 'DST=', 'DSTNET="x', '=', '', 'SRC = 1', 'xTYPE=1', 'TYPE'),
      fc.stringMatching(/^[ -~]{0,20}$/),
      fc
        .constantFrom('TYPE', 'SRC', 'DST', 'SRCNET')
        .chain((name) => fc.stringMatching(/^[ -~]{0,12}$/).map((value) => `${name}=${value}`)),
    );
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 5 }), { maxLength: 3 }), fc.boolean(), (files, isEnded) => {
        host.reset();
        for (const [index, text] of files.entries())
          host.write(`${SCRIPTS}/ifcfg-c${index}`, `${text.join('\n')}${isEnded ? '\n' : ''}`);
        readBothWays();
      }),
      { numRuns: 15 },
    );
  });
});
