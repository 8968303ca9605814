import type { Secret } from '../../model/secret.ts';
import type { End, Keying, ManualSas, Tunnel } from '../../model/tunnel.ts';

/** tunnels.yml as text, and where in it each tunnel stands. */
export interface TunnelsText {
  readonly text: string;
  /** Name, first line and the line after the last one, counted from 1. */
  readonly places: readonly { readonly name: string; readonly line: number; readonly endLine: number }[];
}

/** How a secret is written: a text of Ansible Vault, or the secret itself in quotes. */
export type WrittenSecret = (secret: Secret) => { readonly vault: string } | { readonly plain: string };

/** Writes tunnels as a person would, each with all that it says. */
export function tunnelsText(
  tunnels: readonly Tunnel[],
  options: { readonly key: string; readonly value: object } | null,
  written: WrittenSecret,
): TunnelsText {
  const lines: string[] = [];
  const places: { name: string; line: number; endLine: number }[] = [];
  if (options !== null) lines.push(`${options.key}: ${flow(options.value)}`, '');
  lines.push(tunnels.length === 0 ? 'tunnels: {}' : 'tunnels:');
  for (const [index, tunnel] of tunnels.entries()) {
    if (index > 0) lines.push('');
    const line = lines.length + 1;
    lines.push(...tunnelLines(tunnel, written));
    places.push({ name: tunnel.name, line, endLine: lines.length + 1 });
  }
  return { text: `${lines.join('\n')}\n`, places };
}

function tunnelLines(
  { name, type, ends, keying, ike, esp, ah, onboot }: Tunnel,
  written: WrittenSecret,
): readonly string[] {
  const { dhGroup: dh_group, ...phase1 } = ike;
  const isManual = keying.method === 'manual';
  const protocol = (key: string, value: object | false) => {
    // With manual keys a protocol without SAs is off by itself.
    if (value === false) return isManual ? [] : [`    ${key}: false`];
    return Object.keys(value).length === 0 ? [] : [`    ${key}: ${flow(value)}`];
  };
  return [
    `  ${scalar(name)}:`,
    `    type: ${type}`,
    '    ends:',
    ...ends.map((end) => `      ${scalar(end.host)}: ${flow(endOf(end))}`),
    '    keying:',
    ...keyingLines(keying, ends, written).map((line) => `      ${line}`),
    ...protocol('ike', { ...phase1, ...(dh_group === undefined ? {} : { dh_group }) }),
    ...protocol('esp', esp),
    ...protocol('ah', ah),
    `    onboot: ${onboot}`,
  ];
}

function endOf({ managed, nickname, address, network, gateway }: End) {
  return {
    ...(managed ? { nickname } : { managed }),
    address,
    ...(network ? { network: network.cidr } : {}),
    ...(gateway === undefined ? {} : { gateway }),
  };
}

function keyingLines(keying: Keying, ends: Tunnel['ends'], written: WrittenSecret): readonly string[] {
  if (keying.method === 'psk') return secretLines('psk', keying.psk, written);
  if (keying.method === 'x509') {
    const certificates = Object.fromEntries(ends.map(({ host }, index) => [host, keying.certificates[index as 0 | 1]]));
    return ['x509:', `  certificates: ${flow(certificates)}`, `  peer: ${keying.peer}`];
  }
  return [
    'manual:',
    ...ends.flatMap(({ host }, index) => [
      `  ${scalar(host)}:`,
      ...sasLines(keying.sent[index as 0 | 1], written).map((line) => `    ${line}`),
    ]),
  ];
}

function sasLines({ ah, esp }: ManualSas, written: WrittenSecret): readonly string[] {
  return [
    ...(ah ? ['ah:', `  spi: ${hex(ah.spi)}`, ...secretLines('key', ah.key, written).map((line) => `  ${line}`)] : []),
    ...(esp
      ? [
          'esp:',
          `  spi: ${hex(esp.spi)}`,
          ...secretLines('key', esp.key, written).map((line) => `  ${line}`),
          ...(esp.authenticationKey
            ? secretLines('authentication_key', esp.authenticationKey, written).map((line) => `  ${line}`)
            : []),
        ]
      : []),
  ];
}

function secretLines(name: string, secret: Secret, written: WrittenSecret): readonly string[] {
  const value = written(secret);
  if ('plain' in value) return [`${name}: ${JSON.stringify(value.plain)}`];
  return [
    `${name}: !vault |`,
    ...value.vault
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}

function hex(spi: number): string {
  return `0x${spi.toString(16)}`;
}

/** A value of plain data on one line, in braces. */
export function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([key, inner]) => `${scalar(key)}: ${flow(inner)}`)
      .join(', ')} }`;
  return typeof value === 'string' ? scalar(value) : String(value);
}

/** Bare where YAML 1.1 reads it as the same text. */
export function scalar(text: string): string {
  const isPlain = /^[A-Za-z]([A-Za-z0-9_./ -]*[A-Za-z0-9_])?$|^\d+(\.\d+){3}(\/\d+)?$/.test(text);
  return isPlain && !/^(y|n|yes|no|on|off|true|false|null)$/i.test(text) ? text : JSON.stringify(text);
}
