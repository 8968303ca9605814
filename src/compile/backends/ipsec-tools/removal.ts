import type { Perspective } from '../../../model/tunnel.ts';
import type { BackendTask } from '../backend.ts';
import { goneArgs } from './connection.ts';
import { ifcfgPath, keysPath, peerConfPath, RACOON_CONF } from './paths.ts';
import type { RacoonOptions } from './racoon-options.ts';

/**
 * Takes one end away: `ifdown` while its files tell what to delete from the kernel, then the files, then what `ifdown`
 * leaves behind. What another tunnel of the host uses stays.
 */
export function removeEnd(
  end: Perspective,
  all: readonly Perspective[],
  options: RacoonOptions,
): readonly BackendTask[] {
  const { tunnel, src, dst } = end;
  const task = (suffix: string, name: string, module: string, args: BackendTask['args']): BackendTask => ({
    key: `${tunnel.name}/${suffix}`,
    name,
    module,
    args,
    tunnel,
    triggers: null,
  });
  const include = peerConfPath(dst.address);
  const connection = [
    task('down', `ifdown ${src.nickname}`, 'connection', goneArgs(end, sharesPeer(end, all))),
    task('ifcfg', `remove ifcfg-${src.nickname}`, 'file', { path: ifcfgPath(src.nickname), state: 'absent' }),
    task('keys', `remove keys-${src.nickname}`, 'file', { path: keysPath(src.nickname), state: 'absent' }),
  ];
  const path = options.paths.pre_shared_key;
  const psk = { path, entries: [], absent: [dst.address], restore: false, raised: [] };
  const peer = [
    task('peer-conf', `remove ${dst.address}.conf`, 'file', { path: include, state: 'absent' }),
    task('include', `remove ${dst.address}.conf from racoon.conf`, 'racoon_conf', {
      path: RACOON_CONF,
      include,
      state: 'absent',
    }),
  ];
  return [
    ...(nicknameIsUsed(src.nickname, all) ? [] : connection),
    ...(leavesPsk(end, all) ? [task('psk', `remove ${dst.address} from psk.txt`, 'psk', psk)] : []),
    ...(leavesPeerConf(end, all) ? peer : []),
  ];
}

/** The peers whose psk lines go. */
export function removedPeers(gone: readonly Perspective[], all: readonly Perspective[]): readonly string[] {
  return [...new Set(gone.filter((end) => leavesPsk(end, all)).map(({ dst }) => dst.address))];
}

function nicknameIsUsed(nickname: string, all: readonly Perspective[]): boolean {
  return all.some(({ tunnel, src }) => tunnel.state === 'present' && src.nickname === nickname);
}

function leavesPsk({ tunnel, dst }: Perspective, all: readonly Perspective[]): boolean {
  return (
    tunnel.keying.method === 'psk' &&
    !all.some((other) => isPresent(other, dst.address) && other.tunnel.keying.method === 'psk')
  );
}

function leavesPeerConf(end: Perspective, all: readonly Perspective[]): boolean {
  return end.tunnel.keying.method !== 'manual' && !sharesPeer(end, all);
}

/** Another tunnel of the host needs what racoon knows of the peer. */
export function sharesPeer({ tunnel, dst }: Perspective, all: readonly Perspective[]): boolean {
  return all.some(
    (other) => other.tunnel !== tunnel && isPresent(other, dst.address) && other.tunnel.keying.method !== 'manual',
  );
}

function isPresent({ tunnel, dst }: Perspective, address: string): boolean {
  return tunnel.state === 'present' && dst.address === address;
}
