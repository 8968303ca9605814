import { expect, test } from 'vitest';
import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { type Files, printed } from './fake-host.ts';

const IFCFG = '/etc/sysconfig/network-scripts/ifcfg-ipsec0';
const KEYS = '/etc/sysconfig/network-scripts/keys-ipsec0';
const manual = 'TYPE=IPSEC\nONBOOT=no\nDST=10.0.0.2\nSPI_ESP_OUT=0x201\nSPI_ESP_IN=0x301\n';

/** The findings of one host with one connection with manual keys, of which the kernel says this. */
function found(policies: string, associations: string) {
  const files: Files = new Map([
    [IFCFG, { mode: 0o644, text: manual }],
    [KEYS, { mode: 0o600, text: 'KEY_ESP=0123456789abcdef01234567\nKEY_AESP=0123456789abcdef0123\n' }],
  ]);
  const indented = (text: string) => text.replaceAll(/^/gm, '\t');
  const text = printed(files, { hostname: 'a', addresses: ['10.0.0.1'] })
    .replace('\tNo SPD entries.', () => indented(policies))
    .replace('associations\n\t\n', () => `associations\n${indented(associations)}\n`);
  const seen = ipsecTools.importer.read(text);
  const { findings } = ipsecTools.importer.pair([{ name: 'a', address: '10.0.0.1', seen }]);
  return findings.filter(({ code }) => code !== 'import-unpaired' && code !== 'import-weak');
}

const policy = (from: string, to: string) => `${from}[any] ${to}[any] any
\tout ipsec
\tesp/transport//require
\tcreated: Jan  1 00:00:00 2024  lastused:
\tlifetime: 0(s) validtime: 0(s)`;
const sa = (from: string, to: string, spi: number) => `${from} ${to}
\tesp mode=transport spi=${spi}(0x${spi.toString(16).padStart(8, '0')}) reqid=0(0x00000000)
\tseq=0x00000000 replay=0 flags=0x00000000 state=mature`;
const both = (out: number) => `${sa('10.0.0.1', '10.0.0.2', out)}\n${sa('10.0.0.2', '10.0.0.1', 0x301)}`;

test('nothing is told where the kernel has what the files say, or the connection is down', () => {
  expect(found(policy('10.0.0.1', '10.0.0.2'), both(0x201))).toEqual([]);
  expect(found('No SPD entries.', 'No SAD entries.')).toEqual([]);
});

test('other SPIs, and policies that belong to no connection, are told', () => {
  const spis = found(policy('10.0.0.1', '10.0.0.2'), both(0x999));
  expect(spis.at(-1)).toMatchObject({ code: 'import-kernel-differs', span: { file: `a:${IFCFG}`, line: 4 } });
  const strange = found(`${policy('10.0.0.1', '10.0.0.2')}\n${policy('10.1.0.0/16', '10.7.0.0/16')}`, both(0x201));
  expect(strange.at(-1)).toMatchObject({
    code: 'import-kernel-only',
    message: expect.stringContaining('10.1.0.0/16 to 10.7.0.0/16'),
  });
});

test('policies that may not be read are no policies that are missing', () => {
  const unread = found('pfkey_open: Permission denied', '');
  expect(unread.map(({ code }) => code)).toContain('import-unreadable');
  expect(unread.map(({ message }) => message).join()).not.toContain('the kernel has no such policies');
});
