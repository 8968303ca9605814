import { connectionVariables, trafficOf } from '../../../../../modules/shared/connection-files.ts';
import { parseConnections, probeConnections } from '../../../../../modules/shared/other-connections.ts';
import { type Policy, policyTable, protects, type Traffic } from '../../../../../modules/shared/policies.ts';
import { lines, nothing, sh } from '../../../../engine/sh.ts';
import type { Perspective } from '../../../../model/tunnel.ts';
import type { Beyond } from '../../backend.ts';
import { peerConfPath } from '../paths.ts';
import { saidIn } from './read-evidence.ts';

/** What `ifup` writes by itself, and policies with our peers that no connection of the host asks for. */
export const beyond: Beyond = {
  files: (ends) => {
    const automatic = ends.filter(({ tunnel }) => tunnel.keying.method !== 'manual');
    const byPath = new Map(automatic.map(({ tunnel, dst }) => [peerConfPath(dst.address), tunnel.name]));
    return [...byPath].map(([path, tunnel]) => ({
      path,
      tunnel,
      remedy: `ifup writes it where it is missing: remove it, then ipsec-play down ${tunnel}, and up ${tunnel}`,
    }));
  },
  look: (ends) =>
    ends.length === 0
      ? nothing
      : sh`(
exec </dev/null 2>/dev/null
${lines([probeConnections])}) | while IFS= read -r line; do printf 'connections\\t%s\\n' "$line"; done
`,
  read: (stdout, ends, all) => {
    const { said } = saidIn(stdout);
    const table = policyTable((said.get('policies') ?? []).join('\n'), Number(said.get('policies-code')?.[0]) || 0);
    const files = connectionsIn(said.get('connections'));
    if (table.kind === 'fault' || files === null) return [];
    const known = [...files, ...all.map(wantedTraffic)];
    const peers = new Set(ends.map(({ dst }) => dst.address));
    const strays = table.policies.flatMap((policy) => strayOf(policy, known, peers) ?? []);
    return [...new Map(strays.map((stray) => [stray.what, stray])).values()];
  },
};

/** The traffic of each connection that has files; null: it was not to be read, or only a shell could tell. */
function connectionsIn(said: readonly string[] | undefined): readonly Traffic[] | null {
  if (said === undefined) return null;
  const found = [...parseConnections(`${said.join('\n')}\n`).connections.values()]
    .map((assignments) => connectionVariables([assignments]))
    .filter(({ variables }) => variables.get('TYPE')?.trim().toUpperCase() === 'IPSEC')
    .map((connection) => trafficOf({ ...connection, hasCommands: false }));
  if (found.includes('computed')) return null;
  return found.filter((traffic) => traffic !== null && traffic !== 'computed');
}

function wantedTraffic({ src, dst }: Perspective): Traffic {
  if (src.network === undefined || dst.network === undefined)
    return { peer: dst.address, source: '', destination: dst.address };
  return { peer: dst.address, source: src.network.cidr, destination: dst.network.cidr };
}

function strayOf(policy: Policy, known: readonly Traffic[], peers: ReadonlySet<string>) {
  const { direction, rules } = policy;
  if (policy.action !== 'ipsec' || known.some((traffic) => protects(policy, direction, traffic))) return undefined;
  const isOut = direction === 'out';
  const [near, far] = isOut ? [policy.source, policy.destination] : [policy.destination, policy.source];
  const outer = rules.map(({ source, destination }) => (isOut ? destination : source) ?? far);
  const peer = outer.find((address) => peers.has(address));
  if (peer === undefined) return undefined;
  const how = rules.map(({ protocol, mode }) => `${protocol}/${mode}`).join(', ');
  return {
    what: `policies ${near} to ${far}`,
    why: `the kernel asks for ${how} with ${peer}, and no connection of this host does: left over, or made by somebody else`,
  };
}
