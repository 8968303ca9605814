import { createHmac } from 'node:crypto';
import type { RunEvent } from '../../engine/events.ts';
import type { RunOutcome } from '../../engine/run.ts';
import type { CompiledPlay } from '../../model/task.ts';
import type { RunOptions } from '../options/options.ts';
import { type Outcome, type RecordedHost, type RunRecord, type RunRecords, recordSchema } from './records.ts';

export interface Recorder {
  listen(event: RunEvent): void;
  end(outcome: RunOutcome, exitCode: number): void;
}

export interface Recorded {
  readonly run: string;
  readonly rollbackOf: string | null;
  readonly who: string;
  readonly pid: number;
  readonly playbook: string;
  readonly options: RunOptions;
  readonly plays: readonly CompiledPlay[];
}

/**
 * Keeps the record of a run while it goes on, so that one whose controller dies says how far it came. A record that cannot
 * be written is said once, and is no reason not to run: what must survive is on the hosts.
 */
export function startRecord(given: Recorded, records: RunRecords, now: () => number, warn: () => void): Recorder {
  let record = newRecord(given);
  const hosts = new Map<string, RecordedHost>(Object.entries(record.hosts));
  const tunnels = record.plays.map(({ hosts: own }) => new Map(Object.entries(own)));
  let warned = false;
  let next = 0;
  /** Until a host is about to be touched there is nothing that a power cut must not take. */
  let isTouched = false;
  const write = () => {
    const began = now();
    const plays = record.plays.map((play, index) => ({ ...play, hosts: Object.fromEntries(tunnels[index] ?? []) }));
    if (!records.write({ ...record, plays, hosts: Object.fromEntries(hosts) }, !isTouched) && !warned) {
      warned = true;
      warn();
    }
    // A record of many hosts is long: it may not take more than a small part of the run's time.
    next = now() + (now() - began) * 20;
  };
  const put = (host: string, phase: RecordedHost['phase']) => {
    const before = hosts.get(host);
    if (before === undefined || before.phase === phase) return;
    hosts.set(host, { ...before, phase });
    // Of a host that was only read there is nothing to know, should we die: it stands in the next record, or in the last.
    if ((TOUCHED.has(phase) || TOUCHED.has(before.phase)) && now() >= next) write();
  };
  const touching = () => {
    if (isTouched) return;
    isTouched = true;
    write();
  };
  const changing = (play: string, host: string, changed: readonly string[]) => {
    const index = given.plays.findIndex(
      ({ name, hosts: own }) => name === play && own.some((each) => each.host === host),
    );
    const before = tunnels[index]?.get(host);
    if (before !== undefined) tunnels[index]?.set(host, { ...before, tunnels: changed });
  };
  write();
  return {
    listen: (event) => {
      if (event.type === 'host-started') put(event.host, 'reading');
      if (event.type === 'host-planned') {
        const due = event.tasks.filter(({ status }) => status === 'changed' || status === 'unknown');
        changing(event.play, event.host, [...new Set(due.flatMap(({ tunnel }) => tunnel ?? []))]);
        if (due.length > 0) touching();
      }
      if (event.type === 'task-started') put(event.host, 'changing');
      if (event.type === 'host-proving') put(event.host, 'proving');
      if (event.type === 'host-restoring') put(event.host, 'restoring');
      if (event.type === 'host-finished') put(event.host, 'done');
    },
    end: (outcome, exitCode) => {
      for (const [name, result] of outcome.hosts) hosts.set(name, { ...result, phase: 'done' });
      const word = outcomeOf(outcome, given.options.confirm ?? 'auto');
      const ended = new Date().toISOString();
      record = { ...record, ended, outcome: word, exitCode, pending: word === 'awaiting' };
      write();
    },
  };
}

const TOUCHED: ReadonlySet<RecordedHost['phase']> = new Set(['changing', 'proving', 'restoring']);

/** What there is to take back is a change, whatever failed beside it. */
function outcomeOf({ hosts, interrupted }: RunOutcome, confirm: 'auto' | 'manual'): Outcome {
  const statuses = new Set([...hosts.values()].map(({ status }) => status));
  if (statuses.has('changed') && confirm === 'manual') return 'awaiting';
  if (interrupted) return 'interrupted';
  if (statuses.has('failed') || statuses.has('unreachable')) return 'failed';
  return statuses.has('changed') ? 'changed' : 'in sync';
}

function newRecord({ run, rollbackOf, who, pid, playbook, options, plays }: Recorded): RunRecord {
  const waiting: RecordedHost = { phase: 'waiting', status: 'skipped', error: null, tasks: [] };
  return {
    schema: recordSchema,
    run,
    rollbackOf,
    who,
    pid,
    begun: new Date().toISOString(),
    ended: null,
    playbook,
    inventory: options.inventory,
    limit: options.limit ?? null,
    shard: options.shard ?? null,
    tags: options.tags,
    skipTags: options.skipTags,
    extraVars: extraVarsOf(options, run),
    lab: options.lab ?? null,
    confirm: options.confirm ?? 'auto',
    confirmTimeout: options.confirmTimeout ?? 90,
    outcome: 'running',
    exitCode: null,
    pending: false,
    plays: plays.map((play, index) => ({
      id: plays.length === 1 ? run : `${run}-${index + 1}`,
      play: play.name,
      hosts: Object.fromEntries(
        play.hosts.map(({ host, tasks, become, becomeUser }) => [
          host,
          {
            become,
            ...(becomeUser === undefined ? {} : { becomeUser }),
            tunnels: [...new Set(tasks.flatMap(({ tunnel }) => tunnel ?? []))],
          },
        ]),
      ),
    })),
    hosts: Object.fromEntries(plays.flatMap((play) => play.hosts.map(({ host }) => [host, waiting]))),
  };
}

/** Of the words as they were given, which may hold secrets: short, so that many words have the same. */
export function extraVarsOf({ extraVars }: Pick<RunOptions, 'extraVars'>, run: string): string | null {
  if (extraVars.length === 0) return null;
  return createHmac('sha256', run).update(JSON.stringify(extraVars)).digest('hex').slice(0, 8);
}
