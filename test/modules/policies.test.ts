import { expect, test } from 'vitest';
import { normal, parsePolicies, policyTable, protects } from '../../modules/shared/policies.ts';

// setkey of ipsec-tools 0.8 on Linux, 0.3 of RHEL 4, and with NAT traversal.
const NEW = `192.168.2.0/24[any] 192.168.1.0/24[any] 255
\tfwd prio def ipsec
\tesp/tunnel/203.0.113.2-203.0.113.1/require
\tah/tunnel/203.0.113.2-203.0.113.1/require
\tcreated: Nov 22 08:00:00 2024  lastused:
\tlifetime: 0(s) validtime: 0(s)
\tspid=26 seq=1 pid=5101
\trefcnt=1
192.168.1.0/24[any] 192.168.2.0/24[any] 255
\tout prio high + 1073739480 ipsec
\tesp/tunnel/203.0.113.1[4500]-203.0.113.2[4500]/unique:1
\tspid=17 seq=2 pid=5101
(per-socket policy)
\tin none
\tcreated: Nov 22 08:00:00 2024  lastused:
10.0.0.1[500] 10.0.0.2[any] udp
\tout none
\tspid=33 seq=0 pid=5101
`;
const OLD = `198.51.100.2[any] 198.51.100.1[any] any
\tin ipsec
\tesp/transport//require
\tah/transport//require
\tcreated: Oct  2 10:00:00 2005  lastused: Oct  2 10:00:00 2005
198.51.100.1/32[any] 198.51.100.2/32[any] any
\tout ipsec
\tesp/transport//require
`;

test('policies are read', () => {
  expect(parsePolicies(NEW)).toEqual([
    {
      direction: 'fwd',
      source: '192.168.2.0/24',
      destination: '192.168.1.0/24',
      action: 'ipsec',
      rules: ['esp', 'ah'].map((protocol) => ({
        protocol,
        mode: 'tunnel',
        source: '203.0.113.2',
        destination: '203.0.113.1',
      })),
    },
    {
      direction: 'out',
      source: '192.168.1.0/24',
      destination: '192.168.2.0/24',
      action: 'ipsec',
      rules: [{ protocol: 'esp', mode: 'tunnel', source: '203.0.113.1', destination: '203.0.113.2' }],
    },
  ]);
  expect(parsePolicies(OLD).map(({ direction, source, rules }) => [direction, source, rules.length])).toEqual([
    ['in', '198.51.100.2', 2],
    ['out', '198.51.100.1', 1],
  ]);
});

test('a connection finds its own', () => {
  const [, out] = parsePolicies(OLD);
  if (!out) throw new Error('no policy');
  const traffic = { peer: '198.51.100.2', source: '', destination: '198.51.100.2' };
  expect(protects(out, 'out', traffic)).toBe(true);
  expect(protects(out, 'in', traffic)).toBe(false);
  expect(protects(out, 'out', { ...traffic, source: '198.51.100.9' })).toBe(false);
  expect(protects({ ...out, source: '192.168.1.0/24' }, 'out', traffic)).toBe(false);
  expect(protects({ ...out, action: 'none' }, 'out', traffic)).toBe(false);
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.1/32', '10.0.0.1'],
  ['192.168.1.5/24', '192.168.1.0/24'],
  ['0.0.0.0/0', '0.0.0.0/0'],
])('%s is %s to the kernel', (text, result) => {
  expect(normal(text)).toBe(result);
});

test.each([
  ['No SPD entries.\n', 0, { kind: 'known', policies: [] }],
  ['No SPD entries.\n', 1, { kind: 'known', policies: [] }],
  ['', 0, { kind: 'known', policies: [] }],
  [
    'pfkey_open: Operation not permitted\n',
    1,
    { kind: 'fault', why: 'setkey -DP: pfkey_open: Operation not permitted' },
  ],
  [
    'setkey: socket: Address family not supported\n',
    0,
    { kind: 'fault', why: 'setkey -DP: setkey: socket: Address family not supported' },
  ],
  ['', 1, { kind: 'fault', why: 'setkey -DP: exit code 1' }],
])('setkey says %j and exits %i', (output, exitCode, table) => {
  expect(policyTable(output, exitCode)).toEqual(table);
});
