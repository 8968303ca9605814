import { probePolicies } from '../../../../../modules/shared/policies.ts';
import { path, type Script, sh } from '../../../../engine/sh.ts';
import { IFUP_IPSEC, RACOON_CONF, SYSCTL_CONF } from '../paths.ts';

/**
 * Prints what an import has to know of a host. A line without a tab before it begins something: `file MODE NAME`, or the
 * name of what follows; each line of that comes behind a tab. Of associations the keys are left out: they are in the files.
 */
export const importScript: Script = sh`(
exec </dev/null 2>/dev/null
tab=$(printf '\\t')
indented() { sed "s/^/$tab/"; echo; }
show() { # NAME FILE
  if [ ! -f "$2" ]; then :
  elif [ -r "$2" ]; then echo "file $(stat -L -c %a "$2") $1"; indented < "$2"
  else echo "unreadable - $1"
  fi
}
say() { echo "$1"; printf '%s\\n' "$2" | indented; }
say hostname "$(hostname)"
say scripts "$(if [ -e ${path(IFUP_IPSEC)} ]; then echo there; fi)"
say package "$(rpm -q ipsec-tools >/dev/null && echo there)"
if cd ${path('/etc/sysconfig/network-scripts')}; then
  for each in ifcfg-*; do
    case $each in *'~' | *.bak | *.orig | *.rpmnew | *.rpmorig | *.rpmsave) continue ;; esac
    if [ -r "$each" ]; then grep -i -q ipsec "$each" || continue; else case $each in ifcfg-ipsec*) ;; *) continue ;; esac; fi
    show "/etc/sysconfig/network-scripts/$each" "$each"
    show "/etc/sysconfig/network-scripts/keys-\${each#ifcfg-}" "keys-\${each#ifcfg-}"
  done
  for each in keys-ipsec*; do [ ! -f "$each" ] || [ -e "ifcfg-\${each#keys-}" ] || say orphan "$each"; done
fi
show ${RACOON_CONF} ${path(RACOON_CONF)}
keys=$(sed -n 's/^[[:blank:]]*path[[:blank:]][[:blank:]]*pre_shared_key[[:blank:]]*"\\(\\/[^"]*\\)".*/\\1/p' ${path(RACOON_CONF)} | tail -n 1)
case $keys in '' | *..*) keys=/etc/racoon/psk.txt ;; esac
top=${path('/')}
show psk "\${top%/}$keys"
if cd ${path('/etc/racoon')}; then
  for each in [0-9]*.conf; do show "/etc/racoon/$each" "$each"; done
fi
show ${SYSCTL_CONF} ${path(SYSCTL_CONF)}
say forwarding "$(sysctl -n net.ipv4.ip_forward)"
say addresses "$(ip -o addr)"
say policies "$(${probePolicies}
)"
say associations "$(setkey -D | sed 's/^\\([[:blank:]]*[EA]: [^ ]*\\).*/\\1/')"
echo end
)
`;
