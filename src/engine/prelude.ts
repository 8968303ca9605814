/**
 * The head of every script that is sent. Appending to PATH makes up for a non-login SSH command that lacks /sbin, and
 * leaves a host's own order alone. No fork in here: it runs before each probe and each apply.
 */
export function prelude(nonce: string): string {
  return `${ENVIRONMENT}
ip_b() { printf '\\n@@${nonce} b %s\\n' "$1"; printf '\\n@@${nonce} B %s\\n' "$1" >&2; }
ip_e() { printf '\\n@@${nonce} E %s %s\\n' "$1" "$2" >&2; printf '\\n@@${nonce} e %s %s\\n' "$1" "$2"; }
${PUT}`;
}

/**
 * The head of a probe. `ip_n ID CODE NEXT` ends one piece and begins the next by one write, and on stdout alone: each write
 * is a packet of its own, and nobody asks which piece has said something on stderr. `ip_d ID CODE` ends the last one.
 */
export function probePrelude(nonce: string): string {
  return `${ENVIRONMENT}
ip_n() { printf '\\n@@${nonce} f %s %s\\n\\n@@${nonce} b %s\\n' "$1" "$2" "$3"; }
ip_d() { printf '\\n@@${nonce} f %s %s\\n\\n@@${nonce} b done\\n\\n@@${nonce} f done 0\\n' "$1" "$2"; }`;
}

const ENVIRONMENT =
  'PATH=$PATH:/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/usr/bin:/bin; LC_ALL=C; export PATH LC_ALL; umask 077';

/**
 * `ip_put PATH MODE OWNER CONTENT`: see `writeFile` in sh.ts. The name begins with a dot and ends with a tilde, so that
 * neither the network scripts (`ifcfg-*`) nor run-parts nor racoon's include take the unfinished file for a real one.
 * restorecon, where a host has it, gives the new file the SELinux label of its path.
 */
const PUT = `ip_put() {
  ip_to=$1
  if [ -h "$1" ]; then ip_to=$(readlink -f "$1") || return 1; fi
  ip_new=\${ip_to%/*}/.\${ip_to##*/}.ipsec-play~
  rm -f "$ip_new" || return 1
  ( umask 077; set -C; printf %s "$4" > "$ip_new" ) || { rm -f "$ip_new"; return 1; }
  if [ -n "$3" ]; then chown "$3" "$ip_new" || { rm -f "$ip_new"; return 1; }; fi
  chmod "$2" "$ip_new" && mv -f "$ip_new" "$ip_to" || { rm -f "$ip_new"; return 1; }
  if [ -d /selinux/booleans ] || [ -d /sys/fs/selinux/booleans ]; then restorecon "$ip_to" 2>/dev/null || :; fi
}`;
