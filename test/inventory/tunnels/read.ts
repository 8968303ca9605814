import { readTunnels, type TunnelsContext, type TunnelsRead } from '../../../src/inventory/tunnels/read-tunnels.ts';
import { makeSource } from '../../../src/lang/source.ts';
import { type Located, parseYaml } from '../../../src/lang/yaml.ts';
import type { Host, Variables } from '../../../src/model/host.ts';
import { reveal, Secret } from '../../../src/model/secret.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import type { SecretSources } from '../../../src/secrets/sources.ts';

function locate(text: string, file = 'inventory/tunnels.yml'): Located {
  const { document, diagnostics } = parseYaml(makeSource(file, text));
  if (!document) throw new Error(`test document: ${JSON.stringify(diagnostics)}`);
  return document;
}

export function makeHosts(vars: Readonly<Record<string, Variables>>): Map<string, Host> {
  return new Map(Object.entries(vars).map(([name, own]) => [name, { name, groups: ['all', 'lab'], vars: own }]));
}

/** Hosts with addresses of one LAN, and with networks and gateways of their own. */
export function lanHosts(...names: string[]): Map<string, Host> {
  return makeHosts(
    Object.fromEntries(
      names.map((name, index) => [
        name,
        {
          ansible_host: `10.0.${index >> 8}.${index & 255}`.replace(/\.0$/, '.200'),
          ipsec_network: `172.${16 + (index >> 8)}.${index & 255}.0/24`,
          ipsec_gateway: `172.${16 + (index >> 8)}.${index & 255}.1`,
        },
      ]),
    ),
  );
}

export const noSources: SecretSources = {
  env: () => undefined,
  file: () => ({ fault: 'missing', why: 'there is no such file' }),
  command: async () => ({ fault: 'not-found', why: 'there is no such command' }),
};

export function read(
  text: string,
  hosts: ReadonlyMap<string, Host>,
  context: Partial<TunnelsContext> = {},
): Promise<TunnelsRead> {
  return readTunnels(locate(text), hosts, {
    varsOf: (host) => host.vars,
    secrets: noSources,
    ...context,
  });
}

/** A tunnel as plain data, its secrets revealed: for comparing in tests. */
export function plain({ at: _, ...tunnel }: Tunnel): unknown {
  return reveals(tunnel);
}

function reveals(value: unknown): unknown {
  if (value instanceof Secret) return `secret ${reveal(value)}`;
  if (Array.isArray(value)) return value.map(reveals);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveals(inner)]));
}
