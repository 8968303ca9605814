import { path, quote, type Rendering, type Script, sh } from '../sh.ts';
import { FATE } from './fate.ts';
import { ALIVE, PROCESSES } from './processes.ts';

/** Where all that outlives a connection is kept on a host: root's alone (0700). */
export const BASE = '/var/lib/ipsec-play';

/** The same for who is not root, as a task's `become_user` may be: it must outlive a reboot (FHS 5.15). */
const NOT_ROOTS = '/var/tmp/ipsec-play-';

/** Shell that sets `ip_base`. No fork where the folder is there already. */
export function baseScript(root: string): string {
  const [own, other] = [BASE, NOT_ROOTS].map((path) => quote(Buffer.from(root + path, 'utf8').toString('latin1')));
  return `ip_base=${own}
if [ ! -w "$ip_base" ]; then ip_n=$(id -u); [ "$ip_n" = 0 ] || ip_base=${other}$ip_n; fi`;
}

/** The same for a probe, which forks for nothing: the folder of this user, where there is one. */
export const baseProbe: Script = sh`ip_base=${path(BASE)}
if [ ! -w "$ip_base" ]; then
  for ip_n in ${path(NOT_ROOTS)}*; do if [ -O "$ip_n" ] && [ ! -h "$ip_n" ]; then ip_base=$ip_n; fi; done
fi`;

/** Which run a script belongs to. */
export interface RunOnHost {
  /** Letters, digits, `-`: it is a folder's name. */
  readonly id: string;
  readonly rendering: Rendering;
}

/**
 * Shell functions for a run's folder on the host, for the head of each script about it, after the prelude.
 *
 * ```none
 * lock/owner       who holds the host; the folder is made by mkdir(2), which only one can do
 * runs/RUN/owner   the same, for good
 *          state   prepared, running, verified, awaiting (a person), confirmed, restored, restore-failed; replaced by rename
 *          begun, proven, ended: what is decided, see fate.ts
 *          keeper.pid, runner.pid, restore.pid, session: processes, see processes.ts
 *          armed   a step that may cut us off has begun: from now on the keeper counts
 *          journal `begun ID`, `ended ID CODE`: what the keeper takes for a sign of life
 *          out err what the parts print, framed; read by who follows
 *          remaining seconds that the keeper goes on waiting for that person
 *          left    once it is confirmed: every path of the manifest as the run has left it, with its checksum; of a file that
 *                  programs of the host write anew at will (`host` in N.was), as ifup does, that of its sorted lines
 *          modes   likewise, the mode and owner of each of these files
 *          rolled-back the run that took a confirmed one back
 *          manifest (the numbers of) backup/N, N.was (of a symbolic link what it leads to, and the link); staged/N, N.at; part-N.sh, keeper.sh, restore.sh
 * ```
 */
export function hostKit({ id, rendering }: RunOnHost): string {
  return `${baseScript(rendering.root)}
ip_id=${quote(id)}; ip_dir=$ip_base/runs/$ip_id
${KIT}`;
}

/** The functions that tell whose a run's folder is, for a probe; they need those of ALIVE. */
const WHOSE = `ip_word() { ip_w=; [ -f "$1" ] && read -r ip_w <"$1"; [ -n "$ip_w" ]; }
ip_boot() { ip_w=; if [ -r /proc/sys/kernel/random/boot_id ]; then read -r ip_w </proc/sys/kernel/random/boot_id; fi; }
ip_held() {
  ip_boot; ip_now=$ip_w
  ip_word "$ip_dir/boot" && [ "$ip_w" != "$ip_now" ] && return 1
  ip_alive "$ip_dir/keeper.pid" || ip_alive "$ip_dir/session"
}
`;

/** All that a probe needs of {@link KIT}. */
export const LOOKING = `${ALIVE}${WHOSE}`;

/** The functions alone. */
export const KIT = String.raw`ip_say() { printf '%s\n' "$1" >"$ip_dir/.$2~$$" && mv -f "$ip_dir/.$2~$$" "$ip_dir/$2"; }
${WHOSE}ip_unlock() {
  if ip_word "$ip_base/lock/owner" && [ "$ip_w" = "$ip_id" ]; then
    rm -f "$ip_cron/ipsec-play"
    # Half a lock would be nobody's.
    mv "$ip_base/lock" "$ip_dir/unlocked" 2>/dev/null || rm -rf "$ip_base/lock"
    rm -rf "$ip_dir/unlocked"
  fi
}
ip_keep() {
  ip_real=$2
  if [ -h "$2" ]; then ip_real=$(readlink -f "$2") || return 1; fi
  if [ -f "$ip_real" ]; then cp -p "$ip_real" "$ip_dir/backup/$1" && ip_kind=file
  elif [ -d "$ip_real" ]; then ip_kind="dir $(stat -c '%a %u:%g' "$ip_real" 2>/dev/null)"
  elif [ -e "$ip_real" ]; then ip_kind=other
  else ip_kind=absent; fi || return 1
  {
    printf '%s\n%s\n%s\n' "$ip_kind" "$ip_real" "${'$'}{3-}"
    if [ -h "$2" ]; then printf '%s\n%s\n' "$2" "$(readlink "$2")"; fi
  } >"$ip_dir/backup/$1.was" && echo "$1" >>"$ip_dir/manifest"
}
ip_was() {
  ip_at=; ip_text=
  { read -r ip_kind && IFS= read -r ip_path && { read -r ip_writer && IFS= read -r ip_at && IFS= read -r ip_text || :; }; } <"$ip_dir/backup/$1.was"
}
ip_linked() { [ -z "$ip_at" ] || [ "$(readlink "$ip_at" 2>/dev/null)" = "$ip_text" ]; }
ip_relink() {
  if ip_linked; then return 0; fi
  if [ -d "$ip_at" ] && [ ! -h "$ip_at" ]; then echo "$ip_at has become a directory" >&2; return 1; fi
  ip_new=${'$'}{ip_at%/*}/.${'$'}{ip_at##*/}.ipsec-play~
  rm -f "$ip_new" "$ip_at" && ln -s "$ip_text" "$ip_new" && mv -f "$ip_new" "$ip_at"
}
ip_same() {
  ip_linked || return 1
  case $2 in
    absent) [ ! -e "$3" ] ;;
    file) [ -f "$3" ] && cmp -s "$3" "$ip_dir/backup/$1" ;;
    dir*) [ -d "$3" ] ;;
    *) : ;;
  esac
}
ip_alike() { [ "$2" != file ] || [ "$(stat -c '%a %u %g' "$3" 2>/dev/null)" = "$(stat -c '%a %u %g' "$ip_dir/backup/$1" 2>/dev/null)" ]; }
ip_return() { ip_refill "$@" && ip_relink; }
ip_refill() {
  case $2 in
    absent)
      if [ -d "$3" ]; then rmdir "$3" 2>/dev/null || :; else rm -f "$3" "${'$'}{3%/*}/.${'$'}{3##*/}.ipsec-play~"; fi ;;
    file)
      if [ -d "$3" ]; then echo "$3 has become a directory" >&2; return 1; fi
      ip_new=${'$'}{3%/*}/.${'$'}{3##*/}.ipsec-play~
      mkdir -p "${'$'}{3%/*}/" && rm -f "$ip_new" && cp -p "$ip_dir/backup/$1" "$ip_new" && mv -f "$ip_new" "$3" || { rm -f "$ip_new"; return 1; }
      if [ -d /selinux/booleans ] || [ -d /sys/fs/selinux/booleans ]; then restorecon "$3" 2>/dev/null || :; fi ;;
    dir\ *)
      [ -d "$3" ] || mkdir "$3" || return 1
      ip_was=${'$'}{2#dir }
      if [ -n "$ip_was" ]; then chmod "${'$'}{ip_was% *}" "$3" && chown "${'$'}{ip_was#* }" "$3"; fi ;;
  esac
}
ip_each() {
  [ -f "$ip_dir/manifest" ] || return 0
  ip_all=0
  while read -r ip_n; do ip_was "$ip_n" && "$1" "$ip_n" "$ip_kind" "$ip_path" || ip_all=1; done <"$ip_dir/manifest"
  return $ip_all
}
ip_stand() {
  [ -f "$ip_dir/manifest" ] || return 0
  set --
  while read -r ip_n; do
    ip_was "$ip_n" || return 1
    if [ -f "$ip_path" ] && [ "$ip_writer" = host ]; then printf 'lines %s %s\n' "$(sort "$ip_path" | cksum)" "$ip_path"
    elif [ -f "$ip_path" ]; then set -- "$@" "$ip_path"
    elif [ -d "$ip_path" ]; then printf 'directory %s\n' "$ip_path"
    elif [ -e "$ip_path" ]; then printf 'other %s\n' "$ip_path"
    else printf 'absent %s\n' "$ip_path"; fi
  done <"$ip_dir/manifest"
  [ $# = 0 ] || cksum "$@"
}
ip_modes() {
  [ -f "$ip_dir/manifest" ] || return 0
  set --
  while read -r ip_n; do
    ip_was "$ip_n" || return 1
    if [ -f "$ip_path" ]; then set -- "$@" "$ip_path"; fi
  done <"$ip_dir/manifest"
  [ $# = 0 ] || stat -c 'mode %a %u %g %n' "$@"
}
ip_unstage() {
  if [ -f "$ip_dir/staged.list" ]; then while IFS= read -r ip_path; do rm -f "$ip_path"; done <"$ip_dir/staged.list"; fi
  rm -rf "$ip_dir/staged" "$ip_dir/staged.list"
}
ip_forget() { ip_unstage; ip_unlock; rm -rf "$ip_dir"; }
${PROCESSES}${FATE}`;
