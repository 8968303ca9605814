import { createHash } from 'node:crypto';
import { redundancyGroup } from '../../compile/redundancy-group.ts';
import { makeReport } from '../../compile/report.ts';
import { type Division, divide } from '../../compile/shards.ts';
import { canonical } from '../../engine/canonical.ts';
import { FACT_NAMES } from '../../engine/facts.ts';
import { hostVariables } from '../../inventory/rendered-vars.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Shard } from '../../model/shard.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import type { Input } from './read-input.ts';

/** The shard that a command works on, of the hosts of its inventory. */
export interface OwnShard {
  readonly shard: Shard;
  readonly division: Division;
  /** Tells the inventory from others: its hosts, tunnels and redundancy groups. Nothing secret has a part in it. */
  readonly inventory: string;
  /** Plays whose `serial` is a number of hosts, by name. */
  readonly serial: readonly string[];
  has(host: string): boolean;
}

/** Finds the hosts of a shard: the same in every process that reads the same inventory. */
export function ownShard(
  shard: Shard,
  { inventory, extraVars, playbook }: Pick<Input, 'inventory' | 'extraVars' | 'playbook'>,
  tunnels: readonly Tunnel[],
): { readonly own: OwnShard; readonly diagnostics: readonly Diagnostic[] } {
  const report = makeReport();
  const names = [...inventory.hosts.keys()];
  const groups = new Map(
    names.map((host) => {
      const vars = hostVariables(inventory, host, extraVars);
      return [host, redundancyGroup(host, vars, { facts: FACT_NAMES, fixed: extraVars }, report)];
    }),
  );
  const division = divide(names, tunnels, (host) => groups.get(host), shard.count);
  const hosts = new Set(division.shards[shard.index - 1]?.hosts);
  return {
    own: {
      shard,
      division,
      inventory: digestOf(groups, tunnels),
      serial: (playbook?.plays ?? [])
        .filter((play) => play.serial.some((batch) => 'hosts' in batch))
        .map(({ name }) => name),
      // This machine, which no inventory has to name, is worked on once, too.
      has: (host) => hosts.has(host) || (shard.index === 1 && !inventory.hosts.has(host)),
    },
    diagnostics: report.diagnostics(),
  };
}

/** Keys are left out: a digest of a short one could be found by trying words. */
function digestOf(groups: ReadonlyMap<string, string | undefined>, tunnels: readonly Tunnel[]): string {
  const agreed = tunnels.map(({ name, type, ends, keying: { method }, ike, esp, ah, onboot, state }) => ({
    name,
    type,
    ends,
    method,
    ike,
    esp,
    ah,
    onboot,
    state,
  }));
  return createHash('sha256')
    .update(canonical([groups, agreed]))
    .digest('hex')
    .slice(0, 32);
}
