import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import type { RunOutcome } from '../../engine/run.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { hostsOfTunnels } from '../project/choose-tunnels.ts';
import type { OpenRun, PassOutcome } from '../run/open.ts';
import { noteVerdicts } from '../run/tunnel-records.ts';
import { showFaults } from './show-verdicts.ts';
import { proveTunnels } from './tunnels.ts';

/**
 * A tunnel that was brought up at one end alone, its other end having been in order, was not proven before it was kept: it
 * is now, and its verdict comes to the others. Nothing goes back for it.
 */
export async function proveOneSided(
  opened: OpenRun,
  outcome: PassOutcome,
  options: RunOptions,
  terminal: Terminal,
): Promise<PassOutcome> {
  if (options.verify === false || options.confirm === 'manual' || opened.stop.requested) return outcome;
  const tunnels = opened.project.tunnels.filter((tunnel) => isUnproven(tunnel, outcome));
  if (tunnels.length === 0) return outcome;
  const settings = { patience: 30, wire: true, mtu: false, forks: options.forks };
  const { verdicts, faults } = await proveTunnels(opened, ipsecTools, tunnels, hostsOfTunnels(tunnels), settings);
  if (opened.stop.requested) return outcome;
  noteVerdicts(verdicts, options, terminal);
  showFaults(faults, terminal);
  return { ...outcome, verdicts: [...outcome.verdicts, ...verdicts] };
}

function isUnproven({ name, ends }: Tunnel, { verdicts, impact, hosts }: PassOutcome & RunOutcome): boolean {
  const planned = impact?.tunnels.find((each) => each.name === name);
  if (planned === undefined || planned.networkOf.length > 0) return false;
  if (planned.effect !== 'drops' && planned.effect !== 'starts') return false;
  if (verdicts.some(({ tunnel }) => tunnel === name)) return false;
  const states = ends.map(({ host, managed }) => (managed ? hosts.get(host)?.status : undefined));
  return states.every((status) => status === 'ok' || status === 'changed') && states.includes('changed');
}
