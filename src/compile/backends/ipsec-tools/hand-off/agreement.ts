import type {
  AgreedEnd,
  AgreedSas,
  Agreement,
  AutomaticKeying,
  Cipher,
  ManualKeying,
} from '../../../../model/agreement.ts';
import { keyPlaceholder } from '../../../../model/agreement.ts';
import { MANUAL_DEFAULTS, spellAlgorithm } from '../../../../model/algorithms.ts';
import { parseManualKey } from '../../../../model/manual-key.ts';
import { reveal, type Secret } from '../../../../model/secret.ts';
import type { End, Keying, ManualSas, Perspective } from '../../../../model/tunnel.ts';
import { phase1Of } from '../phase1.ts';
import { type RacoonOptions, racoonOptions } from '../racoon-options.ts';

type Manual = Extract<Keying, { method: 'manual' }>;

/** All that racoon, setkey and the network scripts do with a tunnel, their defaults spelled out. */
export function agreement(far: Perspective, options: readonly unknown[]): Agreement {
  const { tunnel, src, dst, index } = far;
  const common = {
    tunnel: tunnel.name,
    type: tunnel.type,
    mode: tunnel.type === 'network-to-network' ? ('tunnel' as const) : ('transport' as const),
    you: agreedEnd(src),
    us: agreedEnd(dst),
  };
  const { keying } = tunnel;
  if (keying.method === 'manual') {
    const [you, us] = index === 0 ? keying.sent : [keying.sent[1], keying.sent[0]];
    return { ...common, ...manualProtocols(far, keying), keying: manualKeying(you, src.host, us, dst.host) };
  }
  const { sainfo } = racoonOptions(options);
  const authentication = listed(sainfo.authentication_algorithm).map(hashName);
  return {
    ...common,
    esp: tunnel.esp === false ? null : { encryption: listed(sainfo.encryption_algorithm).map(cipher), authentication },
    ah: tunnel.ah === false ? null : { authentication },
    keying: automaticKeying(far, sainfo),
  };
}

function agreedEnd({ host, address, network, gateway }: End): AgreedEnd {
  return {
    host,
    address,
    network: network ? { cidr: network.cidr, address: network.address, prefix: network.prefix } : null,
    gateway: gateway ?? null,
  };
}

/** What racoon takes where a `remote` says nothing: OAKLEY_ATTR_SA_LD_SEC_DEFAULT. ifup writes no lifetime there. */
const PHASE_1_LIFETIME = 28_800;

function automaticKeying(far: Perspective, sainfo: RacoonOptions['sainfo']): AutomaticKeying {
  const { keying } = far.tunnel;
  const { encryption, hash, dhGroup } = phase1Of(far);
  return {
    method: keying.method === 'x509' ? 'x509' : 'psk',
    certificates:
      keying.method === 'x509'
        ? {
            you: keying.certificates[far.index],
            us: keying.certificates[far.index === 0 ? 1 : 0],
            peer: keying.peer,
          }
        : null,
    phase1: {
      encryption: cipher(encryption),
      hash: hashName(hash),
      dhGroup,
      lifetime: PHASE_1_LIFETIME,
      // `exchange_mode aggressive, main`, as ifup writes it: the first is what it begins with.
      begins: 'aggressive',
      accepts: ['main', 'aggressive'],
    },
    phase2: { pfsGroup: sainfo.pfs_group === false ? null : sainfo.pfs_group, lifetime: seconds(sainfo.lifetime) },
  };
}

function manualProtocols({ tunnel }: Perspective, { sent }: Manual): Pick<Agreement, 'esp' | 'ah'> {
  const esp = tunnel.esp !== false && sent.some((sas) => sas.esp !== undefined) ? tunnel.esp : null;
  const ah = tunnel.ah !== false && sent.some((sas) => sas.ah !== undefined) ? tunnel.ah : null;
  const isAuthenticated = sent.some((sas) => sas.esp?.authenticationKey !== undefined);
  const key = sent.map((sas) => sas.esp?.key).find((each) => each !== undefined);
  return {
    esp: esp && {
      encryption: [withKeyLength(cipher(esp.encryption ?? MANUAL_DEFAULTS.encryption), key)],
      authentication: isAuthenticated ? [hashName(esp.authentication ?? MANUAL_DEFAULTS.authentication)] : [],
    },
    ah: ah && { authentication: [hashName(ah.authentication ?? MANUAL_DEFAULTS.authentication)] },
  };
}

/** Of manual keys it is the key that says how long it is. */
function withKeyLength(found: Cipher, key: Secret | undefined): Cipher {
  if (found.bits === null || key === undefined) return found;
  const parsed = parseManualKey(reveal(key));
  return 'fault' in parsed ? found : { ...found, bits: parsed.bytes.length * 8 };
}

function manualKeying(you: ManualSas, yourName: string, us: ManualSas, ourName: string): ManualKeying {
  return { method: 'manual', sent: { you: agreedSas(you, yourName), us: agreedSas(us, ourName) } };
}

function agreedSas({ ah, esp }: ManualSas, host: string): AgreedSas {
  return {
    ah: ah ? { spi: ah.spi, key: keyPlaceholder('ah', host) } : null,
    esp: esp
      ? {
          spi: esp.spi,
          key: keyPlaceholder('esp', host),
          authenticationKey: esp.authenticationKey ? keyPlaceholder('esp-authentication', host) : null,
        }
      : null,
  };
}

/** Key lengths that racoon takes where none is written (algorithm.c). */
const USUAL_BITS: Readonly<Record<string, number>> = {
  aes: 128,
  camellia: 128,
  blowfish: 448,
  cast128: 128,
  'twofish-cbc': 128,
};

/** racoon's `rijndael` is AES by its older name. */
function cipher(text: string): Cipher {
  const [word = '', bits] = text.trim().split(/\s+/);
  const spelled = (spellAlgorithm('encryption', word, 'racoon') ?? word).split(' ')[0] ?? word;
  const name = spelled === 'rijndael' ? 'aes' : spelled;
  return { name, bits: bits === undefined ? (USUAL_BITS[name] ?? null) : Number(bits) };
}

function hashName(text: string): string {
  return spellAlgorithm('authentication', text, 'racoon') ?? text;
}

function listed(algorithms: string | readonly string[]): readonly string[] {
  const list = typeof algorithms === 'string' ? algorithms.split(',') : algorithms;
  return list.map((each) => each.trim());
}

function seconds(lifetime: string): number {
  const [count = '', unit = ''] = lifetime.split(' ');
  return Number(count) * (unit.startsWith('hour') ? 3600 : unit.startsWith('min') ? 60 : 1);
}
