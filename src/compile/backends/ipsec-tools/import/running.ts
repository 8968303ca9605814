import { normal, type Policy, protects, type Traffic } from '../../../../../modules/shared/policies.ts';
import { dropsLine } from '../../../../../modules/shared/psk-lines.ts';
import { type Diagnostic, warning } from '../../../../lang/diagnostic.ts';
import { parseAddress } from '../../../../model/subnet.ts';
import { peerConfPath } from '../paths.ts';
import { phase1Seen } from './effective.ts';
import type { EndSeen } from './end.ts';
import type { HostSeen } from './host-seen.ts';
import { placeOn, variablePlace } from './place.ts';

/** What the connections of this host are for. */
export function trafficOf({ dst, src, networks }: EndSeen): Traffic {
  return networks
    ? { peer: dst, source: normal(networks.src.cidr), destination: normal(networks.dst.cidr) }
    : { peer: dst, source: src ?? '', destination: dst };
}

/**
 * Where the kernel and racoon go by something else than the connections' files say, and what belongs to none of them. No
 * check shows it. `others` are the peers of connections that are left out; null: not known.
 */
export function runningFindings(
  host: string,
  seen: HostSeen,
  ends: readonly EndSeen[],
  others: readonly (string | null)[],
): readonly Diagnostic[] {
  const known = [...ends.map(({ dst }) => dst), ...others];
  return [
    ...ends.flatMap(phase1Differs),
    ...ends.flatMap(associationsDiffer),
    ...policiesOfNone(host, seen, ends, others),
    ...keysOfNone(host, seen, known),
  ];
}

/** ifup writes DST.conf anew only where it is missing or older than the ifcfg file. */
function phase1Differs(end: EndSeen): readonly Diagnostic[] {
  const { host, connection, dst, keying, seen } = end;
  const [proposal, ...more] = seen.phase1.get(dst) ?? [];
  if (keying.method === 'manual' || proposal === undefined || more.length > 0) return [];
  const wanted = phase1Seen(end);
  const differing = (['encryption', 'hash', 'dhGroup'] as const).find(
    (field) => proposal[field] !== '' && proposal[field] !== wanted[field],
  );
  if (differing === undefined) return [];
  const { nickname } = connection;
  const variable = { encryption: 'IKE_ENC', hash: 'IKE_AUTH', dhGroup: 'IKE_DHGROUP' }[differing];
  const message = `racoon of ${host} uses ${proposal[differing]} with ${dst} (${peerConfPath(dst)}), and the files of ${nickname} say ${wanted[differing]}, which is what is taken over`;
  return [
    warning('import-phase1-differs', message, {
      span: variablePlace(host, connection, variable),
      fix: 'see which is right: ifup writes that file anew only where it is older than the ifcfg file',
    }),
  ];
}

function associationsDiffer({ host, connection, dst, keying, seen }: EndSeen): readonly Diagnostic[] {
  if (keying.method !== 'manual') return [];
  const spis = ({ ah, esp }: typeof keying.sent) => [ah?.spi, esp?.spi].filter((spi) => spi !== undefined);
  const away = seen.associations.filter(({ destination }) => destination === dst).map(({ spi }) => spi);
  const back = seen.associations.filter(({ source }) => source === dst).map(({ spi }) => spi);
  // A connection that is down has none.
  if (away.length === 0 && back.length === 0) return [];
  const isThere =
    spis(keying.sent).every((spi) => away.includes(spi)) && spis(keying.received).every((spi) => back.includes(spi));
  if (isThere) return [];
  const message = `the kernel of ${host} has other SPIs with ${dst} (setkey -D) than the files of ${connection.nickname}, which are taken over`;
  return [
    warning('import-kernel-differs', message, {
      span: variablePlace(host, connection, 'SPI_ESP_OUT'),
      fix: 'see which is right: ifdown and ifup of the connection bring what its files say',
    }),
  ];
}

/** Set up by hand, or left behind by a connection that was changed while it was up. */
function policiesOfNone(
  host: string,
  { policies }: HostSeen,
  ends: readonly EndSeen[],
  others: readonly (string | null)[],
): readonly Diagnostic[] {
  if (others.includes(null)) return [];
  const peerOf = ({ rules, destination }: Policy) => rules.find((rule) => rule.destination)?.destination ?? destination;
  const strange = (policies ?? []).filter(
    (policy) =>
      policy.direction === 'out' &&
      policy.action === 'ipsec' &&
      !others.includes(peerOf(policy)) &&
      !ends.some((end) => protects(policy, 'out', trafficOf(end))),
  );
  return strange.map((policy) =>
    warning(
      'import-kernel-only',
      `the kernel of ${host} protects ${policy.source} to ${policy.destination} (setkey -DP), and no connection's files say so: it is not taken over`,
      { fix: 'if it is needed, make it a connection: after a reboot it is gone. If not, setkey deletes it' },
    ),
  );
}

/** Lines of psk.txt that no connection leads to: of somebody who dials in, or left behind. */
function keysOfNone(host: string, { psks }: HostSeen, known: readonly (string | null)[]): readonly Diagnostic[] {
  if (known.includes(null)) return [];
  const strange = [...(psks?.keys() ?? [])].filter((peer) => !known.includes(peer));
  if (strange.length === 0) return [];
  const span = placeOn(host, '/etc/racoon/psk.txt');
  // What is no address may be a key in the wrong place.
  const named = strange.filter((peer) => typeof parseAddress(peer) === 'string');
  const whom = [...named, ...(named.length < strange.length ? ['what is no address'] : [])].join(', ');
  const stay = `psk.txt of ${host} has keys for ${whom}, to which no connection leads: they stay as they are`;
  const dropped = known.flatMap((dst) => named.flatMap((peer) => (dst && dropsLine(dst, peer) ? [[dst, peer]] : [])));
  return [
    warning('import-orphan-psk', stay, { span, fix: 'remove them where nobody needs them' }),
    ...dropped.map(([dst, peer]) =>
      warning(
        'import-psk-prefix',
        `on RHEL 4 and 5 ifup for ${dst} drops the line of ${peer} from psk.txt of ${host}, at each boot too`,
        { span, fix: 'ipsec-play puts it back when it runs ifup itself; after a boot nobody does' },
      ),
    ),
  ];
}
