import { path, type Script, sh } from '../../src/engine/sh.ts';
import { resourceKind } from '../../src/model/host-state.ts';
import { parseSubnet } from '../../src/model/subnet.ts';
import { remembered } from './remembered.ts';

/** One entry of the kernel's security policy database (RFC 4301 4.4.1), for all ports and protocols. */
export interface Policy {
  readonly direction: 'in' | 'out' | 'fwd';
  /** An address, or a network in CIDR notation. '': not known. */
  readonly source: string;
  readonly destination: string;
  readonly action: string;
  readonly rules: readonly Rule[];
}

interface Rule {
  readonly protocol: string;
  readonly mode: string;
  /** The tunnel's ends, in tunnel mode. */
  readonly source?: string;
  readonly destination?: string;
}

/** What `setkey -DP` said, or why it could not say it. */
export type PolicyTable =
  | { readonly kind: 'known'; readonly policies: readonly Policy[] }
  | { readonly kind: 'fault'; readonly why: string };

/** The kernel's policies, under the one name `kernel`. */
export const policyResource = resourceKind<PolicyTable>('ipsec-policies');

/** The text is the same for every connection of a host, so that the engine may run it once. No setkey, no policies. */
export const probePolicies: Script = sh`if command -v setkey >/dev/null 2>&1; then setkey -DP 2>&1; else echo 'No SPD entries.'; fi
`;

export function policyTable(output: string, exitCode: number): PolicyTable {
  const policies = lastPolicies(output);
  const known =
    policies.length > 0 ||
    /No SPD entries/.test(output) ||
    (exitCode === 0 && !/:\s*\S/.test(output.split('\n', 1)[0] ?? ''));
  if (known) return { kind: 'known', policies };
  return { kind: 'fault', why: `setkey -DP: ${output.trim().split('\n', 1)[0] || `exit code ${exitCode}`}` };
}

const lastPolicies = remembered<readonly Policy[]>(parsePolicies, 1);

/** Reads setkey(8) -DP, of ipsec-tools 0.2 to 0.8 (`out ipsec`, `out prio def ipsec`). Unknown lines are skipped. */
export function parsePolicies(output: string): Policy[] {
  const policies: Policy[] = [];
  let selector: { source: string; destination: string } | null = null;
  let rules: Rule[] = [];
  for (const line of output.split('\n')) {
    const selected = SELECTOR.exec(line);
    if (selected) {
      selector = { source: normal(selected[1] ?? ''), destination: normal(selected[2] ?? '') };
      continue;
    }
    if (/^\S/.test(line)) selector = null;
    const directed = DIRECTION.exec(line);
    if (directed && selector) {
      rules = [];
      policies.push({ direction: directed[1] as Policy['direction'], ...selector, action: directed[2] ?? '', rules });
      continue;
    }
    const rule = RULE.exec(line);
    if (rule && selector) rules.push(ruleOf(rule));
  }
  return policies;
}

const ANY_PORT = String.raw`\[(?:any|0)\]`;
const SELECTOR = new RegExp(String.raw`^(\S+?)${ANY_PORT}\s+(\S+?)${ANY_PORT}\s+(?:any|255)\s*$`);
const DIRECTION = /^\s+(in|out|fwd)(?:\s+prio\s.*?)?\s+(ipsec|none|discard|entrust|bypass)\s*$/;
const RULE = /^\s+(esp|ah|ipcomp)\/(transport|tunnel)\/([^/\s]*)\//;

function ruleOf(match: RegExpExecArray): Rule {
  const [source, destination] = (match[3] ?? '').replaceAll(/\[[^\]]*\]/g, '').split('-');
  return { protocol: match[1] ?? '', mode: match[2] ?? '', ...(source && destination ? { source, destination } : {}) };
}

/** A network as the kernel prints it: no /32, no host bits. */
export const normal = remembered((selector: string): string => {
  const parsed = parseSubnet(selector);
  const cidr = 'cidr' in parsed ? parsed.cidr : parsed.fault === 'host-bits' ? parsed.suggestion : selector;
  return cidr.replace(/\/32$/, '');
}, 4096);

/** The traffic that a connection protects: between two networks, or two hosts. */
export interface Traffic {
  /** Address of the other end. */
  readonly peer: string;
  /** '' : whichever address of this host the route to the peer takes. */
  readonly source: string;
  readonly destination: string;
}

export function protects(policy: Policy, direction: Policy['direction'], traffic: Traffic): boolean {
  if (policy.direction !== direction || policy.action !== 'ipsec') return false;
  const [near, far] = direction === 'out' ? [policy.source, policy.destination] : [policy.destination, policy.source];
  return (
    far === traffic.destination &&
    (traffic.source === '' || near === '' ? !near.includes('/') : near === traffic.source)
  );
}

/**
 * The shell function `has_policy DIRECTION SRC DST`: true when the kernel has such an ipsec policy. An empty address
 * stands for any host. Only builtins beside setkey: it must run on bash 3 and busybox alike.
 */
export const hasPolicy: Script = sh`has_policy() {
  setkey -DP 2>/dev/null | {
    selected=
    while read -r first second rest; do
      case $first in
        *'['*']')
          selected=
          from=\${first%%'['*} to=\${second%%'['*}
          from=\${from%/32} to=\${to%/32}
          matches "$from" "$2" && matches "$to" "$3" && selected=yes ;;
        "$1") case "$selected $second $rest" in 'yes '*ipsec*) exit 0 ;; esac ;;
      esac
    done
    exit 1
  }
}
matches() {
  if [ -n "$2" ]; then [ "$1" = "$2" ]; else case $1 in */*) return 1 ;; esac; fi
}
`;

/** Where a connection's files, and what is still due on it, are kept. */
export const connectionPaths = (nickname: string) => ({
  ifcfg: `${NETWORK_SCRIPTS}/ifcfg-${nickname}`,
  keys: `${NETWORK_SCRIPTS}/keys-${nickname}`,
  marker: `${PENDING}/${nickname}`,
});

export const NETWORK_SCRIPTS = '/etc/sysconfig/network-scripts';
const PENDING = '/var/lib/ipsec-play/pending';

/** Sets the marker "its files changed, ifup is still due", which makes an interrupted run converge. */
export function setMarker(marker: string): Script {
  return sh`mkdir -p ${path(PENDING)}
: > ${path(marker)}
`;
}

/** Takes the marker away, and its folders with the last one: a host in order keeps no trace of them. */
export function clearMarker(marker: string): Script {
  return sh`rm -f ${path(marker)}
${removeFolders}`;
}

/** Of the markers, where there are none. */
export const removeFolders: Script = sh`rmdir ${path(PENDING)} ${path(PENDING.slice(0, PENDING.lastIndexOf('/')))} 2>/dev/null || :
`;
