import { connectionVariables, isReadByIfup } from '../../../../../modules/shared/connection-files.ts';
import { statementsIn } from '../../../../../modules/shared/shell-assignments.ts';
import { type Diagnostic, error } from '../../../../lang/diagnostic.ts';
import { type AlgorithmKind, DH_GROUPS, spellAlgorithm } from '../../../../model/algorithms.ts';
import { fromBytes } from '../../../../model/content.ts';
import { isSafeName, nicknameFault } from '../../../../model/safe-name.ts';
import { reveal, Secret } from '../../../../model/secret.ts';
import { parseSpi } from '../../../../model/spi.ts';
import { isUnusable, parseAddress, parseSubnet, type Subnet } from '../../../../model/subnet.ts';
import type { Tunnel } from '../../../../model/tunnel.ts';
import type { ConnectionSeen, HostSeen } from './host-seen.ts';
import { placeOn, variablePlace } from './place.ts';

/** One end of a tunnel as its own host has it. */
export interface EndSeen {
  readonly host: string;
  readonly seen: HostSeen;
  readonly connection: ConnectionSeen;
  /** SRC; null: `ifup` takes it from the routing table. */
  readonly src: string | null;
  readonly dst: string;
  readonly networks: { readonly src: Subnet; readonly dst: Subnet } | null;
  readonly srcgw: string | null;
  readonly dstgw: string | null;
  readonly onboot: boolean;
  readonly keying: KeyingSeen;
  readonly ike: Tunnel['ike'];
  readonly esp: Tunnel['esp'];
  readonly ah: Tunnel['ah'];
}

export type KeyingSeen =
  | { readonly method: 'psk'; readonly psk: Secret }
  | { readonly method: 'x509'; readonly own: string; readonly other: string | null; readonly dnssec: boolean }
  | { readonly method: 'manual'; readonly sent: SasSeen; readonly received: SasSeen };

export interface SasSeen {
  readonly ah?: { readonly spi: number; readonly key: Secret };
  readonly esp?: { readonly spi: number; readonly key: Secret; readonly authenticationKey?: Secret };
}

/** What an end says; or why it cannot be an end of a tunnel here. Null: it is no IPsec connection. */
export function readEnd(
  host: string,
  seen: HostSeen,
  connection: ConnectionSeen,
): EndSeen | readonly Diagnostic[] | null {
  const { ifcfg, keys, nickname } = connection;
  const texts = [ifcfg, ...(keys === null ? [] : [keys])];
  const { variables } = connectionVariables(texts.map(({ text }) => reveal(text)));
  // The scripts tell the connection by its file's name, too: a TYPE that is computed may be this one.
  const type = variables.get('TYPE') ?? 'IPSEC';
  if (type.trim().toUpperCase() !== 'IPSEC' || (!variables.has('TYPE') && !variables.has('DST'))) return null;
  const faults: Diagnostic[] = [];
  const fault = (code: string, message: string, name: string | null, fix: string) => {
    const span = name === null ? placeOn(host, ifcfg.path) : variablePlace(host, connection, name);
    faults.push(error(code, `connection ${nickname} of ${host} is left out: ${message}`, { span, fix }));
  };
  // Each value would be a fault by itself.
  const dos = texts.find(({ text }) => [...connectionVariables([reveal(text)]).variables.values()].some(endsInReturn));
  if (dos !== undefined) {
    const message = `connection ${nickname} of ${host} is left out: the lines of its file end as on Windows (CR LF), and the scripts take the CR for a part of each value`;
    const span = placeOn(host, dos.path, reveal(dos.text), reveal(dos.text).indexOf('\r'));
    return [error('import-inexpressible', message, { span, fix: `sed -i 's/\\r$//' ${dos.path}` })];
  }
  if (type !== 'IPSEC')
    fault('import-inexpressible', 'the scripts know TYPE=IPSEC in capitals alone', 'TYPE', 'TYPE=IPSEC');
  for (const { path, text } of texts) {
    const bytes = reveal(text);
    for (const at of statementsIn(bytes).commands) {
      const message = `connection ${nickname} of ${host} is left out: its file does more than assign, and an import never runs anything`;
      faults.push(error('import-commands', message, { span: placeOn(host, path, bytes, at), fix: WRITE_OUT }));
    }
  }
  for (const [name, value] of variables) {
    if (value === null && (isReadByIfup(name) || name === 'ONBOOT'))
      fault('import-computed', `the shell computes ${name}, and an import never runs anything`, name, WRITE_OUT);
  }
  if (!isSafeName(nickname) || nicknameFault(nickname) !== undefined)
    fault(
      'import-inexpressible',
      `${JSON.stringify(nickname)} cannot be a nickname here`,
      null,
      'give its files another name',
    );
  if (faults.length > 0) return faults;

  const get = (name: string) => {
    const value = variables.get(name) ?? undefined;
    return value === undefined ? undefined : fromBytes(value);
  };
  const wrong = (name: string, what: string, fix: string) => {
    fault('import-inexpressible', `${name} ${what}`, name, fix);
    return null;
  };
  const address = (name: string) => {
    const text = get(name);
    if (text === undefined) return null;
    const parsed = parseAddress(text);
    if (typeof parsed === 'string' && !isUnusable(parsed)) return parsed;
    return wrong(name, 'is no IPv4 address that a host can have', 'four numbers from 0 to 255');
  };
  const network = (name: string) => {
    const text = get(name);
    if (text === undefined) return null;
    const parsed = parseSubnet(text);
    if ('cidr' in parsed) return parsed;
    return wrong(
      name,
      'is no network in CIDR notation without host bits',
      parsed.fault === 'host-bits' ? parsed.suggestion : '192.168.1.0/24',
    );
  };
  const algorithm = (names: readonly string[], kind: AlgorithmKind, spelling: 'racoon' | 'setkey') => {
    const name = names.find((each) => get(each) !== undefined);
    const text = name === undefined ? undefined : get(name);
    if (name === undefined || text === undefined || text === 'none') return undefined;
    const known = spellAlgorithm(kind, text, spelling);
    if (known === undefined)
      wrong(name, `names no ${kind} algorithm that ${spelling} knows here`, 'one of docs/inventory.md');
    return known;
  };

  const dst = address('DST');
  if (dst === null && get('DST') === undefined)
    fault('import-inexpressible', 'it has no DST', null, "DST=, the peer's address");
  const [srcnet, dstnet] = [network('SRCNET'), network('DSTNET')];
  const one = (['SRCNET', 'DSTNET'] as const).filter((name) => get(name) !== undefined);
  if (one.length === 1)
    fault(
      'import-inexpressible',
      `${one[0]} stands without the other network`,
      one[0] ?? null,
      'SRCNET and DSTNET, or neither',
    );
  const method = methodOf(get);
  const spelling = method === 'manual' ? 'setkey' : 'racoon';
  const either = (name: string) => [name, `${name}_IN`, `${name}_OUT`];
  const dhText = method === 'manual' ? undefined : get('IKE_DHGROUP');
  const dhGroup = dhText === undefined ? undefined : Number(dhText);
  if (dhGroup !== undefined && !DH_GROUPS.includes(dhGroup))
    wrong('IKE_DHGROUP', 'is no Diffie-Hellman group', `one of: ${DH_GROUPS.join(', ')}`);
  const secret = (name: string) => {
    const value = get(name);
    return value === undefined ? undefined : new Secret(value);
  };
  const keying =
    method === null
      ? wrong('IKE_METHOD', 'names no way of keying that is known here', 'PSK or X509')
      : keyingOf(method, dst ?? '', seen, get, secret, fault);
  const rest = {
    src: address('SRC'),
    srcgw: address('SRCGW'),
    dstgw: address('DSTGW'),
    ike:
      method === 'manual'
        ? {}
        : optional({
            encryption: algorithm(['IKE_ENC'], 'encryption', 'racoon'),
            hash: algorithm(['IKE_AUTH'], 'authentication', 'racoon'),
            dhGroup,
          }),
    esp:
      get('ESP_PROTO') !== 'none' &&
      optional({
        encryption: algorithm(either('ESP_PROTO'), 'encryption', spelling),
        authentication: algorithm(either('AESP_PROTO'), 'authentication', spelling),
      }),
    ah:
      get('AH_PROTO') !== 'none' &&
      optional({ authentication: algorithm(either('AH_PROTO'), 'authentication', spelling) }),
  };
  if (faults.length > 0 || dst === null || keying === null) return faults;
  return {
    host,
    seen,
    connection,
    dst,
    networks: srcnet && dstnet ? { src: srcnet, dst: dstnet } : null,
    onboot: !/^(no|false)$/i.test(get('ONBOOT') ?? 'yes'),
    keying,
    ...rest,
    ...(keying.method === 'manual'
      ? { esp: keying.sent.esp ? rest.esp : false, ah: keying.sent.ah ? rest.ah : false }
      : {}),
  };
}

/** DST of a connection that cannot be taken over; null: it is not known. */
export function destinationOf({ ifcfg, keys }: ConnectionSeen): string | null {
  const texts = [ifcfg, ...(keys === null ? [] : [keys])].map(({ text }) => reveal(text));
  const parsed = parseAddress(connectionVariables(texts).variables.get('DST')?.trim() ?? '');
  return typeof parsed === 'string' ? parsed : null;
}

function endsInReturn(value: string | null): boolean {
  return value?.endsWith('\r') === true;
}

const WRITE_OUT = 'write the values out, and import again';

type Get = (name: string) => string | undefined;

/** As ifup-ipsec concludes it. */
function methodOf(get: Get): 'psk' | 'x509' | 'manual' | null {
  if (get('IKE_PSK') !== undefined) return 'psk';
  if (['IKE_CERTFILE', 'IKE_PEER_CERTFILE', 'IKE_DNSSEC'].some((name) => get(name) !== undefined)) return 'x509';
  const method = get('IKE_METHOD');
  if (method === undefined) return get('KEYING') === 'automatic' ? null : 'manual';
  return method === 'PSK' ? 'psk' : method === 'X509' ? 'x509' : null;
}

function keyingOf(
  method: 'psk' | 'x509' | 'manual',
  dst: string,
  { psks }: HostSeen,
  get: Get,
  secret: (name: string) => Secret | undefined,
  fault: (code: string, message: string, name: string | null, fix: string) => void,
): KeyingSeen | null {
  if (method === 'psk') {
    const psk = secret('IKE_PSK') ?? psks?.get(dst)?.map(fromBytes);
    if (psk === undefined)
      fault(
        'import-inexpressible',
        'it has no key: neither IKE_PSK nor a line in psk.txt',
        null,
        'IKE_PSK= in its keys file',
      );
    return psk === undefined ? null : { method, psk };
  }
  if (method === 'x509') {
    const own = get('IKE_CERTFILE');
    if (own === undefined)
      fault('import-inexpressible', 'it has no IKE_CERTFILE', null, 'IKE_CERTFILE= its own certificate');
    const dnssec = get('IKE_DNSSEC') !== undefined;
    return own === undefined ? null : { method, own, other: get('IKE_PEER_CERTFILE') ?? null, dnssec };
  }
  const [sent, received] = (['OUT', 'IN'] as const).map((way) => sasOf(way, get, secret, fault));
  if (!sent || !received) return null;
  const isOneWay = (['ah', 'esp'] as const).some(
    (protocol) => (sent[protocol] === undefined) !== (received[protocol] === undefined),
  );
  if (isOneWay)
    fault(
      'import-inexpressible',
      'a protocol is there in one direction only',
      null,
      'keys and SPIs of both directions',
    );
  if (!isOneWay && !sent.ah && !sent.esp)
    fault('import-inexpressible', 'it has no keys', null, 'IKE_PSK=, or KEY_ESP_IN= and so on');
  return isOneWay || (!sent.ah && !sent.esp) ? null : { method, sent, received };
}

function sasOf(
  way: 'IN' | 'OUT',
  get: Get,
  secret: (name: string) => Secret | undefined,
  fault: (code: string, message: string, name: string | null, fix: string) => void,
): SasSeen | null {
  let isWhole = true;
  const key = (name: string) => secret(`KEY_${name}_${way}`) ?? secret(`KEY_${name}`);
  const sa = (name: 'AH' | 'ESP') => {
    const found = get(`${name}_PROTO`) === 'none' ? undefined : key(name);
    if (found === undefined) return undefined;
    const spi = parseSpi(get(`SPI_${name}_${way}`) ?? '');
    if (typeof spi === 'number') return { spi, key: found };
    fault(
      'import-inexpressible',
      `SPI_${name}_${way} is no SPI from 0x100 to 0xffffffff`,
      `SPI_${name}_${way}`,
      `SPI_${name}_${way}=0x200`,
    );
    isWhole = false;
    return undefined;
  };
  const [ah, esp] = [sa('AH'), sa('ESP')];
  const authenticationKey = key('AESP');
  if (!isWhole) return null;
  return {
    ...(ah ? { ah } : {}),
    ...(esp ? { esp: { ...esp, ...(authenticationKey ? { authenticationKey } : {}) } } : {}),
  };
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function optional<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
