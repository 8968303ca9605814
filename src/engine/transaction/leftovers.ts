import type { Frame } from '../frames.ts';
import { prelude } from '../prelude.ts';
import { quote, type Rendering, Script, sh } from '../sh.ts';
import { BASE, baseProbe, hostKit, LOOKING } from './host-kit.ts';

/** A run that was neither confirmed nor cleared away. */
export interface UnfinishedRun {
  readonly id: string;
  /** See host-kit.ts. */
  readonly state: string;
  /** Its keeper lives, or its controller is there: it is not ours to touch. */
  readonly isHeld: boolean;
}

/** What earlier runs have left on a host. For a probe: builtins only, where there is nothing. */
export const probeLeftovers: Script = sh`${baseProbe}
if [ -d "$ip_base/lock" ] || [ -d "$ip_base/runs" ]; then
${new Script([{ raw: LOOKING }])}
for ip_dir in "$ip_base"/runs/*; do
  ip_id=\${ip_dir##*/}
  if [ ! -d "$ip_dir" ]; then continue; fi
  ip_word "$ip_dir/state" || ip_w=unknown
  ip_s=$ip_w
  case $ip_s in
    given-up) continue ;;
    confirmed) ip_word "$ip_base/lock/owner" && [ "$ip_w" = "$ip_id" ] || continue ;;
  esac
  if ip_held; then echo "run $ip_id $ip_s held"; else echo "run $ip_id $ip_s left"; fi
done
if [ -d "$ip_base/lock" ]; then
  ip_word "$ip_base/lock/owner" || :
  ip_id=$ip_w; ip_dir=$ip_base/runs/$ip_w
  if [ -n "$ip_id" ] && [ -d "$ip_dir" ]; then :; else echo "lock \${ip_id:--}"; fi
fi
fi
`;

export interface Leftovers {
  readonly runs: readonly UnfinishedRun[];
  /** There is a lock whose run is not there. */
  readonly hasStrayLock: boolean;
}

export function readLeftovers(printed: string): Leftovers {
  const lines = printed.split('\n').map((line) => line.split(' '));
  return {
    runs: lines.flatMap(([what, id = '', state = '', held]) =>
      what === 'run' ? [{ id, state, isHeld: held === 'held' }] : [],
    ),
    hasStrayLock: lines.some(([what]) => what === 'lock'),
  };
}

/** What a person should know of runs that somebody else has there: what was read will not stay so. */
export function heldNotes({ runs }: Leftovers): readonly string[] {
  return runs
    .filter(({ isHeld }) => isHeld)
    .map(({ id, state }) =>
      state === 'awaiting'
        ? `the run ${id} waits here to be confirmed, and goes back without it: ipsec-play confirm ${id}, or ipsec-play rollback ${id}`
        : `the run ${id} is at work on this host: what was read may not stay so`,
    );
}

/** What became of an unfinished run; see {@link recovered}. */
export function recoveredNote(id: string, state: string): string {
  if (state === 'prepared') return `the earlier run ${id} had changed nothing, and was cleared away`;
  if (state === 'restored') return `the earlier run ${id} was not brought to its end: the old state was put back`;
  if (state === 'confirmed') return `the earlier run ${id} was not brought to its end: it had been decided to keep it`;
  return `the earlier run ${id} could not be put back (${state}): its backups stay in ${BASE}/runs/${id}`;
}

/** Nobody holds it: it can be cleared. */
export function isDue({ runs, hasStrayLock }: Leftovers): boolean {
  return hasStrayLock || runs.some(({ isHeld }) => !isHeld);
}

/**
 * Clears what nobody holds any more: what was only prepared goes, what was changed and not confirmed is put back first, by
 * a process of its own that outlives the connection. To be sent again where that is lost. Frame: `recover`, a line `ID
 * STATE` for each run. What cannot be put back stays as `given-up`, with its backups.
 */
export function recoverScript(leftovers: Leftovers, rendering: Rendering, nonce: string): string {
  const due = leftovers.runs.filter(({ isHeld }) => !isHeld);
  return `${prelude(nonce)}
${hostKit({ id: '-', rendering })}${RECOVER}
ip_b recover; (
${due.map(({ id }) => `ip_recover ${quote(id)}`).join('\n')}
${leftovers.hasStrayLock ? 'ip_stray' : ''}
) </dev/null; ip_e recover $?; ip_b done; ip_e done 0
`;
}

/** `ID STATE` by run, of {@link recoverScript}. */
export function recovered(frames: ReadonlyMap<string, Frame>): ReadonlyMap<string, string> {
  const lines = (frames.get('recover')?.stdout ?? '').trim().split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [id, state] = line.split(' ');
      return id && state ? [[id, state] as const] : [];
    }),
  );
}

const RECOVER = `ip_recover_back() {
  # After a reboot crond may have started one: two would stand in each other's way. It must not hear of the decision first.
  ip_end "$ip_dir/keeper.pid"
  ip_go_back
  if [ "$(cat "$ip_dir/state")" = restore-failed ]; then ip_say running state; fi
  ip_end "$ip_dir/runner.pid"; ip_end "$ip_dir/restore.pid"
  ip_keeper
  while ip_alive "$ip_dir/keeper.pid"; do sleep 0.2 2>/dev/null || sleep 1; done
}
# While IKE negotiates the first pings are lost, and to be wrong here would leave the ends different.
ip_well() {
  [ -f "$ip_dir/health.sh" ] || return 1
  for ip_x in 1 2 3 4 5; do
    if sh "$ip_dir/health.sh" >/dev/null 2>&1; then return 0; fi
    sleep 1
  done
  return 1
}
ip_recover() {
  ip_id=$1; ip_dir=$ip_base/runs/$1
  [ -d "$ip_dir" ] || return 0
  ip_held && return 0
  ip_word "$ip_dir/state" || ip_w=prepared
  ip_fate
  case $ip_w:$ip_f in
    *:keep | confirmed:*) ip_kept ;;
    *:forget) ip_forget; echo "$ip_id prepared"; return 0 ;;
    verified:)
      if ip_well && ip_link ended keep; then ip_kept; else ip_recover_back; fi ;;
    running:* | verified:* | awaiting:* | restore-failed:*) ip_recover_back ;;
    prepared:*) if [ "$(readlink "$ip_dir/begun" 2>/dev/null)" = commit ]; then ip_recover_back; fi ;;
  esac
  ip_word "$ip_dir/state" || ip_w=prepared
  echo "$ip_id $ip_w"
  case $ip_w in
    confirmed) ;;
    prepared | restored) ip_forget ;;
    *) ip_say given-up state; ip_unstage; ip_unlock ;;
  esac
}
ip_stray() {
  ip_word "$ip_base/lock/owner" || sleep 2
  ip_word "$ip_base/lock/owner" || ip_w=-
  [ -d "$ip_base/runs/$ip_w" ] || rm -rf "$ip_base/lock"
}`;
