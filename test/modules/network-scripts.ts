import type { TestHost } from './run-module.ts';

/**
 * ifup, ifdown and setkey as far as they matter to `connection`: the policies are files of `$KERNEL/spd`, made and
 * deleted by what the ifcfg and keys files say at that moment; with automatic keying racoon.conf includes the peer's
 * file; all exit 0 whatever happens.
 */
export function installNetworkScripts(host: TestHost): void {
  host.program(
    'setkey',
    `[ "$1" = -DP ] || exit 1
found=
for policy in "$KERNEL"/spd/*; do [ -e "$policy" ] || continue; found=yes; cat "$policy"; done
[ -n "$found" ] || echo 'No SPD entries.'`,
  );
  installIfup(host);
  host.program('ifdown', `${SOURCE}\n${BEFORE}\n${DOWN}`);
}

/** `first`: what it does before anything else. */
export function installIfup(host: TestHost, first = ':'): void {
  const broken = `[ ! -e "$KERNEL/broken" ] || { echo 'ifup: no such algorithm' >&2; exit 0; }`;
  host.program('ifup', `(${first})\n${SOURCE}\n${BEFORE}\n${broken}\n${UP}`);
}

const BEFORE = `echo "\${0##*/} $1" >> "$KERNEL/log"`;

const SOURCE = `cd "$ROOT/etc/sysconfig/network-scripts" || exit 1
[ -f "ifcfg-$1" ] || { echo "configuration for $1 not found" >&2; exit 1; }
. "./ifcfg-$1"
[ ! -f "keys-$1" ] || . "./keys-$1"
SRC=\${SRC:-198.51.100.7}
if [ -n "$SRCNET" ]; then from=$SRCNET to=$DSTNET mode=tunnel ends=$SRC-$DST back=$DST-$SRC
else from=$SRC to=$DST mode=transport ends= back=; fi
name() { echo "$KERNEL/spd/$1-$(echo "$2-$3" | tr / _)"; }
unlist() {
  grep -v "^include .*/$DST.conf" "$ROOT/etc/racoon/racoon.conf" > "$KERNEL/conf"
  cat "$KERNEL/conf" > "$ROOT/etc/racoon/racoon.conf"
}
mkdir -p "$KERNEL/spd"`;

const UP = `policy() {
  { printf '%s[any] %s[any] 255\\n\\t%s prio def ipsec\\n' "$2" "$3" "$1"
    [ "$ESP_PROTO" = none ] || printf '\\tesp/%s/%s/require\\n' "$mode" "$4"
    [ "$AH_PROTO" = none ] || printf '\\tah/%s/%s/require\\n' "$mode" "$4"
    printf '\\tcreated: Jan  1 00:00:00 2007  lastused:\\n\\tlifetime: 0(s) validtime: 0(s)\\n\\tspid=1 seq=0 pid=1\\n\\trefcnt=1\\n'
  } > "$(name "$1" "$2" "$3")"
}
policy out "$from" "$to" "$ends"
policy in "$to" "$from" "$back"
policy fwd "$to" "$from" "$back"
[ -z "$IKE_METHOD$IKE_PSK" ] || {
  mkdir -p "$ROOT/etc/racoon"; touch "$ROOT/etc/racoon/racoon.conf" "$ROOT/etc/racoon/$DST.conf"
  unlist; echo "include \\"/etc/racoon/$DST.conf\\";" >> "$ROOT/etc/racoon/racoon.conf"; }`;

const DOWN = `rm -f "$(name out "$from" "$to")" "$(name in "$to" "$from")" "$(name fwd "$to" "$from")"
[ ! -e "$ROOT/etc/racoon/racoon.conf" ] || unlist`;
