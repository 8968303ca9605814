import type { Agreement, AutomaticKeying, Cipher, PeerConfiguration } from '../model/agreement.ts';
import { keyPlaceholder } from '../model/agreement.ts';
import { ikeConfiguration } from './ike-product.ts';
import { beginsNote, hasShortSha256, modpName, type NamedPhase1, type NamedPhase2, type Names } from './names.ts';
import { proposals } from './proposals.ts';

const PRODUCT = {
  id: 'libreswan',
  title: 'Libreswan (ipsec.conf)',
  name: 'Libreswan',
  notManual:
    'Libreswan always negotiates its keys with IKE. Manual keys go in by `setkey` as above, or by `ip xfrm state` and `ip xfrm policy`, with the pluto daemon kept away from them',
  notBoth:
    'Libreswan has given up `ah+esp` (RFC 8221, section 4): a connection has `phase2=esp` or `phase2=ah`. Agree on `ah: false` with us: ESP authenticates too',
};

/** ipsec.conf(5) and ipsec.secrets(5) of Libreswan 4. */
export function libreswan(agreed: Agreement): PeerConfiguration {
  const { you, us, tunnel } = agreed;
  return ikeConfiguration(agreed, { ...PRODUCT, names }, (keying, phase1, phase2) => {
    const secret = `${you.address} ${us.address} : PSK ${keyPlaceholder('psk', '')}\n`;
    return {
      files: [
        { path: `/etc/ipsec.d/${tunnel}.conf`, isSecret: false, text: connection(agreed, keying, phase1, phase2) },
        ...(keying.method === 'psk' ? [{ path: `/etc/ipsec.d/${tunnel}.secrets`, isSecret: true, text: secret }] : []),
      ],
      notes: [
        ...(phase1.group === 'modp1024' || phase2.group === 'modp1024'
          ? [
              'Diffie-Hellman group 2 (modp1024) is not in Libreswan since 3.30 unless it was built with `USE_DH2=true`; Debian and Fedora do not. Agree on `ike: { dh_group: 14 }` and `racoon: { sainfo: { pfs_group: 14 } }` with us, or on 5 for a peer of RHEL 5.',
            ]
          : []),
        ...(keying.method === 'psk' ? ['`@KEY@` stands for the hexadecimal form of the key, with its `0x`.'] : []),
        `\`ipsec auto --add ${tunnel}\` loads it, after \`ipsec secrets\`; \`ipsec auto --up ${tunnel}\` brings it up.`,
        ...beginsNote(agreed, 'To answer aggressive mode, which is weaker, write `aggressive=yes`.'),
        ...certificateNotes(keying),
      ],
    };
  });
}

function connection(
  agreed: Agreement,
  { phase1: { lifetime }, phase2: { lifetime: life, pfsGroup }, certificates }: AutomaticKeying,
  phase1: NamedPhase1,
  phase2: NamedPhase2,
): string {
  const { tunnel, you, us, mode, esp } = agreed;
  const lines = [
    'ikev2=no',
    'aggressive=no',
    `type=${mode}`,
    `authby=${certificates === null ? 'secret' : 'rsasig'}`,
    `left=${you.address}`,
    ...(you.network === null ? [] : [`leftsubnet=${you.network.cidr}`]),
    ...(you.gateway === null ? [] : [`leftsourceip=${you.gateway}`]),
    ...(certificates === null ? [`leftid=${you.address}`] : [`leftcert=${certificates.you}`, 'leftid=%fromcert']),
    `right=${us.address}`,
    ...(us.network === null ? [] : [`rightsubnet=${us.network.cidr}`]),
    ...(certificates === null ? [`rightid=${us.address}`] : []),
    ...(certificates === null
      ? []
      : [...(certificates.peer === 'file' ? [`rightcert=${certificates.us}`] : []), 'rightid=%fromcert']),
    `ike=${phase1.encryption}-${phase1.hash};${phase1.group}`,
    `ikelifetime=${lifetime}s`,
    `phase2=${esp === null ? 'ah' : 'esp'}`,
    `phase2alg=${proposals(phase2, ';').join(',')}`,
    `pfs=${pfsGroup === null ? 'no' : 'yes'}`,
    `salifetime=${life}s`,
    ...(hasShortSha256(agreed) ? ['sha2-truncbug=yes'] : []),
    'auto=start',
  ];
  return `conn ${tunnel}\n${lines.map((line) => `\t${line}\n`).join('')}`;
}

function certificateNotes({ certificates }: AutomaticKeying): readonly string[] {
  if (certificates === null) return [];
  const { you, us, peer } = certificates;
  return [
    `Import your certificate and key into Libreswan's NSS database under the name \`${you}\` (\`ipsec import\`)${peer === 'file' ? `, and our certificate under the name \`${us}\` (\`certutil -A\`)` : ', and the certificate of the authority that has signed ours'}.`,
    ...(peer === 'dns'
      ? ['Our end takes your certificate out of the DNS (CERT record, RFC 2538): publish it there.']
      : []),
  ];
}

const names: Names = {
  cipher: ({ name, bits }: Cipher) => {
    if (name === '3des') return name;
    if (name === 'null_enc') return 'null';
    return bits !== null && ['aes', 'camellia'].includes(name) && [128, 192, 256].includes(bits)
      ? `${name}${bits}`
      : null;
  },
  hash: (name) =>
    ({ sha1: 'sha1', md5: 'md5', sha256: 'sha2_256', sha384: 'sha2_384', sha512: 'sha2_512' })[name] ?? null,
  group: (number) => (number === 1 ? null : modpName(number)),
};
