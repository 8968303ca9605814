import type { Topology } from '../../engine/own-path.ts';
import { findHost } from '../../inventory/inventory.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import type { Project } from '../project/load.ts';

/** Where the inventory's tunnels lead, and which host has which address: those of its ends, and `ansible_host`. */
export function topologyOf({ inventory, tunnels, extraVars }: Project): Topology {
  const addresses = new Map<string, Set<string>>();
  const hosts = new Map<string, Set<string>>();
  const note = (host: string, address: unknown) => {
    if (typeof address !== 'string' || !/^\d+(\.\d+){3}$/.test(address)) return;
    addresses.set(host, (addresses.get(host) ?? new Set()).add(address));
    hosts.set(address, (hosts.get(address) ?? new Set()).add(host));
  };
  for (const { host, managed, address, gateway } of tunnels.flatMap(({ ends }) => ends)) {
    if (!managed) continue;
    note(host, address);
    note(host, gateway);
  }
  for (const name of inventory.hosts.keys()) {
    if (findHost(inventory, name) !== undefined) note(name, renderedVars(inventory, name, extraVars).ansible_host);
  }
  return {
    tunnels,
    addressesOf: (host) => [...(addresses.get(host) ?? [])],
    hostsAt: (address) => [...(hosts.get(address) ?? [])],
  };
}
