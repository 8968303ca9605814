import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAssociations } from '../../../src/compile/backends/ipsec-tools/proof/associations.ts';
import { parsePacket } from '../../../src/compile/backends/ipsec-tools/proof/packets.ts';
import { lastReading, logFaults } from '../../../src/compile/backends/ipsec-tools/proof/racoon-log.ts';
import { parsePhase1, parseSainfo } from '../../../src/compile/backends/ipsec-tools/proof/racoon-settings.ts';
import { loggedAt } from '../../../src/compile/backends/ipsec-tools/proof/syslog-time.ts';
import { reveal } from '../../../src/model/secret.ts';
import { casesOf } from './cases.ts';

const hex = (spi: number) => spi.toString(16).padStart(8, '0');

test.each(casesOf('packets'))('tcpdump: %s', (_, { input, read }) => {
  const found = input.split('\n').flatMap((line) => {
    const packet = parsePacket(line);
    if (!packet) return [];
    const headers = packet.headers.map(({ protocol, spi }) => `${protocol}=${hex(spi)}`);
    return [[`${packet.source} > ${packet.destination}`, packet.kind, ...headers].join(' ')];
  });
  expect(found.join('\n')).toBe(read);
});

test.each(casesOf('associations'))('setkey -D: %s', (_, { input, read }) => {
  const found = parseAssociations(input).map((one) => {
    const { source, destination, protocol, spi, mode, state, age, bytes, encryption, authentication } = one;
    const cipher = (letter: string, each: typeof encryption) =>
      each ? `, ${letter} ${each.name}${each.key ? ` ${reveal(each.key).length}` : ''}` : '';
    const counted = `${age === null ? '' : ` ${age}s`}${bytes === null ? '' : ` ${bytes} bytes`}`;
    return `${source} > ${destination} ${protocol} ${hex(spi)} ${mode} ${state}${counted}${cipher('E', encryption)}${cipher('A', authentication)}`;
  });
  expect(found.join('\n')).toBe(read);
});

const TRAFFIC = { peer: '203.0.113.2', source: '192.168.1.0/24', destination: '192.168.2.0/24' };

test.each(casesOf('racoon-log'))("racoon's log: %s", (_, { input, read }) => {
  const [since] = /^files written (.*)$/m.exec(input)?.slice(1) ?? [];
  const found = logFaults(input.split('\n'), TRAFFIC, since).map((fault) =>
    [fault.kind, 'field' in fault ? (fault.field ?? '') : ''].join(' ').trim(),
  );
  expect(found.join('\n')).toBe(read);
});

describe('when racoon read its files', () => {
  test.each([
    ['Nov 22 14:00:12 lana racoon: INFO: caught signal 1', 'Nov 22 14:00:12'],
    ['Nov  2 14:00:12 lana racoon[77]: INFO: Reading configuration from "/etc/racoon/racoon.conf"', 'Nov  2 14:00:12'],
    ['2026-11-22T14:00:12.123456+01:00 lana racoon: INFO: @(#)ipsec-tools 0.8.2', 'Nov 22 14:00:12'],
    ['2026-11-22 14:00:12: INFO: @(#)ipsec-tools 0.8.2 (http://ipsec-tools.sourceforge.net)', 'Nov 22 14:00:12'],
    ['Nov 22 14:00:12 lana racoon: INFO: caught signal 15', null],
    ['Nov 22 14:00:12 lana racoon: INFO: @(#)This product linked OpenSSL 0.9.8e', null],
    ['Nov 22 14:00:12 lana sshd[3]: Reading configuration from a file', null],
  ])('%s', (line, time) => {
    expect(lastReading(['Nov  1 00:00:00 lana racoon: ERROR: x', line])).toBe(time === null ? null : loggedAt(time));
  });
});

test('phase 1 and phase 2, as the scripts and as others write them', () => {
  const phase1 =
    'exchange_mode main;\n\tproposal {\n\t\tencryption_algorithm aes  256;\n\t\thash_algorithm sha1;\n\t\tauthentication_method pre_shared_key;\n\t\tdh_group modp1024;\n\t}\n}';
  expect(parsePhase1(phase1)).toEqual([
    { encryption: 'aes 256', hash: 'sha1', dhGroup: '2', method: 'pre_shared_key' },
  ]);
  const sainfo =
    'sainfo anonymous\n{\n\tlifetime time 1 hour ;\n\tencryption_algorithm 3des, blowfish 448, rijndael ;\n\tauthentication_algorithm hmac_sha1, hmac_md5 ;\n}';
  expect(parseSainfo(sainfo)).toEqual({
    pfsGroup: null,
    lifetime: 3600,
    encryption: ['3des', 'blowfish 448', 'rijndael'],
    authentication: ['hmac_sha1', 'hmac_md5'],
  });
  expect(parseSainfo(`sainfo address 10.0.0.0/8 any address 10.1.0.0/16 any { pfs_group 2; }\n${sainfo}`)).toBeNull();
});

test('no text makes a parser throw', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (lines) => {
      parseAssociations(lines.join('\n'));
      for (const line of lines) parsePacket(line);
      logFaults(lines, TRAFFIC);
      parsePhase1(lines.join('\n'));
      parseSainfo(lines.join('\n'));
    }),
  );
});
