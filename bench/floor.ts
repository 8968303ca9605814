import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { type Arena, type Contestant, door, fault } from './contestant.ts';
import { ifcfg, PSK, RACOON_CONF, type Router, router } from './hosts.ts';
import { measureNode } from './measure.ts';
import { writeFiles } from './workspace.ts';

/** The least that does the same work: one process, one exec a host, no plan, no diff, no proof. */
export function floor(arena: Arena): Contestant {
  const { fleet, count, dir } = arena;
  const client = join(dir, 'floor.cjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('./floor-client.mjs', import.meta.url))],
    outfile: client,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['*.node', 'cpu-features'],
  });
  const routers = Array.from({ length: count }, (_, index) => router(index));
  const hosts = routers.map((one, index) => ({ name: one.name, ...door(arena, index), script: script(one) }));
  writeFiles(dir, {
    'floor.json': JSON.stringify({ keyFile: fleet.keyFile, knownHostsFile: fleet.knownHostsFile, hosts }),
  });
  return {
    name: 'floor',
    steps: ['first apply', 'no-op apply'],
    run: async (step) => {
      const measured = await measureNode(fleet.controlExec, [client, join(dir, 'floor.json')], { cwd: dir }, dir);
      const changed = [...measured.stdout.matchAll(/^gw\d+ changed=(\d)$/gm)];
      if (measured.code !== 0 || changed.length !== count) throw fault('floor', step, 'a host failed', measured);
      if (changed.some(([, flag]) => flag !== (step === 'first apply' ? '1' : '0')))
        throw fault('floor', step, 'changed too little or too much', measured);
      return measured;
    },
  };
}

/**
 * The same files, modes and commands as ipsec-play's tasks. What is there already is seen by one stat and one cat, so
 * that a second run forks no more than ipsec-play's probe does.
 */
function script(one: Router): string {
  const other = router(one.peer);
  const policy = (direction: string, from: string, to: string) =>
    `*"${from}[any] ${to}[any]"*"${direction} prio"*|*"${from}[any] ${to}[any]"*"${direction} ipsec"*`;
  return `PATH=$PATH:/sbin:/usr/sbin; LC_ALL=C; export PATH LC_ALL; umask 077
S=/etc/sysconfig/network-scripts R=/etc/racoon
ifcfg='${quoted(ifcfg(one))}'
keys='${quoted(`IKE_PSK=${PSK}\n`)}'
racoon='${quoted(RACOON_CONF)}'
put() { printf %s "$3" > "$1.new~" && chmod "$2" "$1.new~" && mv -f "$1.new~" "$1"; }
is_up() {
  case $1 in
    ${policy('out', one.network, other.network)}) ;;
    *) return 1 ;;
  esac
  case $1 in
    ${policy('in', other.network, one.network)}) ;;
    *) return 1 ;;
  esac
}
is_applied() {
  [ "$(stat -c %a $S/ifcfg-ipsec0 $S/keys-ipsec0 $R/psk.txt $R/racoon.conf 2>/dev/null)" = "$(printf '644\\n600\\n600\\n600')" ] || return 1
  case $(cat $S/ifcfg-ipsec0 $S/keys-ipsec0 $R/psk.txt $R/racoon.conf /etc/sysctl.conf) in
    "$ifcfg$keys"*"${other.address}"*${PSK}*"$racoon"*"net.ipv4.ip_forward = 1"*) ;;
    *) return 1 ;;
  esac
  rpm -q ipsec-tools >/dev/null && [ "$(sysctl -n net.ipv4.ip_forward)" = 1 ] && is_up "$(setkey -DP)"
}
if is_applied; then echo changed=0; exit; fi
set -e
{
  rpm -q ipsec-tools || yum -y install ipsec-tools
  put $R/racoon.conf 0600 "$racoon"
  put $S/ifcfg-ipsec0 0644 "$ifcfg"
  put $S/keys-ipsec0 0600 "$keys"
  put $R/psk.txt 0600 '${other.address} ${PSK}
'
  put /etc/sysctl.conf 0644 "$(sed 's/^net.ipv4.ip_forward = 0$/net.ipv4.ip_forward = 1/' /etc/sysctl.conf)
"
  sysctl -p /etc/sysctl.conf
  service network restart
  ifup ipsec0
} >/dev/null 2>&1 </dev/null
is_up "$(setkey -DP)"
echo changed=1
`;
}

function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}
