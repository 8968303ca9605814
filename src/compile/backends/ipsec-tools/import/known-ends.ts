import {
  connectionVariables,
  differingVariables,
  isReadByIfup,
} from '../../../../../modules/shared/connection-files.ts';
import { type Diagnostic, warning } from '../../../../lang/diagnostic.ts';
import { type Content, joined } from '../../../../model/content.ts';
import { reveal } from '../../../../model/secret.ts';
import { perspectives, type Tunnel } from '../../../../model/tunnel.ts';
import type { ImportedHost, KnownTunnel } from '../../backend.ts';
import { connectionFiles } from '../connection.ts';
import type { ConnectionSeen, HostSeen } from './host-seen.ts';
import { variablePlace } from './place.ts';

/** A connection that is an end of a tunnel that the inventory has already. */
export interface KnownEnd {
  readonly host: string;
  readonly connection: ConnectionSeen;
  readonly tunnel: string;
}

export interface KnownEnds {
  readonly ends: readonly KnownEnd[];
  readonly tunnels: readonly KnownTunnel[];
  readonly findings: readonly Diagnostic[];
}

/** Finds the connections of tunnels that are known, and tells of what their files say otherwise. */
export function knownEnds(hosts: readonly ImportedHost<HostSeen>[], tunnels: readonly Tunnel[]): KnownEnds {
  const ends: KnownEnd[] = [];
  const findings: Diagnostic[] = [];
  const found: KnownTunnel[] = [];
  for (const tunnel of tunnels) {
    const before = ends.length;
    const names = new Set<string>();
    for (const perspective of perspectives(tunnel)) {
      const { src: own } = perspective;
      const seen = own.managed ? hosts.find(({ name }) => name === own.host)?.seen : undefined;
      const connection = seen?.connections.find(({ nickname }) => nickname === own.nickname);
      if (connection === undefined) continue;
      ends.push({ host: own.host, connection, tunnel: tunnel.name });
      const differing = tunnel.state === 'absent' ? ['state'] : otherwise(connection, perspective);
      if (differing.length === 0) continue;
      for (const name of differing) names.add(name);
      const message =
        tunnel.state === 'absent'
          ? `tunnel ${tunnel.name} is to be absent, and connection ${own.nickname} of ${own.host} is still there`
          : `connection ${own.nickname} of ${own.host} says otherwise than tunnel ${tunnel.name} of the inventory: ${differing.join(', ')}`;
      findings.push(
        warning('import-differs', `${message}; the inventory stays as it is`, {
          span: variablePlace(own.host, connection, differing[0] ?? ''),
          fix: 'check shows the difference. Where the host is right, correct tunnels.yml; where it is not, apply',
        }),
      );
    }
    if (ends.length > before) found.push({ name: tunnel.name, differing: [...names] });
  }
  return { ends, tunnels: found, findings };
}

/** The variables that say something else. */
function otherwise(
  { ifcfg, keys }: ConnectionSeen,
  perspective: ReturnType<typeof perspectives>[number],
): readonly string[] {
  const wanted = connectionFiles(perspective);
  const texts = [ifcfg, ...(keys === null ? [] : [keys])].map(({ text }) => reveal(text));
  const contents = [wanted.ifcfg.content, ...(wanted.keys.content === null ? [] : [wanted.keys.content])].map(plain);
  const counts = (name: string) => isReadByIfup(name) || name === 'ONBOOT';
  return differingVariables(connectionVariables(texts), connectionVariables(contents), wanted.ifcfg.sourced, counts);
}

function plain(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}
