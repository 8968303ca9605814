import type { AgreedEnd, Agreement, AutomaticKeying, Cipher, PeerConfiguration } from '../model/agreement.ts';
import { keyPlaceholder } from '../model/agreement.ts';
import { ikeConfiguration } from './ike-product.ts';
import { beginsNote, hasShortSha256, modpName, type NamedPhase2, type Names } from './names.ts';
import { proposals } from './proposals.ts';

const PRODUCT = {
  id: 'swanctl',
  title: 'strongSwan (swanctl.conf)',
  name: 'strongSwan',
  notManual:
    'strongSwan always negotiates its keys with IKE. Manual keys go in by `setkey` as above, or by `ip xfrm state` and `ip xfrm policy`, with the charon daemon kept away from them',
  notBoth:
    'one child of strongSwan has ESP or AH, never ESP inside AH. Agree on `ah: false` with us: ESP authenticates too',
};

/** swanctl.conf(5), strongSwan 5.9. */
export function swanctl(agreed: Agreement): PeerConfiguration {
  return ikeConfiguration(agreed, { ...PRODUCT, names }, (keying, phase1, phase2) => {
    const first = `${phase1.encryption}-${phase1.hash}-${phase1.group}`;
    return {
      files: [
        {
          path: '/etc/swanctl/swanctl.conf',
          isSecret: keying.method === 'psk',
          text: [...connection(agreed, keying, first, phase2), ...secrets(agreed, keying), ''].join('\n'),
        },
      ],
      notes: [
        '`swanctl --load-all` loads it.',
        ...(keying.method === 'psk' ? ['`@KEY@` stands for the hexadecimal form of the key, with its `0x`.'] : []),
        ...beginsNote(
          agreed,
          keying.method === 'psk'
            ? 'To answer aggressive mode, which is weaker, charon needs `aggressive = yes` and `i_dont_care_about_security_and_use_aggressive_mode_psk = yes` in strongswan.conf.'
            : 'To answer aggressive mode, set `aggressive = yes`.',
        ),
        ...certificateNotes(keying),
      ],
    };
  });
}

function connection(
  agreed: Agreement,
  { phase1, phase2: { lifetime }, certificates }: AutomaticKeying,
  first: string,
  phase2: NamedPhase2,
): readonly string[] {
  const { you, us, mode } = agreed;
  const protocol = agreed.esp === null ? 'ah' : 'esp';
  const auth = certificates === null ? 'psk' : 'pubkey';
  const early = (whole: number) => Math.floor(whole * 0.9);
  const side = (end: AgreedEnd, whose: 'you' | 'us') => [
    `            auth = ${auth}`,
    ...(certificates === null ? [`            id = ${end.address}`] : []),
    ...(certificates !== null && (whose === 'you' || certificates.peer === 'file')
      ? [`            certs = ${certificates[whose]}.public`]
      : []),
    ...(certificates !== null && whose === 'us' && certificates.peer !== 'file' ? ['            id = %any'] : []),
  ];
  return [
    'connections {',
    `    ${section(agreed)} {`,
    '        version = 1',
    '        aggressive = no',
    `        local_addrs = ${you.address}`,
    `        remote_addrs = ${us.address}`,
    `        proposals = ${first}`,
    `        # together ${phase1.lifetime} seconds, which is what is proposed`,
    `        rekey_time = ${early(phase1.lifetime)}s`,
    `        over_time = ${phase1.lifetime - early(phase1.lifetime)}s`,
    '        local {',
    ...side(you, 'you'),
    '        }',
    '        remote {',
    ...side(us, 'us'),
    '        }',
    '        children {',
    `            ${section(agreed)} {`,
    `                mode = ${mode}`,
    `                local_ts = ${you.network?.cidr ?? `${you.address}/32`}`,
    `                remote_ts = ${us.network?.cidr ?? `${us.address}/32`}`,
    `                ${protocol}_proposals = ${proposals(phase2, '-').join(', ')}`,
    ...(hasShortSha256(agreed) ? ['                sha256_96 = yes'] : []),
    `                life_time = ${lifetime}s`,
    `                rekey_time = ${early(lifetime)}s`,
    '                start_action = trap|start',
    '            }',
    '        }',
    '    }',
    '}',
  ];
}

function secrets(agreed: Agreement, { method, certificates }: AutomaticKeying): readonly string[] {
  if (method === 'x509') {
    return certificates === null
      ? []
      : ['secrets {', `    private-${section(agreed)} {`, `        file = ${certificates.you}.private`, '    }', '}'];
  }
  return [
    'secrets {',
    `    ike-${section(agreed)} {`,
    `        id-1 = ${agreed.you.address}`,
    `        id-2 = ${agreed.us.address}`,
    `        secret = ${keyPlaceholder('psk', '')}`,
    '    }',
    '}',
  ];
}

/** A dot ends the name of a section. */
function section({ tunnel }: Agreement): string {
  return tunnel.replaceAll('.', '-');
}

function certificateNotes({ certificates }: AutomaticKeying): readonly string[] {
  if (certificates === null) return [];
  const { you, us, peer } = certificates;
  const own = `Put \`${you}.public\` into /etc/swanctl/x509 and \`${you}.private\` into /etc/swanctl/private`;
  if (peer === 'file') return [`${own}, and our certificate \`${us}.public\` into /etc/swanctl/x509.`];
  return [
    `${own}, and the certificate of the authority that has signed ours into /etc/swanctl/x509ca. In place of \`id = %any\` write the subject of our certificate.`,
    ...(peer === 'dns'
      ? ['Our end takes your certificate out of the DNS (CERT record, RFC 2538): publish it there.']
      : []),
  ];
}

/** Key lengths that charon has keywords for. */
const names: Names = {
  cipher: ({ name, bits }: Cipher) => {
    const byName: Readonly<Record<string, readonly number[]>> = {
      aes: [128, 192, 256],
      camellia: [128, 192, 256],
      blowfish: [128, 192, 256],
      'twofish-cbc': [128, 192, 256],
    };
    if (name === '3des' || name === 'des') return name;
    if (name === 'null_enc') return 'null';
    if (name === 'cast128') return 'cast128';
    return bits !== null && byName[name]?.includes(bits) ? `${name.replace('-cbc', '')}${bits}` : null;
  },
  hash: (name) =>
    ['sha1', 'md5', 'sha256', 'sha384', 'sha512'].includes(name) ? name : name === 'aes-xcbc-mac' ? 'aesxcbc' : null,
  group: modpName,
};
