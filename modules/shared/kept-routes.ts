import { lines, type Script, sh } from '../../src/engine/sh.ts';

// The kernel drops the routes of a device that goes down, as in a restart of the network, and only those come back that
// some file names: what was added by hand is gone. No file can be put back for that, so it is noted before.

/** The routes, and the policies for whoever has to look. `-o` puts the hops of one route on one line. */
export const noteRunning: Script = sh`ip -o route show 2>/dev/null | while IFS= read -r route; do printf 'route %s\\n' "$route"; done
setkey -DP 2>/dev/null || :`;

/**
 * Adds each noted route that is not there any more, when all that makes routes of its own is up again. Not those that the
 * kernel makes, or a daemon: they come by themselves.
 */
export const putRoutesBack: Script = lines([
  sh`plain_route() {
  route=
  for word in $1; do case $word in dead | linkdown | offload | rt_offload | trap | \\\\) ;; *) route="$route $word" ;; esac; done
}
bad=0`,
  sh`if [ -n "\${ip_note-}" ] && [ -f "$ip_note" ]; then
  set -f
  there='|'
  while IFS= read -r line; do plain_route "$line"; there="$there$route|"; done <<EOF
$(ip -o route show)
EOF
  while IFS= read -r line; do
    case $line in 'route '*) plain_route "\${line#route }" ;; *) continue ;; esac
    case "$route " in *' proto static '* | *' proto boot '*) ;; *' proto '*) continue ;; esac
    case $there in *"|$route|"*) continue ;; esac
    if ip route add $route; then echo "the route$route was put back"; else
      echo "the route$route could not be put back" >&2
      bad=1
    fi
  done <"$ip_note"
fi
[ $bad = 0 ]`,
]);
