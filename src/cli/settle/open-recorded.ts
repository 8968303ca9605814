import { readFileSync } from 'node:fs';
import { findHost } from '../../inventory/inventory.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import type { CompiledHost, CompiledPlay } from '../../model/task.ts';
import { UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { type OpenRun, openRun } from '../run/open.ts';
import { type RunRecord, runName, runRecords } from '../run/records.ts';
import { idsOn, runOn, type SurveyedHost, withSurvey } from './runs-on-hosts.ts';

/** A run, the ways to its hosts, and what those know of it. */
export interface RecordedRun {
  readonly run: string;
  /** Null where it was made from another place. */
  readonly record: RunRecord | null;
  readonly opened: OpenRun;
  readonly options: RunOptions;
  readonly surveyed: readonly SurveyedHost[];
}

/**
 * Finds the hosts of a run again: those of its record, reached as the inventory says by now; without a record all hosts of
 * the inventory are asked. What the record says of inventory and lab stands in for options that are not given.
 */
export async function openRecorded(
  name: string,
  given: RunOptions,
  terminal: Terminal,
  work: (recorded: RecordedRun) => Promise<number>,
): Promise<number> {
  const run = runName(name);
  const record = runRecords(terminal).read(run);
  if (record !== null && isGoingOn(record)) {
    throw new UsageFault(
      `the run ${run} is still going on here (process ${record.pid})`,
      'wait for its end, or stop it with Ctrl-C',
    );
  }
  const options = record === null ? given : asRecorded(given, record);
  if (record === null) {
    const from =
      options.limit === undefined ? 'all hosts of the inventory are asked' : 'the hosts of --limit are asked';
    terminal.stderr(`ipsec-play: there is no record of the run ${run} here; ${from}\n`);
  }
  const plays = (project: Project) => [hostsOf(run, record, options, project)];
  const needs = options.lab === undefined ? 'connections' : 'hosts';
  return openRun({ command: null, playbook: undefined, options, terminal, needs, plays }, (opened) => {
    const hosts = opened.project.plays.flatMap((play) => play.hosts);
    return withSurvey(opened, hosts, options.forks, (surveyed) => {
      mustBeComplete(run, surveyed);
      return work({ run, record, opened, options, surveyed });
    });
  });
}

/** The options of a run, where this command does not give others. */
export function asRecorded(given: RunOptions, record: RunRecord): RunOptions {
  const lab = given.lab ?? record.lab ?? undefined;
  const { lab: _, limit: __, ...rest } = given;
  return {
    ...rest,
    inventory: given.inventory === 'inventory' ? record.inventory : given.inventory,
    ...(lab === undefined ? {} : { lab }),
  };
}

function hostsOf(run: string, record: RunRecord | null, { limit }: RunOptions, { inventory }: Project): CompiledPlay {
  const asked = record === null ? selectHosts(inventory, limit ?? 'all').hosts : Object.keys(record.hosts);
  const hosts = asked.map((host): CompiledHost => {
    if (findHost(inventory, host) === undefined) {
      throw new UsageFault(
        `${host}, a host of the run ${run}, is not in the inventory any more`,
        'put it back, or give -i',
      );
    }
    const play = record?.plays.map((each) => each.hosts[host]).find((each) => each !== undefined);
    return {
      host,
      tasks: [],
      become: play?.become ?? null,
      ...(play?.becomeUser === undefined ? {} : { becomeUser: play.becomeUser }),
    };
  });
  return { name: run, hosts, serial: [] };
}

/** Without a record `--limit`, or another inventory, may leave out an end: then the other one may not be settled alone. */
function mustBeComplete(run: string, surveyed: readonly SurveyedHost[]): void {
  const asked = new Set(surveyed.map(({ host }) => host.host));
  const bound = surveyed.flatMap((host) => {
    const own = idsOn(host, run).map((id) => runOn(host, id));
    return own.flatMap((found) => (found?.owner.get('with') ?? '').split(' ').filter((name) => name !== ''));
  });
  const missing = [...new Set(bound)].filter((name) => !asked.has(name));
  if (missing.length === 0) return;
  throw new UsageFault(
    `the run ${run} changed ${missing.join(', ')} as well, and the ends of a tunnel stay or go back together`,
    `no --limit, or one with ${missing.join(', ')}; and the inventory of that run (-i)`,
  );
}

/** Its controller lives on this machine. A number may have come to another process, which then is called otherwise. */
export function isGoingOn({ ended, pid }: Pick<RunRecord, 'ended' | 'pid'>): boolean {
  if (ended !== null || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return processName(pid) !== 'other';
}

function processName(pid: number): 'ours' | 'other' | 'unknown' {
  const words = commandLine(pid);
  if (words === null) return 'unknown';
  return /ipsec-play|cli\.js|main\.ts/.test(words) ? 'ours' : 'other';
}

function commandLine(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return null;
  }
}
