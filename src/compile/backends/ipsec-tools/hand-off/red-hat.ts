import type { Agreement, PeerConfiguration, PeerFile } from '../../../../model/agreement.ts';
import { type Content, joined } from '../../../../model/content.ts';
import { reveal } from '../../../../model/secret.ts';
import type { Perspective } from '../../../../model/tunnel.ts';
import { ifcfg } from '../ifcfg.ts';
import { keys } from '../keys.ts';
import { ifcfgPath, keysPath, RACOON_CONF, SYSCTL_CONF } from '../paths.ts';
import { racoonConf } from '../racoon-conf.ts';
import { racoonOptions } from '../racoon-options.ts';

/** What ipsec-play itself would write, if it had that host. */
export function redHatConfiguration(
  far: Perspective,
  { keying }: Agreement,
  options: readonly unknown[],
): PeerConfiguration {
  const { nickname } = far.src;
  const secrets = keys(far);
  const racoon = racoonOptions(options);
  const files: readonly (PeerFile | null)[] = [
    { path: ifcfgPath(nickname), isSecret: false, text: withPlaceholders(ifcfg(far)) },
    secrets && { path: keysPath(nickname), isSecret: true, text: withPlaceholders(secrets) },
    keying.method === 'manual' ? null : { path: RACOON_CONF, isSecret: false, text: racoonConf(racoon) },
    far.tunnel.type === 'network-to-network'
      ? { path: SYSCTL_CONF, isSecret: false, text: 'net.ipv4.ip_forward = 1\n' }
      : null,
  ];
  return {
    id: 'red-hat',
    title: "Red Hat's network scripts (RHEL 4, RHEL 5)",
    files: files.filter((file) => file !== null),
    cannot: [],
    notes: [
      `\`${nickname}\` is the connection's name on your host; choose another one where it is taken.`,
      ...(keying.method === 'manual'
        ? []
        : [
            `\`${RACOON_CONF}\`: \`ifup\` adds the \`include\` line itself. Where you have a racoon.conf already, only \`sainfo\` must agree.`,
          ]),
      ...(keying.method === 'x509'
        ? [`\`${racoon.paths.certificate}\` must hold ${certificateFiles(keying.certificates)}, in PEM.`]
        : []),
      ...(far.tunnel.type === 'network-to-network' ? ['`sysctl -p /etc/sysctl.conf` turns the forwarding on.'] : []),
      `\`ifup ${nickname}\` brings it up, \`ifdown ${nickname}\` takes it down. RHEL 6 and later have no such scripts.`,
    ],
  };
}

function certificateFiles(certificates: { you: string; us: string; peer: string } | null): string {
  if (certificates === null) return '';
  const { you, us, peer } = certificates;
  return `\`${you}.public\`, \`${you}.private\`${peer === 'file' ? ` and our \`${us}.public\`` : ''}`;
}

/** The text of what holds placeholders in place of keys. */
function withPlaceholders(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}
