import { isProtected } from '../../../../../modules/shared/protection.ts';
import { includesOfIfup } from '../../../../../modules/shared/racoon-text.ts';
import { sameValue, valueIn } from '../../../../../modules/shared/sysctl-conf.ts';
import { type Diagnostic, error, warning } from '../../../../lang/diagnostic.ts';
import { toBytes } from '../../../../model/content.ts';
import { IFUP_IPSEC, peerConfPath, RACOON_CONF, SYSCTL_CONF } from '../paths.ts';
import type { EndSeen } from './end.ts';
import type { HostSeen } from './host-seen.ts';
import { placeOn } from './place.ts';
import { trafficOf } from './running.ts';

/** What could not be read of this host, or belongs to nothing. */
export function unreadFindings(host: string, seen: HostSeen): readonly Diagnostic[] {
  return [
    ...(seen.policies === null && seen.connections.length > 0
      ? [
          warning(
            'import-unreadable',
            `the policies of the kernel of ${host} may not be read by this user (setkey -DP)`,
            {
              fix: 'work as root: -b, or ansible_become; whether its connections are up is not known',
            },
          ),
        ]
      : []),
    ...seen.unreadable.map((path) =>
      error('import-unreadable', `${path === 'psk' ? 'psk.txt' : path} of ${host} may not be read by this user`, {
        fix: 'work as root: -b, or ansible_become',
      }),
    ),
    ...seen.orphans.map((name) =>
      warning('import-orphan-keys', `${name} of ${host} has no ifcfg file beside it, and is passed over`, {
        fix: 'remove it where nobody needs it',
      }),
    ),
  ];
}

/** What a check will show of this host beside the connections' own files, of which some are taken over. */
export function hostFindings(host: string, seen: HostSeen, ends: readonly EndSeen[]): readonly Diagnostic[] {
  const pending = (path: string, message: string) =>
    warning('import-pending', `${message}: a check will show it`, {
      span: placeOn(host, path),
      fix: 'look at it with ipsec-play check',
    });
  const found: Diagnostic[] = [];
  if (!seen.hasScripts)
    found.push(pending(IFUP_IPSEC, `${host} has no ifup-ipsec, so no connection can come up there`));
  if (!seen.hasPackage) found.push(pending('/var/lib/rpm', `ipsec-tools is not installed on ${host} as a package`));
  const automatic = ends.filter(({ keying }) => keying.method !== 'manual');
  if (automatic.length > 0 && seen.racoonConf === null) found.push(pending(RACOON_CONF, `${host} has no racoon.conf`));
  if (ends.some(({ keying }) => keying.method === 'psk') && (seen.pskMode & 0o077) !== 0)
    found.push(pending(PSK_TXT, `others than root may read psk.txt of ${host}`));
  if (ends.some(({ networks }) => networks !== null)) found.push(...forwarding(host, seen, pending));
  return [...found, ...ends.flatMap((end) => endFindings(end, pending)), ...modes(host, ends)];
}

const PSK_TXT = '/etc/racoon/psk.txt';

type Pending = (path: string, message: string) => Diagnostic;

function forwarding(host: string, { sysctl, forwarding: now }: HostSeen, pending: Pending): readonly Diagnostic[] {
  const value = valueIn(sysctl, 'net.ipv4.ip_forward');
  const inFile = value !== undefined && sameValue(value, '1');
  if (inFile && now !== false) return [];
  const where = inFile ? 'in the kernel' : now === true ? `in ${SYSCTL_CONF}` : `in ${SYSCTL_CONF} and the kernel`;
  return [pending(SYSCTL_CONF, `${host} stands between networks, and net.ipv4.ip_forward is not 1 ${where}`)];
}

function endFindings(end: EndSeen, pending: Pending): readonly Diagnostic[] {
  const { host, connection, dst, networks, onboot, keying, esp, ah, seen } = end;
  const found: Diagnostic[] = [];
  const { nickname, ifcfg } = connection;
  if (keying.method === 'psk') {
    const line = seen.psks?.get(dst);
    const wanted = keying.psk.map(toBytes);
    if (line === undefined || !line.equals(wanted)) {
      const what = line === undefined ? 'has no line for' : 'has another key than the keys file for';
      found.push(pending(PSK_TXT, `psk.txt of ${host} ${what} ${dst} (${nickname})`));
    } else if (seen.repeated.has(dst)) found.push(pending(PSK_TXT, `psk.txt of ${host} has several lines for ${dst}`));
  }
  if (seen.policies === null) return found;
  const mode = networks ? ('tunnel' as const) : ('transport' as const);
  const isUp = isProtected(seen.policies, trafficOf(end), { mode, esp: esp !== false, ah: ah !== false });
  if (onboot && !isUp)
    found.push(
      pending(ifcfg.path, `${nickname} of ${host} comes up at boot, and the kernel has no such policies (setkey -DP)`),
    );
  if (isUp && keying.method !== 'manual') {
    const isListed = seen.phase1.has(dst) && includesOfIfup(seen.racoonConf ?? '').includes(peerConfPath(dst));
    if (!isListed)
      found.push(pending(peerConfPath(dst), `${nickname} of ${host} is up, and racoon does not know its peer`));
  }
  return found;
}

/** Keys that others may read. */
function modes(host: string, ends: readonly EndSeen[]): readonly Diagnostic[] {
  return ends.flatMap(({ connection: { keys } }) => {
    if (keys === null || (keys.mode & 0o077) === 0) return [];
    const message = `others than root may read ${keys.path} of ${host} (mode ${keys.mode.toString(8).padStart(4, '0')}): a check will show it`;
    return [
      warning('import-pending', message, {
        span: placeOn(host, keys.path),
        fix: 'apply makes it 0600; somebody may know the key already',
      }),
    ];
  });
}
