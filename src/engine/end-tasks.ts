/** The shell that runs the scripts; its start time tells it from another process that came to have its number. */
export interface ShellProcess {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat; null where a system has no /proc. */
  readonly start: string | null;
}

/** Shell that sets `ip_l` to what the system says of this process, if it says something. No fork. */
export const READ_STAT = `ip_l=; { IFS= read -r ip_l; } 2>/dev/null </proc/$$/stat`;

/** Shell that prints, in a frame `pid`, which process it is. */
export const SAY_PID = `${READ_STAT}; ip_b pid; printf '%s\\n%s\\n' $$ "$ip_l"; ip_e pid 0`;

export function readPid(printed: string): ShellProcess | null {
  const [number = '', stat = ''] = printed.split('\n');
  const pid = Number(number);
  if (!Number.isSafeInteger(pid) || pid < 2) return null;
  const start = stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[START];
  return { pid, start: start === undefined || !/^\d+$/.test(start) ? null : start };
}

/** Its place behind the name in /proc/PID/stat, counted from 0. */
const START = 19;

/** Printed when nothing of the task is left. */
export const ALL_ENDED = 'ip-all-ended';

/** Lets the running task end: the script stops before the next. */
export function terminateScript({ pid, start }: ShellProcess): string {
  return `ip_shell=${pid} ip_start=${start ?? 0}
if [ $ip_start != 0 ]; then
  ip_l=; { IFS= read -r ip_l; } 2>/dev/null </proc/$ip_shell/stat
  set -- \${ip_l##*) }
  [ "\${20-}" = $ip_start ] || exit 0
fi
kill -TERM $ip_shell`;
}

/**
 * Ends all that the shell runs, and not the shell, which a TERM has stop before its next task: TERM, after five seconds
 * KILL. What was once seen below the shell is remembered with its start time, because it loses its parent when that
 * ends first. A process that made itself a daemon is below it no more, and is left alone.
 */
export function endTasksScript(shell: ShellProcess): string {
  return `${terminateScript(shell)}
${LOOK}
ip_kill() { for ip_w in $ip_mine; do kill -$1 \${ip_w%%:*} 2>/dev/null; done; }
ip_wait() { # SECONDS... until none is left
  for ip_nap do
    ip_below
    [ -n "$ip_mine" ] || return 0
    sleep $ip_nap 2>/dev/null || sleep 1
  done
  ip_below; [ -z "$ip_mine" ]
}
ip_below; ip_kill TERM
ip_wait 0.2 0.3 0.5 1 1 1 1 || { ip_kill KILL; ip_wait 0.2 0.8 1; } && echo ${ALL_ENDED}`;
}

/**
 * `ip_below` sets `ip_mine`, a list of PID:START: all processes below the shell, and below those that were. Builtins
 * only: a host that hangs may not be able to start a program. A name in /proc/PID/stat may hold anything, a line feed
 * too; what follows it begins behind the last parenthesis.
 */
const LOOK = `ip_look() {
  ip_all=
  if [ -r /proc/$$/stat ]; then
    for ip_d in /proc/[0-9]*; do
      ip_s=
      while IFS= read -r ip_l; do ip_s=$ip_s$ip_l; done 2>/dev/null <$ip_d/stat
      set -- \${ip_s##*) }
      case \${1-Z} in [ZXx]) ;; *) ip_all="$ip_all \${ip_d#/proc/}:$2:\${20}" ;; esac
    done
  else
    ip_all=$(ps -A -o pid= -o ppid= | while read -r ip_p ip_q; do echo "$ip_p:$ip_q:0"; done)
  fi
}
ip_cut() { ip_p=\${1%%:*}; ip_s=\${1#*:}; ip_q=\${ip_s%%:*}; ip_s=\${ip_s#*:}; }
ip_below() {
  ip_look; ip_in=' '; ip_now=
  for ip_w in $ip_all; do
    ip_cut $ip_w
    if [ $ip_p:$ip_s = $ip_shell:$ip_start ]; then ip_in="$ip_in$ip_p "; continue; fi
    case "$ip_mine " in *" $ip_p:$ip_s "*) ip_in="$ip_in$ip_p "; ip_now="$ip_now $ip_p:$ip_s" ;; esac
  done
  ip_more=1
  while [ -n "$ip_more" ]; do
    ip_more=
    for ip_w in $ip_all; do
      ip_cut $ip_w
      case $ip_in in *" $ip_p "*) continue ;; esac
      case $ip_in in *" $ip_q "*) ip_in="$ip_in$ip_p "; ip_now="$ip_now $ip_p:$ip_s"; ip_more=1 ;; esac
    done
  done
  ip_mine=$ip_now
}
ip_mine=`;
