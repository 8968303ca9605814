/** Confirmed runs whose backups are kept on a host, for `rollback RUN`. */
export const RUNS_KEPT = 5;

/**
 * Shell functions about what becomes of a run. The controller and the keeper may come to decide at the same moment, and
 * either may die right after: so each decision is a symbolic link, which only one of them can make, and which holds the
 * word from its first moment. Whoever comes next carries out what is decided.
 *
 * ```none
 * begun   commit | forget    the first change may be made, or nothing was changed and every trace goes
 * proven  verified | back    every host of the transaction has proven its changes, or the old state comes back
 * ended   keep | back        after that
 * ```
 *
 * - `ip_link NAME WORD` is true when that is the decision, be it made just now or before.
 * - `ip_fate` sets `ip_f` to `forget`, `back` or `keep`; empty while none of them is decided.
 * - `ip_go_back` decides for the old state; false where it is too late.
 * - `ip_kept` carries `keep` out, as often as one likes: the keeper may do it as well.
 */
export const FATE = `ip_link() {
  ln -s "$2" "$ip_dir/$1" 2>/dev/null
  [ "$(readlink "$ip_dir/$1" 2>/dev/null)" = "$2" ]
}
ip_fate() {
  ip_f=
  if [ -h "$ip_dir/begun" ]; then ip_f=$(readlink "$ip_dir/begun"); fi
  if [ "$ip_f" = commit ]; then ip_f=; fi
  if [ -z "$ip_f" ] && [ -h "$ip_dir/proven" ]; then ip_f=$(readlink "$ip_dir/proven"); fi
  if [ "$ip_f" = verified ]; then ip_f=; fi
  if [ -z "$ip_f" ] && [ -h "$ip_dir/ended" ]; then ip_f=$(readlink "$ip_dir/ended"); fi
}
ip_go_back() { ip_link proven back || ip_link ended back; }
ip_kept() {
  if [ ! -f "$ip_dir/left" ]; then
    ip_modes >"$ip_dir/modes" 2>/dev/null
    ip_stand >"$ip_dir/.left~$$" && mv -f "$ip_dir/.left~$$" "$ip_dir/left" || return 1
  fi
  ip_say confirmed state || return 1
  ip_unstage
  rm -rf "$ip_dir"/part-* "$ip_dir/keeper.sh" "$ip_dir/health.sh" "$ip_dir/runner.pid" "$ip_dir/restore.pid" "$ip_dir/armed" "$ip_dir/session" "$ip_dir/boot" "$ip_dir/out" "$ip_dir/err" "$ip_dir/remaining"
  # Of whoever was ended in the middle of a word.
  rm -f "$ip_dir"/.*~*
  ip_n=0
  for ip_old in $(ls -1t "$ip_base/runs"); do
    ip_word "$ip_base/runs/$ip_old/state" && [ "$ip_w" = confirmed ] || continue
    ip_n=$((ip_n + 1)); [ $ip_n -le ${RUNS_KEPT} ] || rm -rf "$ip_base/runs/$ip_old"
  done
  ip_unlock
  rm -f "$ip_dir/keeper.pid"
}
`;
