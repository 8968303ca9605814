import { type Diagnostic, error } from '../../../../lang/diagnostic.ts';
import type { Secret } from '../../../../model/secret.ts';
import { phase1Seen, protocolsSeen } from './effective.ts';
import type { EndSeen, KeyingSeen, SasSeen } from './end.ts';
import { variablePlace } from './place.ts';

/** Why two ends that lead to each other make no tunnel: the keys or the proposals that they do not have in common. */
export function agree(a: EndSeen, b: EndSeen): readonly Diagnostic[] {
  const title = `${a.connection.nickname} of ${a.host} and ${b.connection.nickname} of ${b.host}`;
  const differ = (code: string, what: string, variable: string, fix: string): Diagnostic =>
    error(code, `${title} ${what}: both are left out`, {
      span: variablePlace(a.host, a.connection, variable),
      fix,
      related: [{ message: 'the other end', span: variablePlace(b.host, b.connection, variable) }],
    });
  if (a.keying.method !== b.keying.method)
    return [
      differ(
        'import-keys-differ',
        `are keyed by ${a.keying.method} and by ${b.keying.method}`,
        'IKE_METHOD',
        'one way at both ends',
      ),
    ];
  const keys = sameKeys(a.keying, b.keying);
  const faults: Diagnostic[] = [];
  if (keys === 'psk')
    faults.push(differ('import-psk-differs', 'have different keys', 'IKE_PSK', 'the same IKE_PSK at both ends'));
  if (keys === 'manual')
    faults.push(
      differ(
        'import-keys-differ',
        "do not have each other's SPIs and keys",
        'SPI_ESP_IN',
        'what is _IN here as _OUT there',
      ),
    );
  if (keys === 'x509')
    faults.push(
      differ(
        'import-keys-differ',
        "do not name each other's certificates",
        'IKE_PEER_CERTFILE',
        'IKE_PEER_CERTFILE here as IKE_CERTFILE there',
      ),
    );
  const [one, other] = [proposals(a), proposals(b)];
  const field = Object.keys(one).find((name) => one[name] !== other[name]);
  if (field !== undefined) {
    const found = `${one[field]} and ${other[field]}`;
    faults.push({
      ...differ(
        'import-proposals-differ',
        `do not agree on ${field}`,
        VARIABLES[field] ?? field,
        'the same at both ends',
      ),
      found,
    });
  }
  return faults;
}

const VARIABLES: Readonly<Record<string, string>> = {
  'the cipher of phase 1': 'IKE_ENC',
  'the hash of phase 1': 'IKE_AUTH',
  'the Diffie-Hellman group': 'IKE_DHGROUP',
  ESP: 'ESP_PROTO',
  'the hash of ESP': 'AESP_PROTO',
  AH: 'AH_PROTO',
};

function proposals(end: EndSeen): Readonly<Record<string, string>> {
  const { esp, hash, ah } = protocolsSeen(end);
  const protocols = { ESP: esp, 'the hash of ESP': hash, AH: ah };
  if (end.keying.method === 'manual') return protocols;
  const phase1 = phase1Seen(end);
  return {
    'the cipher of phase 1': phase1.encryption,
    'the hash of phase 1': phase1.hash,
    'the Diffie-Hellman group': phase1.dhGroup,
    ...protocols,
  };
}

function sameKeys(a: KeyingSeen, b: KeyingSeen): KeyingSeen['method'] | null {
  if (a.method === 'psk' && b.method === 'psk') return a.psk.equals(b.psk) ? null : 'psk';
  if (a.method === 'manual' && b.method === 'manual')
    return sameSas(a.sent, b.received) && sameSas(a.received, b.sent) ? null : 'manual';
  if (a.method !== 'x509' || b.method !== 'x509') return null;
  const isKnown = (other: string | null, own: string) => other === null || other === own;
  const alike = (a.other === null) === (b.other === null) && a.dnssec === b.dnssec;
  return alike && isKnown(a.other, b.own) && isKnown(b.other, a.own) ? null : 'x509';
}

function sameSas(sent: SasSeen, received: SasSeen): boolean {
  const same = (a: Secret | undefined, b: Secret | undefined) => (a && b ? a.equals(b) : a === b);
  return (
    sent.ah?.spi === received.ah?.spi &&
    sent.esp?.spi === received.esp?.spi &&
    same(sent.ah?.key, received.ah?.key) &&
    same(sent.esp?.key, received.esp?.key) &&
    same(sent.esp?.authenticationKey, received.esp?.authenticationKey)
  );
}
