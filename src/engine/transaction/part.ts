import { SAY_PID } from '../end-tasks.ts';
import { prelude } from '../prelude.ts';
import { quote, type RenderWrite } from '../sh.ts';
import { FOLLOW } from './follow.ts';
import { hostKit, type RunOnHost } from './host-kit.ts';
import { OTHERWISE } from './prepare.ts';

/** One task's change, as shell text whose files are staged. */
export interface PartStep {
  readonly id: string;
  readonly text: string;
  /** From its beginning on the keeper counts. */
  readonly risky: boolean;
  /** What follows is done all the same. */
  readonly mayFail: boolean;
}

/**
 * The changes of a part: a process of its own that outlives the connection and prints frames into the run's `out` and
 * `err`: `pid`, the steps, `endN`. The first step that fails ends it. TERM lets the running step finish and stops before
 * the next. A write whose file is not what the host was read with prints a frame `changed` with its path.
 */
export function partScript(run: RunOnHost, nonce: string, part: number, steps: readonly PartStep[]): string {
  const body = steps.map(
    ({ id, text, risky, mayFail }) => `[ -z "$ip_stop" ] || return 0
ip_b ${id}; ( set -e
${risky ? ': >>"$ip_dir/armed"\n' : ''}printf 'begun ${id}\\n' >>"$ip_dir/journal"
${text}
); ip_rc=$?; ip_e ${id} "$ip_rc"; printf 'ended ${id} %s\\n' "$ip_rc" >>"$ip_dir/journal"; ip_changed${
      mayFail ? '' : '; [ "$ip_rc" = 0 ] || return 0'
    }`,
  );
  return `${prelude(nonce)}
${hostKit(run)}${SWAP}
trap '' 1 2 13
ip_mark runner.pid || exit 1
# Whoever decides for the old state looks for us after that: one of both sees the other.
ip_fate; [ -z "$ip_f" ] || exit 1
ip_stop=; trap 'ip_stop=1' TERM
ip_part() {
${SAY_PID}
${body.join('\n')}
}
ip_part </dev/null
printf 'part ${part}\\n' >>"$ip_dir/journal"
rm -f "$ip_dir/runner.pid"; ip_b end${part}; ip_e end${part} 0
`;
}

/** How a part writes a file that was staged: number, and the number of its backup where it must still be the same. */
export function swapStaged(
  numbers: (write: Parameters<RenderWrite>[0]) => { readonly staged: string; readonly backup: number | null },
): RenderWrite {
  return (write, rendering) => {
    const { staged, backup } = numbers(write);
    const path = quote(Buffer.from(rendering.root + write.path, 'utf8').toString('latin1'));
    return `ip_swap ${staged} ${path} ${backup === null ? '-' : backup}`;
  };
}

/**
 * Starts a prepared part, detached, and copies what it says as it grows; to be sent again where the connection was lost,
 * which starts nothing twice. It ends when a line comes on stdin. Frames: `commit`, those of the part, and `gone` where
 * the part ended without its last.
 */
export function commitScript(run: RunOnHost, nonce: string, part: number): string {
  return `${prelude(nonce)}
${hostKit(run)}${FOLLOW}
ip_b commit; ( ip_boot; [ "$ip_w" = "$(cat "$ip_dir/boot")" ] || exit 1; ip_fate; [ -z "$ip_f" ] && { ip_alive "$ip_dir/keeper.pid" || ip_keeper; } && ip_link begun commit && ip_word "$ip_dir/state" && { [ "$ip_w" != prepared ] || ip_say running state; } && printf 'commit\\n' >>"$ip_dir/journal" ) </dev/null; ip_rc=$?
if [ $ip_rc = 0 ] && mkdir "$ip_dir/part-${part}" 2>/dev/null; then ip_detached sh "$ip_dir/part-${part}.sh" </dev/null >>"$ip_dir/out" 2>>"$ip_dir/err"; fi
ip_e commit $ip_rc
if [ -d "$ip_dir/part-${part}" ]; then ip_follow 'part ${part}' runner; fi; ip_b done; ip_e done 0
`;
}

const SWAP = String.raw`ip_swap() {
  ip_to=$2
  if [ -h "$2" ]; then ip_to=$(readlink -f "$2") || return 1; fi
  if [ -d "$ip_to" ]; then echo "$ip_to is a directory" >&2; return 1; fi
  if [ "$3" != - ] && ! { ip_was "$3" && ip_same "$3" "$ip_kind" "$ip_path"; }; then printf '%s\n' "$2" >"$ip_dir/otherwise"; echo "$2 was changed on the host since it was read" >&2; return ${OTHERWISE}; fi
  read -r ip_new <"$ip_dir/staged/$1.at" || return 1
  if [ "$ip_new" = "$ip_dir/staged/$1" ]; then
    ip_new=${'$'}{ip_to%/*}/.${'$'}{ip_to##*/}.ipsec-play-$1~
    printf '%s\n' "$ip_new" >>"$ip_dir/staged.list" && cp -p "$ip_dir/staged/$1" "$ip_new" || return 1
  fi
  mv -f "$ip_new" "$ip_to" || return 1
  if [ -d /selinux/booleans ] || [ -d /sys/fs/selinux/booleans ]; then restorecon "$ip_to" 2>/dev/null || :; fi
}
ip_changed() {
  if [ -f "$ip_dir/otherwise" ]; then ip_b changed; cat "$ip_dir/otherwise"; rm -f "$ip_dir/otherwise"; ip_e changed 0; fi
}`;
