import { path, type Script, sh } from '../../src/engine/sh.ts';

// The ifup of RHEL 4 and 5 drops the lines of other peers from psk.txt, whose addresses begin with its own peer's. What
// is dropped there is put back in the same step: a run may be interrupted, or lose its connection, before the next one,
// and then nobody would know any more what was in the file.

/** Before ifup: notes what is in psk.txt. Shell variables and builtins only, so that no key is seen in a process list. */
export const notePsks: Script = sh`psk_before=
if [ -f ${path('/etc/racoon/psk.txt')} ]; then psk_before=$(cat ${path('/etc/racoon/psk.txt')}); fi
`;

/** After ifup: adds the lines of the peers that have vanished since. */
export const putPsksBack: Script = sh`psk_lost=
if [ -n "$psk_before" ] && [ -f ${path('/etc/racoon/psk.txt')} ]; then
  psk_lost=$(printf '%s\\n' "$psk_before" | awk '
    now { there[$1] = 1; next }
    NF > 1 && $1 !~ /^#/ && !($1 in there) { there[$1] = 1; print }' now=1 ${path('/etc/racoon/psk.txt')} now= -)
fi
if [ -n "$psk_lost" ]; then
  ip_put ${path('/etc/racoon/psk.txt')} 0600 '' "$(cat ${path('/etc/racoon/psk.txt')})
$psk_lost
"
fi
`;
