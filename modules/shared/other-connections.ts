import { path, type Script, sh } from '../../src/engine/sh.ts';
import { type FileState, fileResource, type HostState, resourceKind } from '../../src/model/host-state.ts';
import { connectionVariables, type OwnConnection, trafficOf } from './connection-files.ts';
import { connectionPaths, NETWORK_SCRIPTS, type Traffic } from './policies.ts';
import { remembered } from './remembered.ts';

/** The assignments that matter of every ifcfg file of the host, by nickname; under the one name `host`. */
export const connectionsResource = resourceKind<ReadonlyMap<string, string>>('connections');

/** More than so many files are read by grep: to start it takes as long as the shell takes for some fifteen of them. */
const FEW = 16;

/** The same text for every task, so that it runs once. It may print more lines of a file than matter. Ends with a line `=`. */
export const probeConnections: Script = sh`set -- ${path(NETWORK_SCRIPTS)}/ifcfg-*
ip_w=
if [ $# -gt ${FEW} ]; then
  (cd ${path(NETWORK_SCRIPTS)} && grep -E '^[[:blank:]]*(export[[:blank:]]+)?(TYPE|SRC|DST|SRCNET|DSTNET)=' /dev/null ifcfg-*) 2>/dev/null
else
  for ip_p do
    if [ -f "$ip_p" ] && [ -r "$ip_p" ]; then
      while IFS= read -r ip_l || [ -n "$ip_l" ]; do
        case $ip_l in *TYPE=* | *SRC*=* | *DST*=*) ip_w="$ip_w\${ip_p##*/}:$ip_l
" ;; esac
      done 2>/dev/null <"$ip_p"
    fi
  done
fi
printf '%s=\\n' "$ip_w"
`;

/** Cuts what {@link probeConnections} printed from what came after it. */
export const parseConnections = remembered(readConnections, 1);

function readConnections(stdout: string): {
  readonly connections: ReadonlyMap<string, string>;
  readonly rest: string;
} {
  const end = stdout.startsWith('=\n') ? 0 : stdout.indexOf('\n=\n') + 1;
  const connections = new Map<string, string>();
  for (const line of stdout.slice(0, end).split('\n')) {
    const [, nickname, assignment = ''] = /^ifcfg-([^:]+):(.*)$/.exec(line) ?? [];
    if (nickname === undefined || PASSED_OVER.test(nickname) || !ASSIGNMENT.test(assignment)) continue;
    connections.set(nickname, `${connections.get(nickname) ?? ''}${assignment}\n`);
  }
  return { connections, rest: stdout.slice(end + 2) };
}

/**
 * The nickname of another connection for the traffic of the wanted one, which is what is left of a connection that got a new
 * nickname: at boot and at each restart of the network it would come up as well, with its old key.
 */
export function rivalOf(nickname: string, wanted: OwnConnection, state: HostState): string | null {
  const traffic = trafficOf(wanted);
  if (traffic === null || traffic === 'computed') return null;
  for (const [other, assignments] of state.get(connectionsResource, 'host') ?? []) {
    if (other === nickname) continue;
    const found = ipsecTraffic(textOf(state.get(fileResource, connectionPaths(other).ifcfg), assignments));
    if (found === null) continue;
    if (found.peer !== traffic.peer || found.destination !== traffic.destination) continue;
    if (found.source === traffic.source || !traffic.destination.includes('/')) return other;
  }
  return null;
}

/** What a file protects, if it is of an IPsec connection and says so without a shell. */
const ipsecTraffic = remembered((text): Traffic | null => {
  const { variables } = connectionVariables([text]);
  if (variables.get('TYPE')?.toUpperCase() !== 'IPSEC') return null;
  const found = trafficOf({ variables, hasCommands: false });
  return found === 'computed' ? null : found;
}, 1024);

/** As tasks before this one will leave it, where they know it. */
function textOf(file: FileState | undefined, read: string): string {
  if (file === undefined) return read;
  return file.kind === 'file' ? (file.bytes ?? read) : '';
}

const ASSIGNMENT = /^[ \t]*(export[ \t]+)?(TYPE|SRC|DST|SRCNET|DSTNET)=/;

/** Copies that the network scripts pass over. */
export const PASSED_OVER = /(~|\.bak|\.orig|\.rpmnew|\.rpmorig|\.rpmsave)$/;
