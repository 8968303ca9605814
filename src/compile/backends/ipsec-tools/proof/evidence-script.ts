import { probePolicies } from '../../../../../modules/shared/policies.ts';
import { lines, nothing, path, type Script, sh } from '../../../../engine/sh.ts';
import type { Perspective } from '../../../../model/tunnel.ts';
import type { ProofOptions } from '../../backend.ts';
import { peerConfPath, RACOON_CONF } from '../paths.ts';

/**
 * Gathers what there is to see of these ends on their host. Each line of its output begins with the name of what it tells
 * and a tab; what tcpdump prints stands between them as it is. A line is one write, so that no two get mixed up.
 */
export function evidenceScript(ends: readonly Perspective[], options: ProofOptions): Script {
  if (ends.length === 0) return nothing;
  const manual = ends.some(({ tunnel }) => tunnel.keying.method === 'manual');
  return sh`(
exec </dev/null 2>/dev/null
${functions}
say begin "$(date +%s)"
${host}
associations() { setkey -D${manual ? nothing : WITHOUT_KEYS}; }
say before "$(associations)"
${lines(ends.map(standingOf))}
captures=
${options.wire ? capture(ends) : nothing}
patience=${seconds(options.patience)}
${lines(inTurns(ends.map((end, index) => trial(end, index, options))))}
${options.wire ? endCapture : nothing}
say after "$(associations)"
${logs}
say end "$(date +%s)"
)
`;
}

/** Ends that take their turns side by side: one that does not answer takes all its time, and must not take others'. */
const SIDE_BY_SIDE = 64;

/** The keys that IKE made are nobody's business. */
export const WITHOUT_KEYS = sh` | sed 's/^\\([[:blank:]]*[EA]: [^ ]*\\).*/\\1/'`;

export const functions = sh`say() {
  printf '%s\\n' "$2" | while IFS= read -r line; do printf '%s\\t%s\\n' "$1" "$line"; done
}
written() {
  [ ! -f "$2" ] || printf '%s\\t%s %s\\n' "$1" "$(stat -c %Y "$2")" "$(date -r "$2" '+%b %e %H:%M:%S')"
}
`;

/** What all ends of the host share. field 22 of /proc/PID/stat: when the process began, in hundredths of a second since the boot (proc(5)). */
export const host = sh`say racoon "$(if command -v pidof >/dev/null 2>&1; then pidof racoon || echo absent; fi)"
for pid in $(pidof racoon); do
  read -r fields < ${path('/proc')}/"$pid"/stat || continue
  case $fields in *'(racoon)'*) ;; *) continue ;; esac
  set -- \${fields##*')'}
  shift 19
  booted=$(sed -n 's/^btime //p' ${path('/proc/stat')})
  [ -z "$booted" ] || say started "$((booted + $1 / 100))"
done
written conf ${path(RACOON_CONF)}
say settings "$(grep -E 'sainfo|pfs_group|lifetime|_algorithm|^[[:blank:]]*path|[{}]' ${path(RACOON_CONF)})"
forwarding=$(sysctl -n net.ipv4.ip_forward)
say forwarding "$forwarding"
policies=$(${probePolicies}
)
say policies-code "$?"
say policies "$policies"
top=${path('/')}
keys=$(sed -n 's/^[[:blank:]]*path[[:blank:]][[:blank:]]*pre_shared_key[[:blank:]]*"\\(\\/[^"]*\\)".*/\\1/p' ${path(RACOON_CONF)})
case $keys in '' | *..*) keys=/etc/racoon/psk.txt ;; esac
keys=\${top%/}$keys
`;

/** What stands still: routes, phase 1, the pre-shared key. */
export function standingOf({ tunnel, src, dst }: Perspective, index: number): Script {
  const key = `^${dst.address.replaceAll('.', '\\.')}[[:blank:]]`;
  const psk = sh`if [ -r "$keys" ]; then say ${`${index}/psk`} "$(grep ${key} "$keys" | head -n 1)"; fi
`;
  const phase1 = sh`written ${`${index}/phase1-written`} ${path(peerConfPath(dst.address))}
say ${`${index}/phase1`} "$(grep -E 'exchange_mode|encryption_algorithm|hash_algorithm|authentication_method|dh_group|[{}]' ${path(peerConfPath(dst.address))})"
`;
  const networks =
    src.network && dst.network
      ? sh`say ${`${index}/route`} "$(ip route list ${dst.network.cidr})"
say ${`${index}/way`} "$(ip -o route get ${dst.gateway ?? dst.network.address} 2>&1)"
`
      : nothing;
  return sh`outside=$(ip -o route get ${dst.address} 2>&1)
say ${`${index}/outside`} "$outside"
case $outside in *' dev '*) outside=\${outside#*' dev '} ;; *) outside= ;; esac
device${index}=\${outside%%' '*}
${networks}${tunnel.keying.method === 'manual' ? nothing : phase1}${tunnel.keying.method === 'psk' ? psk : nothing}`;
}

/**
 * One tcpdump a device. -p: as the device is, no promiscuous mode. It has a second to begin, and one to print the last.
 *
 * A device also shows in clear what arrives: of a LAN on the same device, and each packet once more after it was decrypted.
 * That it leaves is told by the sender's Ethernet address, which every tcpdump has a filter for; elsewhere by `outbound`,
 * which old ones know on few devices. The encrypted packets that leave go through the same filter: were it wrong, none would be seen.
 */
function capture(ends: readonly Perspective[]): Script {
  const filters = ends.map(({ dst }, index) => {
    const network = dst.network ? sh`" or dst net "${dst.network.cidr}` : nothing;
    return sh`[ "$device${index}" != "$1" ] || {
    peers="$peers or src host "${dst.address}
    away="$away or dst host "${dst.address}${network}
  }`;
  });
  return sh`watch() {
  peers= away=
${lines(filters)}
  own=$(ip -o link show dev "$1" | sed -n 's/.*link\\/ether \\([0-9A-Fa-f:]*\\).*/ether src \\1/p')
  if [ -z "$own" ] && tcpdump -p -i "$1" -d outbound >/dev/null; then own=outbound; fi
  [ -z "$own" ] || say leaving "$1"
  tcpdump -p -n -l -s 256 -c ${packetsFor(ends.length)} -i "$1" \\( \${own:-ip} and \\( \${away#' or '} \\) \\) $peers &
}
if command -v tcpdump >/dev/null 2>&1; then
  devices=
  for device in ${ends.map((_, index) => sh`"$device${index}"`)}; do
    case " $devices " in *" $device "*) ;; *) devices="$devices $device" ;; esac
  done
  trap 'kill $captures; exit 1' HUP INT TERM PIPE
  for device in $devices; do
    watch "$device"
    captures="$captures $!"
  done
  sleep 1
  for capture in $captures; do if kill -0 "$capture"; then say wire listening; else say wire ended; fi; done
else
  say wire 'no tcpdump'
fi
`;
}

/** More than the pings of all ends make, beside the traffic that there is anyway; and not without end. */
function packetsFor(ends: number): number {
  return Math.min(1500 + 500 * ends, 10_000);
}

const endCapture = sh`if [ -n "$captures" ]; then
  sleep 1
  kill $captures
  wait $captures
fi
`;

/** What is tried out. An end's time begins when its turn comes. */
function trial({ src, dst }: Perspective, index: number, options: ProofOptions): Script {
  const target = dst.gateway ?? dst.address;
  const from = src.gateway ?? src.address;
  // Between hosts the address may belong to a router that translates it.
  const bound = src.network
    ? sh`set -- -I ${from}`
    : sh`case $(ip -o addr) in *' '${from}'/'*) set -- -I ${from} ;; *) set -- ;; esac`;
  const peer = dst.network
    ? sh`if ping -c 1 -w 3 ${dst.address} >/dev/null 2>&1; then say ${`${index}/peer`} answers; else say ${`${index}/peer`} silent; fi
`
    : nothing;
  return sh`if command -v ping >/dev/null 2>&1; then
${peer}${bound}
  limit=$(($(date +%s) + patience))
  tries=0 answered=
  while :; do
    tries=$((tries + 1))
    if ping -c 1 -w 3 "$@" ${target} >/dev/null 2>&1; then answered=yes; break; fi
    [ "$(date +%s)" -lt "$limit" ] || break
    sleep 1
  done
  if [ -n "$answered" ]; then
    say ${`${index}/answered`} "$tries"
    say ${`${index}/ping`} "$(ping -c 3 -w 5 "$@" ${target} 2>&1 | grep received)"
${options.mtu ? largest(index, target) : nothing}  else
    say ${`${index}/answered`} 0
  fi
else
  say ${`${index}/answered`} 'no ping'
fi
`;
}

/** Halves what is left until the largest packet is found, or the time is over. 28 bytes are the headers of IP and ICMP. */
function largest(index: number, target: string): Script {
  return sh`    if ping -M do -c 1 -w 1 -s 548 "$@" ${target} >/dev/null 2>&1; then
      low=548 high=1472
      while [ "$low" -lt "$high" ] && [ "$(date +%s)" -lt "$((limit + 8))" ]; do
        middle=$(((low + high + 1) / 2))
        if ping -M do -c 1 -w 1 -s "$middle" "$@" ${target} >/dev/null 2>&1; then low=$middle; else high=$((middle - 1)); fi
      done
      [ "$low" -lt "$high" ] || say ${`${index}/mtu`} "$((low + 28))"
    fi
`;
}

function inTurns(trials: readonly Script[]): readonly Script[] {
  const rows = trials.slice(0, SIDE_BY_SIDE).map((_, row) => trials.filter((_, at) => at % SIDE_BY_SIDE === row));
  return [sh`workers=`, ...rows.map((row) => sh`( ${lines(row)}) & workers="$workers $!"`), sh`wait $workers`];
}

/** racoon's lines but those for debugging, in which at the highest level the keys stand. */
export const logs = sh`for log in messages syslog daemon.log secure racoon.log; do
  log=${path('/var/log')}/$log
  [ -r "$log" ] || continue
  say log "$(tail -n 4000 "$log" | grep -E 'racoon|^[0-9]{4}-' | grep -E '(ERROR|WARNING|NOTIFY|INFO):' | tail -n 200)"
done
`;

/** Whole seconds, for the shell's arithmetic. */
function seconds(patience: number): number {
  return Math.max(1, Math.ceil(patience));
}
