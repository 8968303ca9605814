import { LazyMapping, renderVariable, TemplateFault } from '../lang/template.ts';
import type { Host, Variables } from '../model/host.ts';
import { isAddress } from './address-pattern.ts';
import { findHost, groupHosts, type Inventory } from './inventory.ts';
import { byPrecedence } from './precedence.ts';

/**
 * A host's variables for rendering: as they are written, with extra and magic ones. Templates in them are rendered when
 * they are used, by then with all variables of a play or task laid over these. This is what `Deferred.resolve` wants.
 */
export function hostVariables(inventory: Inventory, hostName: string, extraVars: Variables = {}): Variables {
  const host = findHost(inventory, hostName);
  const magic = host ? magicVariables(inventory, host, extraVars) : {};
  return byPrecedence({ 'inventory-host': host?.vars ?? {}, 'extra-vars': extraVars, magic });
}

/**
 * A host's variables to read: each is rendered when it is asked for. One that cannot be rendered reads as it is written.
 * For rendering a template, or laying other variables over these, take {@link hostVariables}.
 */
export function renderedVars(inventory: Inventory, hostName: string, extraVars: Variables = {}): Variables {
  const written = hostVariables(inventory, hostName, extraVars);
  const done = new Map<string, unknown>();
  return new Proxy(written, {
    get: (vars, name) => {
      if (typeof name !== 'string' || !Object.hasOwn(vars, name)) return undefined;
      if (!done.has(name)) done.set(name, rendered(vars, name));
      return done.get(name);
    },
  });
}

function rendered(vars: Variables, name: string): unknown {
  try {
    return renderVariable(vars, name);
  } catch (fault) {
    if (fault instanceof TemplateFault) return vars[name];
    throw fault;
  }
}

function magicVariables(inventory: Inventory, host: Host, extraVars: Variables): Variables {
  return {
    inventory_hostname: host.name,
    inventory_hostname_short: isAddress(host.name) ? host.name : (host.name.split('.')[0] ?? host.name),
    group_names: host.groups.filter((name) => name !== 'all').sort(),
    groups: groupsOf(inventory),
    hostvars: hostvars(inventory, extraVars),
  };
}

const groupsCache = new WeakMap<Inventory, LazyMapping>();

/** The hosts of each group; one for all hosts of an inventory. */
function groupsOf(inventory: Inventory): LazyMapping {
  const known = groupsCache.get(inventory);
  if (known) return known;
  const members = new Map<string, readonly string[]>();
  const groups = new LazyMapping(
    () => [...inventory.groups.keys()],
    (name) => {
      const hosts = members.get(name) ?? groupHosts(inventory.groups, name);
      members.set(name, hosts);
      return hosts;
    },
  );
  groupsCache.set(inventory, groups);
  return groups;
}

/** Every host's variables, rendered as that host sees them. */
function hostvars(inventory: Inventory, extraVars: Variables): LazyMapping {
  return new LazyMapping(
    () => [...inventory.hosts.keys()],
    (name) => {
      const vars = hostVariables(inventory, name, extraVars);
      return new LazyMapping(
        () => Object.keys(vars).filter((variable) => variable !== 'hostvars'),
        (variable) => renderVariable(vars, variable),
      );
    },
  );
}
