/** `ip_began PID` and `ip_alive FILE` alone, for who only looks. */
export const ALIVE = `ip_began() {
  ip_t=
  [ -r "/proc/$1/stat" ] || return 0
  ip_l=; { IFS= read -r ip_l <"/proc/$1/stat"; } 2>/dev/null
  set -- \${ip_l##*) }
  case \${1-Z} in [ZXx]) return 1 ;; esac
  ip_t=\${20-}
}
ip_alive() {
  ip_w=; ip_since=
  if [ -f "$1" ]; then { read -r ip_w; read -r ip_since; } 2>/dev/null <"$1"; fi
  [ -n "$ip_w" ] && kill -0 "$ip_w" 2>/dev/null || return 1
  ip_began "$ip_w" && [ "$ip_t" = "$ip_since" ]
}
`;

/**
 * Shell functions about the processes of a run, which outlive the connection that started them.
 *
 * - `ip_mark NAME` notes in the run's folder which process this is: its number, and when it began, which tells it from
 *   another that came to have the number.
 * - `ip_alive FILE` is true while the process that has marked itself there runs.
 * - `ip_detached PROGRAM ARG…` starts a process group of its own, out of reach of what ends the session.
 * - `ip_end FILE` ends that process and all of its group, and waits until none is left. The first of a group may be gone
 *   long before the others, so they are known by their environment, too.
 * - `ip_keeper` starts the keeper, and waits until it has marked itself, or is through. Where there is a crond, `ip_at_boot` has it start
 *   again when the host boots: the new files would come up then, and nobody go back.
 */
export const PROCESSES = String.raw`${ALIVE}ip_mark() { ip_began $$; printf '%s\n%s\n' $$ "$ip_t" >"$ip_dir/.$1~" && mv -f "$ip_dir/.$1~" "$ip_dir/$1"; }
ip_detached() {
  if command -v setsid >/dev/null 2>&1; then IPSEC_PLAY_RUN="$ip_id." setsid "$@" &
  else (trap '' 1; IPSEC_PLAY_RUN="$ip_id."; export IPSEC_PLAY_RUN; exec "$@") & fi
}
ip_ours() {
  for ip_p in $(grep -ls "IPSEC_PLAY_RUN=$ip_id\." /proc/[0-9]*/environ 2>/dev/null); do
    ip_l=; { IFS= read -r ip_l <"${'$'}{ip_p%environ}stat"; } 2>/dev/null
    set -- "$1" ${'$'}{ip_l##*) }
    case ${'$'}{2-Z} in [ZXx]) continue ;; esac
    if [ "${'$'}{4-}" = "$1" ]; then return 0; fi
  done
  return 1
}
ip_end() {
  if ip_alive "$1" || { [ -n "$ip_w" ] && ip_ours "$ip_w"; }; then
    kill -9 "-$ip_w" 2>/dev/null || kill -9 "$ip_w" 2>/dev/null
    ip_n=0
    while [ $ip_n -lt 50 ] && { ip_alive "$1" || ip_ours "$ip_w"; }; do ip_n=$((ip_n + 1)); sleep 0.1 2>/dev/null || sleep 1; done
  fi
  # With what it was writing.
  rm -f "$1" ${'$'}{ip_w:+"$ip_dir"/.*~"$ip_w"}
}
ip_cron=${'$'}{ip_base%/var/lib/ipsec-play}/etc/cron.d
ip_at_boot() {
  [ -d "$ip_cron" ] || return 0
  ip_new=$ip_cron/.ipsec-play~
  printf '@reboot root sh %s/keeper.sh\n' "$ip_dir" >"$ip_new" && mv -f "$ip_new" "$ip_cron/ipsec-play" || { rm -f "$ip_new"; return 0; }
  if [ -d /selinux/booleans ] || [ -d /sys/fs/selinux/booleans ]; then restorecon "$ip_cron/ipsec-play" 2>/dev/null || :; fi
}
ip_keeper() {
  rm -f "$ip_dir/keeper.pid"
  ip_detached sh "$ip_dir/keeper.sh" </dev/null >/dev/null 2>&1
  ip_n=0
  until [ -s "$ip_dir/keeper.pid" ]; do
    ip_n=$((ip_n + 1))
    # It may be through before anybody looks: a way back takes less than our second.
    if [ $ip_n -gt 20000 ]; then
      [ -d "$ip_dir" ] || return 0
      ip_word "$ip_dir/state"
      case $ip_w in restored | restore-failed | given-up | confirmed) return 0 ;; esac
    fi
    [ $ip_n -lt 20010 ] || { echo 'no keeper starts' >&2; return 1; }
    [ $ip_n -lt 20000 ] || sleep 1
  done
}
`;
