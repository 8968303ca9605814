import type { AgreedEnd, AgreedSas, Agreement, AutomaticKeying, Cipher } from '../model/agreement.ts';
import { hasShortSha256, modpName } from './names.ts';

export interface ParameterTable {
  readonly title: string;
  /** For a table with a column for each end: `What, your end, our end`. */
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Every parameter of the tunnel, each default spelled out. */
export function parameterTables(agreed: Agreement): readonly ParameterTable[] {
  const { keying } = agreed;
  return [
    endsTable(agreed),
    ...(keying.method === 'manual' ? [] : [phase1Table(keying)]),
    protectionTable(agreed),
    ...(keying.method === 'manual' ? [manualTable(keying.sent.you, keying.sent.us)] : []),
  ];
}

function endsTable({ you, us, type, keying }: Agreement): ParameterTable {
  const both = (what: string, of: (end: AgreedEnd) => string | null) => {
    const [yours, ours] = [of(you), of(us)];
    return yours === null && ours === null ? [] : [[what, yours ?? 'none', ours ?? 'none']];
  };
  const certificates = keying.method === 'x509' ? keying.certificates : null;
  return {
    title: 'Ends',
    head: ['', `your end (${you.host})`, `our end (${us.host})`],
    rows: [
      ['type', ...Array<string>(2).fill(type)],
      ...both('address', ({ address }) => address),
      ...both('network', ({ network }) => network?.cidr ?? null),
      ...both('gateway, inside', ({ gateway }) => gateway),
      ...(keying.method === 'psk' ? both('identity', ({ address }) => `${address} (ID_IPV4_ADDR)`) : []),
      ...(certificates === null
        ? []
        : [
            ['certificate', certificates.you, certificates.us],
            ['identity', "the certificate's subject (ID_DER_ASN1_DN)", "the certificate's subject (ID_DER_ASN1_DN)"],
          ]),
    ],
  };
}

const PEER_CERTIFICATE = {
  file: 'as a file, handed over beforehand',
  dns: 'from the DNS (CERT record, RFC 2538)',
  exchange: 'in the IKE exchange',
} as const;

function phase1Table({ method, phase1, certificates }: AutomaticKeying): ParameterTable {
  return {
    title: 'Phase 1 (ISAKMP SA)',
    head: ['', 'both ends'],
    rows: [
      ['key exchange', 'IKEv1 (RFC 2409), UDP port 500; no IKEv2'],
      ['exchange mode', `our end begins with ${phase1.begins} mode, and takes ${phase1.accepts.join(' and ')} mode`],
      ['authentication', method === 'psk' ? 'pre-shared key' : 'RSA signatures with X.509 certificates'],
      ...(certificates === null ? [] : [["the other end's certificate", PEER_CERTIFICATE[certificates.peer]]]),
      ['encryption', cipherText(phase1.encryption)],
      ['hash', phase1.hash],
      ['Diffie-Hellman group', groupText(phase1.dhGroup)],
      ['lifetime', `${phase1.lifetime} seconds`],
      ['NAT traversal', 'off'],
    ],
  };
}

function protectionTable(agreed: Agreement): ParameterTable {
  const { esp, ah, mode, keying, you, us } = agreed;
  const side = ({ network, address }: AgreedEnd) => network?.cidr ?? address;
  return {
    title: keying.method === 'manual' ? 'Protection' : 'Phase 2 (IPsec SAs)',
    head: ['', 'both ends'],
    rows: [
      ['mode', mode],
      ['traffic', `everything between ${side(you)} and ${side(us)}, nothing else`],
      ['protocols', protocolsText(agreed)],
      ...(esp === null
        ? []
        : [
            ['ESP encryption', esp.encryption.map(cipherText).join(', ')],
            ['ESP authentication', esp.authentication.length === 0 ? 'none' : esp.authentication.map(hmac).join(', ')],
          ]),
      ...(ah === null ? [] : [['AH authentication', ah.authentication.map(hmac).join(', ')]]),
      ...(hasShortSha256(agreed)
        ? [['length of HMAC-SHA-256', '96 bits, as Linux has it by PF_KEY; not the 128 of RFC 4868']]
        : []),
      ...(keying.method === 'manual'
        ? []
        : [
            ['perfect forward secrecy', keying.phase2.pfsGroup === null ? 'none' : groupText(keying.phase2.pfsGroup)],
            ['lifetime', `${keying.phase2.lifetime} seconds`],
          ]),
      ['compression (IPComp)', 'none'],
    ],
  };
}

function protocolsText({ esp, ah, mode }: Agreement): string {
  if (esp === null) return 'AH alone: authenticated, not encrypted';
  if (ah === null) return 'ESP alone';
  return mode === 'transport'
    ? 'ESP inside AH: IP, AH, ESP, data'
    : 'ESP inside AH, a tunnel each: IP, AH, IP, ESP, IP, data';
}

function manualTable(you: AgreedSas, us: AgreedSas): ParameterTable {
  const row = (what: string, of: (sas: AgreedSas) => string | null) => {
    const [yours, ours] = [of(you), of(us)];
    return yours === null && ours === null ? [] : [[what, yours ?? 'none', ours ?? 'none']];
  };
  return {
    title: 'Manual keys: the SAs by the end that sends',
    head: ['', 'your end sends', 'our end sends'],
    rows: [
      ...row('AH SPI', ({ ah }) => (ah === null ? null : spi(ah.spi))),
      ...row('AH key', ({ ah }) => ah?.key ?? null),
      ...row('ESP SPI', ({ esp }) => (esp === null ? null : spi(esp.spi))),
      ...row('ESP key', ({ esp }) => esp?.key ?? null),
      ...row('ESP authentication key', ({ esp }) => esp?.authenticationKey ?? null),
      ['lifetime', 'none: until the keys are changed on both ends', 'none: until the keys are changed on both ends'],
    ],
  };
}

function spi(value: number): string {
  return `0x${value.toString(16)} (${value})`;
}

function cipherText({ name, bits }: Cipher): string {
  return bits === null ? name : `${name} ${bits}`;
}

function hmac(name: string): string {
  return name.startsWith('hmac') || name.includes('-') || name.includes('_') ? name : `hmac-${name}`;
}

function groupText(group: number): string {
  return `group ${group} (${modpName(group) ?? 'unknown'})`;
}
