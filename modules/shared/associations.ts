import { type Script, sh } from '../../src/engine/sh.ts';

/**
 * Drops the SAs that IKE has made with a peer, so that the next ones are made with the keys that are there then: what is
 * up lives on with its old keys else, for up to an hour. The SAs of other peers stay, and so do those with an SPI of
 * `spared`, which are somebody's manual ones. Each is deleted by its SPI, which the Linux kernel tells racoon. That
 * forgets phase 1 when `ifdown` or `ifup` sends it HUP; later releases, which do not, are told by racoonctl(8).
 */
// Parentheses on both sides of a pattern: bash 3 takes a lone one for the end of the substitution.
export function dropAssociations(peer: string, spared: readonly number[]): Script {
  return sh`sas_dropped=$(setkey -D 2>/dev/null | {
  from= to=
  while read -r first second rest; do
    case $first in
      ([0-9]*.*.*.*) from=\${first%%'['*} to=\${second%%'['*} ;;
      (esp | ah | esp-udp)
        case " $from $to " in (*${` ${peer} `}*) ;; (*) continue ;; esac
        case $rest in (*spi=*) ;; (*) continue ;; esac
        spi=\${rest#*spi=} spi=\${spi%%'('*}
        case ${` ${spared.join(' ')} `} in (*" $spi "*) continue ;; esac
        printf 'delete %s %s %s %s;\\n' "$from" "$to" "\${first%-udp}" "$spi" ;;
    esac
  done
})
if [ -n "$sas_dropped" ]; then
  printf '%s\\n' "$sas_dropped" | setkey -c >&2 || :
  if command -v racoonctl >/dev/null 2>&1; then
    printf '%s\\n' "$sas_dropped" | while read -r _ from to _; do
      racoonctl delete-sa isakmp inet "$from" "$to" >/dev/null 2>&1 </dev/null || :
    done
  fi
fi
`;
}
