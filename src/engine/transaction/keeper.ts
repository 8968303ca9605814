import { hostKit, type RunOnHost } from './host-kit.ts';

/** Seconds. */
export interface Patience {
  /** Without a sign of life since a step that may have cut the host off: `--confirm-timeout`. */
  readonly confirm: number;
  /** For a controller that has gone away before anything was changed, or before anything risky was. */
  readonly gone: number;
  /** For a controller that does nothing after it has prepared, or is not heard of while a step takes its time that is not risky. */
  readonly prepared: number;
}

/** Milliseconds between two signs of life. */
export function holdEvery({ confirm, gone }: Patience): number {
  return (Math.min(confirm, gone, 30) * 1000) / 3;
}

/**
 * The dead-man's switch: a process of its own on the host, from the lock to the confirmation. It counts seconds by
 * sleeping, so that a clock that is set does not matter. While the controller is there it does nothing; when that is
 * gone, or silent for too long after a step that may have cut the host off, it puts the old state back.
 *
 * A run that was verified on all of its hosts and then not confirmed is kept where the tunnels work: another host may
 * have been told already, and both must come to the same. One that waits for a person (`awaiting`) goes back in any case.
 */
export function keeperScript(run: RunOnHost, patience: Patience): string {
  return `PATH=$PATH:/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin; LC_ALL=C; export PATH LC_ALL; umask 077
${hostKit(run)}ip_confirm=${patience.confirm}; ip_gone=${patience.gone}; ip_prepared=${patience.prepared}
${KEEPER}`;
}

const KEEPER = `trap '' 1 2 13
# Whoever asks before the first second is over is told, too.
ip_say "$ip_confirm" remaining 2>/dev/null
ip_mark keeper.pid || exit 1
ip_quiet=0; ip_left=0; ip_idle=0; ip_total=0; ip_sick=0; ip_tries=0; ip_seen=
ip_listen() {
  ip_now=$(wc -c <"$ip_dir/journal")
  if [ "$ip_now" = "$ip_seen" ]; then ip_quiet=$((ip_quiet + 1)); else ip_quiet=0; ip_sick=0; ip_seen=$ip_now; fi
}
ip_back() {
  ip_end "$ip_dir/runner.pid"
  ip_detached sh "$ip_dir/restore.sh" </dev/null >>"$ip_dir/out" 2>>"$ip_dir/err"
  wait $!
  ip_end "$ip_dir/restore.pid"
  ip_tries=$((ip_tries + 1))
}
while [ -d "$ip_dir" ]; do
  ip_fate
  ip_word "$ip_dir/state"
  case $ip_w:$ip_f in
    *:forget) ip_forget; exit 0 ;;
    *:keep) if ip_kept; then rm -f "$ip_dir/keeper.pid"; exit 0; fi; sleep 1; continue ;;
    restored:* | restore-failed:* | given-up:*) ip_unstage; ip_unlock; rm -f "$ip_dir/keeper.pid"; exit 0 ;;
    *:back)
      if [ $ip_tries -ge 3 ]; then ip_say restore-failed state; else ip_back; fi
      continue ;;
  esac
  if ip_alive "$ip_dir/session"; then ip_left=0; else ip_left=$((ip_left + 1)); fi
  ip_word "$ip_dir/state"
  case $ip_w in
    prepared)
      ip_total=$((ip_total + 1))
      if [ $ip_left -ge $ip_gone ] || [ $ip_total -ge $ip_prepared ]; then
        # Where the commit was faster, it came no further than that.
        ip_link begun forget || ip_link proven back
        continue
      fi ;;
    running)
      # Before it listens: the end of the step before is in the journal by then.
      ip_limit=$ip_prepared
      if [ -f "$ip_dir/armed" ]; then ip_limit=$ip_confirm; ip_idle=0
      elif [ $ip_left -eq 0 ] || ip_alive "$ip_dir/runner.pid"; then ip_idle=0
      else ip_idle=$((ip_idle + 1)); fi
      ip_listen
      if [ $ip_quiet -ge $ip_limit ] || [ $ip_idle -ge $ip_gone ]; then ip_link proven back; continue; fi ;;
    verified)
      ip_listen
      if [ $ip_quiet -ge $((ip_confirm * 2)) ]; then
        if [ -f "$ip_dir/health.sh" ] && sh "$ip_dir/health.sh" </dev/null >/dev/null 2>&1; then ip_link ended keep; continue; fi
        ip_sick=$((ip_sick + 1))
        # One ping that is lost proves nothing, and to be wrong here would leave the ends different.
        if [ ! -f "$ip_dir/health.sh" ] || [ $ip_sick -ge $ip_confirm ]; then ip_link ended back; continue; fi
      fi ;;
    awaiting)
      ip_listen
      ip_say $((ip_confirm - ip_quiet)) remaining
      if [ $ip_quiet -ge $ip_confirm ]; then ip_link ended back; continue; fi ;;
    *) exit 0 ;;
  esac
  sleep 1
done
`;
