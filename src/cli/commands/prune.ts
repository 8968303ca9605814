import { randomBytes } from 'node:crypto';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { look } from '../../engine/look.ts';
import { inParallel } from '../../engine/parallel.ts';
import { exitCodeOf } from '../../engine/result.ts';
import { findHost } from '../../inventory/inventory.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { CompiledHost } from '../../model/task.ts';
import { perspectives } from '../../model/tunnel.ts';
import { visibleLine } from '../../report/visible.ts';
import { ConnectFault } from '../../transport/transport.ts';
import { type PrunePlan, planPrune, type Traces } from '../drift/plan-prune.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { type OpenRun, openRun } from '../run/open.ts';
import { agrees, asksFirst, finish, hasChanges } from './run-playbook.ts';

/**
 * Removes what was once created on hosts and the inventory no longer names: planned, guarded and proven as an apply, both
 * ends of each tunnel together. `--check` shows it.
 */
export function prune(options: RunOptions, given: Terminal): Promise<number> {
  const plays = ({ inventory }: Project) => [
    { name: 'prune', serial: [], hosts: [...inventory.hosts.keys()].flatMap((host) => compiledHost(inventory, host)) },
  ];
  const check = ({ inventory }: Project) => [
    ...(inventory.tunnelsDocument === null ? [noTunnels(options.inventory)] : []),
    ...(options.limit === undefined ? [] : selectHosts(inventory, options.limit).diagnostics),
  ];
  const { limit, ...all } = options;
  return openRun(
    { command: null, playbook: undefined, options: all, terminal: given, plays, check },
    async (opened) => {
      const { inventory } = opened.project;
      const chosen = limit === undefined ? null : new Set(selectHosts(inventory, limit).hosts);
      const { traces, faults } = await ask(opened, chosen, options.forks);
      if (opened.stop.requested) return EXIT.interrupted;
      const plan = planPrune(traces, chosen);
      // Of a host that nothing is known of, only that it was asked for makes it a failure.
      const missed = [...faults].filter(([host]) => chosen === null || chosen.has(host));
      for (const [host, message] of missed) opened.terminal.stderr(`${visibleLine(`[${host}] ${message}`)}\n`);
      say(plan, opened.terminal);
      const least =
        missed.length > 0 || plan.unseen.length > 0 ? EXIT.unreachable : plan.kept.length > 0 ? EXIT.failed : EXIT.done;
      const code = await carryOut(opened, plan, options);
      return code === EXIT.done || code === EXIT.pending ? (least === EXIT.done ? code : least) : Math.max(code, least);
    },
  );
}

/** All tunnels would go: that is what an empty tunnels.yml says, not that there is none. */
function noTunnels(inventory: string): Diagnostic {
  return error('prune-no-tunnels', `there is no tunnels.yml in ${inventory}, so every tunnel would be removed`, {
    fix: '-i with the folder that has one; or, to remove every tunnel, a tunnels.yml with `tunnels: {}`',
  });
}

function compiledHost(inventory: Project['inventory'], host: string): readonly CompiledHost[] {
  return findHost(inventory, host) === undefined ? [] : [{ host, tasks: [], become: null }];
}

async function carryOut(opened: OpenRun, { plays }: PrunePlan, options: RunOptions): Promise<number> {
  const command = options.check === true ? ('check' as const) : ('apply' as const);
  if (plays.length === 0) {
    if (options.output === 'human') opened.terminal.stdout('There is nothing to prune.\n');
    else finish(command, 'prune', options, await opened.pass('check', { plays }), opened.terminal);
    return EXIT.done;
  }
  if (command === 'apply' && asksFirst(options, opened.terminal)) {
    const foreseen = await opened.pass('check', { plays });
    const code = exitCodeOf('check', foreseen);
    if (code !== EXIT.pending || !hasChanges(foreseen)) return code;
    if (!(await opened.waitFor(() => agrees(opened.terminal, foreseen)))) {
      opened.terminal.stderr('Nothing was changed.\n');
      return opened.stop.requested ? EXIT.interrupted : EXIT.done;
    }
    const outcome = await opened.pass('apply', { plays, agreed: foreseen.digests });
    return finish('apply', 'prune', options, outcome, opened.terminal);
  }
  return finish(command, 'prune', options, await opened.pass(command, { plays }), opened.terminal);
}

/** What is on all hosts of the inventory: the other end of a tunnel may be on any of them. */
async function ask(opened: OpenRun, chosen: ReadonlySet<string> | null, forks: number) {
  const { link, rendering, project, stop } = opened;
  const { leftovers } = ipsecTools;
  const hosts = project.plays.flatMap((play) => play.hosts);
  const found = new Map<string, unknown>();
  const faults = new Map<string, string>();
  await inParallel(hosts, forks, async (host) => {
    if (stop.requested) return;
    const nonce = randomBytes(12).toString('hex');
    try {
      const open = await link(host, nonce);
      try {
        const seen = leftovers.read(await look(open, nonce, leftovers.look, rendering(host.host)));
        if (seen !== null) found.set(host.host, seen);
        else faults.set(host.host, 'only root can see what was created on this host: become root (-b)');
      } finally {
        await open.close().catch(() => {});
      }
    } catch (fault) {
      if (!(fault instanceof ConnectFault)) throw fault;
      faults.set(host.host, fault.message);
    }
  });
  const names = hosts.map(({ host }) => host);
  return { traces: tracesOf(found, names, chosen, project), faults };
}

/** Of a machine that has several names, all that any of them has is named, and what is left over stands under one. */
function tracesOf(
  found: ReadonlyMap<string, unknown>,
  hosts: readonly string[],
  chosen: ReadonlySet<string> | null,
  project: Project,
): readonly Traces[] {
  const { leftovers, optionsKey } = ipsecTools;
  const ends = project.tunnels.flatMap(perspectives).filter(({ src }) => src.managed);
  const names = new Map<string, string[]>();
  for (const [host, seen] of found) {
    const machine = leftovers.machine(seen) ?? `only ${host}`;
    names.set(machine, [...(names.get(machine) ?? []), host]);
  }
  return hosts.map((host) => {
    const named = ends
      .filter(({ src }) => src.host === host)
      .map(({ tunnel, src, dst }) => ({ tunnel: tunnel.name, nickname: src.nickname, other: dst.host }));
    if (!found.has(host)) return { host, named, leftovers: null };
    const same = [...names.values()].find((all) => all.includes(host)) ?? [host];
    if ((same.find((name) => chosen?.has(name)) ?? same[0]) !== host) return { host, named, leftovers: [] };
    const here = ends.filter(({ src }) => same.includes(src.host));
    const own = renderedVars(project.inventory, host, project.extraVars)[optionsKey];
    return { host, named, leftovers: leftovers.find(found.get(host), host, here, [project.backendOptions, own]) };
  });
}

function say({ kept, unseen, lonely }: PrunePlan, terminal: Terminal): void {
  const line = (text: string) => terminal.stderr(`${visibleLine(text)}\n`);
  for (const { tunnel, host, why } of kept) line(`[${host}] ${tunnel} is left alone, at both ends: ${why}`);
  for (const { tunnel, host } of unseen) line(`${tunnel} is left alone: its end on ${host} could not be asked`);
  for (const { tunnel, host, other } of lonely)
    line(
      `[${host}] ${tunnel}: nothing of it was created by ipsec-play at its other end, ${other}, or that is not in the inventory`,
    );
}
