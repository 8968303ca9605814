import type { Agreement, AutomaticKeying, Cipher, PeerConfiguration, PeerFile } from '../../../../model/agreement.ts';
import { spellAlgorithm } from '../../../../model/algorithms.ts';
import { racoonOptions } from '../racoon-options.ts';
import { setkeyPolicies, setkeySas } from './setkey.ts';

/** racoon.conf(5) and setkey(8) by themselves, as other Linux systems, NetBSD and FreeBSD have them. */
export function racoonConfiguration(agreed: Agreement, options: readonly unknown[]): PeerConfiguration {
  const { keying, you, us } = agreed;
  const { paths, sainfo } = racoonOptions(options);
  const policies: PeerFile = {
    path: '/etc/ipsec-tools.conf',
    isSecret: keying.method === 'manual',
    text: `#!/usr/sbin/setkey -f\n${setkeySas(agreed)}${setkeyPolicies(agreed)}`,
  };
  const route =
    us.network === null || you.gateway === null
      ? []
      : [
          `The route: \`ip route add ${us.network.cidr} via ${you.gateway} src ${you.gateway}\`; and \`net.ipv4.ip_forward = 1\`.`,
        ];
  const common = {
    id: 'racoon',
    title: 'racoon and setkey (ipsec-tools)',
    cannot: [],
    notes: [
      ...route,
      '`setkey -f /etc/ipsec-tools.conf` loads the policies; put them where your system loads them at boot. On Linux setkey adds the `fwd` policy to the one for `in`.',
    ],
  };
  if (keying.method === 'manual') return { ...common, files: [policies] };
  const conf = [
    keying.method === 'psk'
      ? `path pre_shared_key "${paths.pre_shared_key}";`
      : `path certificate "${paths.certificate}";`,
    '',
    ...remote(agreed, keying),
    '',
    `sainfo ${selector(you)} ${selector(us)}`,
    '{',
    ...(keying.phase2.pfsGroup === null ? [] : [`\tpfs_group ${keying.phase2.pfsGroup};`]),
    `\tlifetime time ${keying.phase2.lifetime} seconds;`,
    `\tencryption_algorithm ${(agreed.esp?.encryption ?? [{ name: '3des', bits: null }]).map(cipher).join(', ')};`,
    `\tauthentication_algorithm ${(agreed.esp ?? agreed.ah)?.authentication.map(hashName).join(', ')};`,
    `\tcompression_algorithm ${sainfo.compression_algorithm};`,
    '}',
    '',
  ];
  const psk: PeerFile = { path: paths.pre_shared_key, isSecret: true, text: `${us.address}\t@KEY@\n` };
  return {
    ...common,
    files: [
      { path: '/etc/racoon/racoon.conf', isSecret: false, text: conf.join('\n') },
      ...(keying.method === 'psk' ? [psk] : []),
      policies,
    ],
  };
}

function remote({ us }: Agreement, { method, certificates, phase1 }: AutomaticKeying): readonly string[] {
  const identity =
    certificates === null
      ? ['\tmy_identifier address;', '\tpeers_identifier address;']
      : [
          '\tmy_identifier asn1dn;',
          '\tpeers_identifier asn1dn;',
          `\tcertificate_type x509 "${certificates.you}.public" "${certificates.you}.private";`,
          ...(certificates.peer === 'file' ? [`\tpeers_certfile x509 "${certificates.us}.public";`] : []),
          ...(certificates.peer === 'dns' ? ['\tpeers_certfile dnssec;'] : []),
        ];
  return [
    `remote ${us.address}`,
    '{',
    `\texchange_mode ${phase1.accepts.join(', ')};`,
    ...identity,
    `\tlifetime time ${phase1.lifetime} seconds;`,
    '\tproposal {',
    `\t\tencryption_algorithm ${cipher(phase1.encryption)};`,
    `\t\thash_algorithm ${phase1.hash};`,
    `\t\tauthentication_method ${method === 'psk' ? 'pre_shared_key' : 'rsasig'};`,
    `\t\tdh_group ${phase1.dhGroup};`,
    '\t}',
    '}',
  ];
}

function selector({ address, network }: Agreement['you']): string {
  return `address ${network?.cidr ?? address} any`;
}

/** `hmac_sha1` in phase 2 is `sha1` in phase 1; what is no HMAC, as `non_auth`, has one name. */
function hashName(hash: string): string {
  return spellAlgorithm('authentication', hash, 'racoon') === hash ? `hmac_${hash}` : hash;
}

function cipher({ name, bits }: Cipher): string {
  return bits === null || name === 'cast128' ? name : `${name} ${bits}`;
}
