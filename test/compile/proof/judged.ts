import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { perspectives, type Tunnel } from '../../../src/model/tunnel.ts';
import type { TunnelVerdict } from '../../../src/model/verdict.ts';
import { psk, router, tunnel } from '../support/tunnels.ts';
import { said } from './healthy.ts';

/** What the tests of verdicts share: a tunnel, and ways to break what its ends say. */
export const { proof } = ipsecTools;
export const OPTIONS = { patience: 30, wire: true, mtu: false, keyed: 'a nonce' };

export function judged(
  one: Tunnel,
  texts: readonly [string | null, string | null],
  options: Parameters<typeof proof.judge>[2] = OPTIONS,
): TunnelVerdict {
  const [a, b] = perspectives(one).map((end, index) => {
    const text = texts[index];
    return text === null || text === undefined ? null : (proof.read(text, [end]).get(one.name) ?? null);
  });
  return proof.judge(one, [a ?? null, b ?? null], options);
}

export const lanb = router('lanb', 'ipsec1', '203.0.113.2', '192.168.2.0/24', '192.168.2.254');
export const lana = router('lana', 'ipsec0', '203.0.113.1', '192.168.1.0/24', '192.168.1.254');
export const routed = tunnel('lana-lanb', [lana, lanb], psk('r3dh4tl1nux'));
/** Takes these lines out, and puts others in. */
export function without(text: string, tag: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith(`${tag}\t`))
    .join('\n');
}

export function instead(text: string, tag: string, value: string): string {
  return without(text, tag) + said(tag, value);
}

export const noPackets = (text: string) =>
  text
    .split('\n')
    .filter((line) => !/^\d\d:/.test(line))
    .join('\n');
export const noSas = (text: string) =>
  noPackets(instead(instead(text, 'before', 'No SAD entries.'), 'after', 'No SAD entries.'));
export const noAnswer = (text: string) => instead(without(text, '0/ping'), '0/answered', '0');
export const down = (text: string) => noAnswer(noSas(text));
export const packet = (line: string) => `14:34:40.000001 ${line}\n`;
export const log = (...lines: string[]) =>
  said('log', lines.map((line) => `Nov 22 14:34:40 here racoon: ${line}`).join('\n'));
