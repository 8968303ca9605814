import type { Diagnostic } from '../lang/diagnostic.ts';

/** Collects diagnostics; the same one found on many hosts is told once, with the hosts' names. */
export interface Report {
  add(diagnostic: Diagnostic, host?: string): void;
  diagnostics(): readonly Diagnostic[];
}

export function makeReport(): Report {
  const entries = new Map<string, { diagnostic: Diagnostic; hosts: Set<string> }>();
  return {
    add(diagnostic, host) {
      const id = JSON.stringify([diagnostic.code, diagnostic.message, diagnostic.span]);
      const entry = entries.get(id) ?? { diagnostic, hosts: new Set<string>() };
      if (host !== undefined) entry.hosts.add(host);
      entries.set(id, entry);
    },
    diagnostics: () => [...entries.values()].map(({ diagnostic, hosts }) => withHosts(diagnostic, [...hosts])),
  };
}

function withHosts(diagnostic: Diagnostic, hosts: readonly string[]): Diagnostic {
  if (hosts.length === 0) return diagnostic;
  const some =
    hosts.length <= 3 ? hosts.join(', ') : `${hosts.slice(0, 3).join(', ')} and ${hosts.length - 3} more hosts`;
  return { ...diagnostic, message: `${diagnostic.message} (on ${some})` };
}
