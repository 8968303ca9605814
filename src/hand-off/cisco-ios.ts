import type {
  AgreedEnd,
  AgreedSas,
  Agreement,
  AutomaticKeying,
  Cipher,
  PeerConfiguration,
} from '../model/agreement.ts';
import {
  hasShortSha256,
  isFaults,
  type NamedPhase1,
  type NamedPhase2,
  type Names,
  namedPhase1,
  namedPhase2,
} from './names.ts';

const PRODUCT = 'Cisco IOS';
const TITLE = 'Cisco IOS (crypto map)';

/** Crypto maps of IOS 12.4 and later. */
export function ciscoIos(agreed: Agreement): PeerConfiguration {
  const { keying } = agreed;
  const phase1 = keying.method === 'manual' ? null : namedPhase1(agreed, names, PRODUCT);
  const phase2 = namedPhase2(agreed, names, PRODUCT);
  const cannot = [
    ...(agreed.esp !== null && agreed.ah !== null && agreed.mode === 'tunnel'
      ? [
          'IOS puts AH and ESP behind one outer header; our end makes a tunnel of each, one in the other, and does not take the other form. Agree on `ah: false` with us: ESP authenticates too',
        ]
      : []),
    ...(hasShortSha256(agreed)
      ? ['our kernel cuts HMAC-SHA-256 to 96 bits, IOS to 128 (RFC 4868): agree on sha1 for phase 2 with us']
      : []),
    ...(phase1 !== null && isFaults(phase1) ? phase1 : []),
    ...(isFaults(phase2) ? phase2 : []),
  ];
  if (cannot.length > 0 || isFaults(phase2) || (phase1 !== null && isFaults(phase1))) {
    return { id: 'cisco-ios', title: TITLE, files: [], cannot, notes: [] };
  }
  const text =
    keying.method === 'manual' || phase1 === null
      ? manual(agreed, phase2)
      : automatic(agreed, keying as AutomaticKeying, phase1, phase2);
  return {
    id: 'cisco-ios',
    title: TITLE,
    files: [{ path: 'running-config', isSecret: false, text: text.join('\n') }],
    cannot: [],
    notes: notes(agreed),
  };
}

function automatic(
  agreed: Agreement,
  { method, phase1: { lifetime }, phase2: { lifetime: life, pfsGroup }, certificates }: AutomaticKeying,
  phase1: NamedPhase1,
  phase2: NamedPhase2,
): readonly string[] {
  const { us } = agreed;
  const name = nameOf(agreed);
  const sets = transformSets(agreed, phase2);
  return [
    'crypto isakmp policy 10',
    ` encr ${phase1.encryption}`,
    ` hash ${phase1.hash}`,
    ` authentication ${method === 'psk' ? 'pre-share' : 'rsa-sig'}`,
    ` group ${phase1.group}`,
    ` lifetime ${lifetime}`,
    ...(method === 'psk'
      ? [`crypto isakmp key @KEY@ address ${us.address}`, 'crypto isakmp identity address']
      : [`crypto pki trustpoint ${certificates?.you ?? name}`, 'crypto isakmp identity dn']),
    '!',
    ...sets.flatMap(({ set, transforms }) => [
      `crypto ipsec transform-set ${set} ${transforms}`,
      ` mode ${agreed.mode}`,
    ]),
    '!',
    ...accessList(agreed, name),
    '!',
    `crypto map ${name} 10 ipsec-isakmp`,
    ` set peer ${us.address}`,
    ` set transform-set ${sets.map(({ set }) => set).join(' ')}`,
    ...(pfsGroup === null ? [] : [` set pfs group${pfsGroup}`]),
    ` set security-association lifetime seconds ${life}`,
    ` match address ${name}`,
    ...onInterface(agreed, name),
  ];
}

function manual(agreed: Agreement, phase2: NamedPhase2): readonly string[] {
  if (agreed.keying.method !== 'manual') return [];
  const { you, us } = agreed.keying.sent;
  const name = nameOf(agreed);
  const [set] = transformSets(agreed, phase2);
  const keys = (way: string, { ah, esp }: AgreedSas) => [
    ...(esp === null
      ? []
      : [
          ` set session-key ${way} esp ${esp.spi} cipher ${esp.key}${esp.authenticationKey === null ? '' : ` authenticator ${esp.authenticationKey}`}`,
        ]),
    ...(ah === null ? [] : [` set session-key ${way} ah ${ah.spi} ${ah.key}`]),
  ];
  return [
    `crypto ipsec transform-set ${set?.set} ${set?.transforms}`,
    ` mode ${agreed.mode}`,
    '!',
    ...accessList(agreed, name),
    '!',
    `crypto map ${name} 10 ipsec-manual`,
    ` set peer ${agreed.us.address}`,
    ` set transform-set ${set?.set}`,
    ...keys('outbound', you),
    ...keys('inbound', us),
    ` match address ${name}`,
    ...onInterface(agreed, name),
  ];
}

/** One for each cipher with each hash, in our order. The hash of AH may be another one with manual keys only. */
function transformSets(agreed: Agreement, { ciphers, hashes }: NamedPhase2) {
  const { esp, ah, keying } = agreed;
  const ofAh = (ah?.authentication ?? []).flatMap((each) => names.hash(each) ?? [])[0] ?? null;
  const all = (ciphers.length === 0 ? [null] : ciphers).flatMap((cipher) =>
    (hashes.length === 0 ? [null] : hashes).map((hash) =>
      [
        ...(ah === null ? [] : [`ah-${keying.method === 'manual' ? ofAh : hash}-hmac`]),
        ...(cipher === null ? [] : [`esp-${cipher}`]),
        ...(esp === null || hash === null ? [] : [`esp-${hash}-hmac`]),
      ].join(' '),
    ),
  );
  const name = nameOf(agreed);
  return all.map((transforms, index) => ({ set: all.length === 1 ? name : `${name}-${index + 1}`, transforms }));
}

function accessList({ you, us }: Agreement, name: string): readonly string[] {
  const side = ({ address, network }: AgreedEnd) =>
    network === null ? `host ${address}` : `${network.address} ${wildcard(network.prefix)}`;
  return [`ip access-list extended ${name}`, ` permit ip ${side(you)} ${side(us)}`];
}

function onInterface({ you }: Agreement, name: string): readonly string[] {
  return ['!', `! the interface that has ${you.address}`, 'interface OUTSIDE', ` crypto map ${name}`, ''];
}

/** The opposite of a netmask: 0.0.0.255 for 24. */
function wildcard(prefix: number): string {
  return [0, 8, 16, 24].map((shift) => 2 ** (8 - Math.min(8, Math.max(0, prefix - shift))) - 1).join('.');
}

function nameOf({ tunnel }: Agreement): string {
  return tunnel.replaceAll(/[^A-Za-z0-9_-]/g, '-');
}

function notes({ keying, mode, type, esp, ah }: Agreement): readonly string[] {
  return [
    'Policy 10 and entry 10 are examples: take numbers that are free. Traffic that NAT would change must be left out of it.',
    ...(keying.method === 'psk'
      ? [
          'IOS takes `@KEY@` as text, of at most 128 characters and without `?` or blanks; the sheet of the key says whether this one can be typed.',
        ]
      : []),
    ...(keying.method === 'manual'
      ? ['IOS takes the keys in hexadecimal, without `0x`; the SPIs stand here in decimal.']
      : []),
    ...(keying.method === 'x509'
      ? [
          `Enroll or import your certificate into the trustpoint, and authenticate the authority that has signed ours. IOS gets our certificate in the IKE exchange.`,
          ...(keying.certificates?.peer === 'exchange'
            ? []
            : ['Our end looks for your certificate in a file or in the DNS, not in the exchange: send it to us.']),
        ]
      : []),
    ...(keying.method === 'manual'
      ? []
      : [
          'IOS begins with main mode and answers aggressive mode too, unless `crypto isakmp aggressive-mode disable` is set.',
        ]),
    ...(type === 'host-to-host' && mode === 'transport'
      ? ['Transport mode carries the own traffic of the router only.']
      : []),
    ...(esp !== null && ah !== null
      ? ['IOS sends AH around ESP, as our end does. Many later releases (IOS XE 17) have no AH.']
      : []),
  ];
}

const names: Names = {
  cipher: ({ name, bits }: Cipher) => {
    if (name === '3des' || name === 'des') return name;
    if (name === 'null_enc') return 'null';
    if (name !== 'aes' || bits === null || ![128, 192, 256].includes(bits)) return null;
    return bits === 128 ? 'aes' : `aes ${bits}`;
  },
  hash: (name) => ({ sha1: 'sha', md5: 'md5', sha256: 'sha256', sha384: 'sha384', sha512: 'sha512' })[name] ?? null,
  group: (number) => ([1, 2, 5, 14, 15, 16].includes(number) ? String(number) : null),
};
