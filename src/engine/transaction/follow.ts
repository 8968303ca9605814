/**
 * `ip_follow LAST PROCESS` copies the run's output as it grows, from its beginning, until a line comes on stdin. Where the
 * process that makes it is gone and the journal does not say LAST, it tells so in a frame `gone`.
 */
export const FOLLOW = `ip_follow() {
  ip_mark session
  # A trap of this shell is that of its children until they have begun, and what comes before then is lost.
  trap - TERM
  : >>"$ip_dir/out"; : >>"$ip_dir/err"
  if tail -s 0.1 -c +1 /dev/null >/dev/null 2>&1; then ip_tail='tail -s 0.1'; else ip_tail=tail; fi
  $ip_tail -c +1 -f "$ip_dir/out" </dev/null & ip_t1=$!
  $ip_tail -c +1 -f "$ip_dir/err" </dev/null >&2 & ip_t2=$!
  # A session that is killed leaves nobody behind: what copies a file that does not grow would never notice.
  ( ip_n=0; ip_late=
    while kill -0 $$ 2>/dev/null; do
      sleep 1 >/dev/null 2>&1
      if ip_alive "$ip_dir/$2.pid" || { [ $2 = restore ] && ip_alive "$ip_dir/keeper.pid"; }; then ip_n=0; else ip_n=$((ip_n + 1)); fi
      # Where it came to its end, what it said last is on its way.
      if [ "$ip_n$ip_late" = 3 ] && grep -q "^$1" "$ip_dir/journal" 2>/dev/null; then ip_n=-7; ip_late=' '; fi
      if [ $ip_n = 3 ]; then ip_b gone; ip_e gone 0; fi
    done
    kill $ip_t1 $ip_t2 2>/dev/null ) & ip_t3=$!
  while IFS= read -r ip_x && [ "$ip_x" = hold ]; do printf 'hold\\n' >>"$ip_dir/journal"; done
  kill $ip_t1 $ip_t2 $ip_t3 2>/dev/null
  wait 2>/dev/null
}`;
