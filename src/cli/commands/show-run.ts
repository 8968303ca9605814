import pico from 'picocolors';
import { shardName } from '../../model/shard.ts';
import { recapLines } from '../../report/recap.ts';
import { isNews, taskLines } from '../../report/task-lines.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { RunRecord } from '../run/records.ts';

/** What is known here of a run: who, when, what it changed, what became of it. With -o json its whole record. */
export function showRun(record: RunRecord, options: RunOptions, terminal: Terminal): number {
  if (options.output !== 'human') {
    terminal.stdout(`${JSON.stringify(record, null, options.output === 'json' ? 2 : 0)}\n`);
    return EXIT.done;
  }
  const colors = pico.createColors(terminal.color.stdout && options.color);
  const report = { command: 'apply', diff: options.diff, verbosity: options.verbose } as const;
  const limits = [
    ...(record.limit === null ? [] : [`--limit ${record.limit}`]),
    ...(record.shard == null ? [] : [`--shard ${shardName(record.shard)}`]),
    ...(record.tags.length === 0 ? [] : [`--tags ${record.tags.join(',')}`]),
    ...(record.skipTags.length === 0 ? [] : [`--skip-tags ${record.skipTags.join(',')}`]),
    ...(record.extraVars === null ? [] : [`-e (${record.extraVars})`]),
    ...(record.lab === null ? [] : [`--lab=${record.lab}`]),
  ];
  const lines = [
    `${colors.bold(`run ${record.run}`)}  ${record.outcome}`,
    `of ${record.who}, ${record.begun}${record.ended === null ? ', not known to have ended' : ` to ${record.ended}`}`,
    [...(record.playbook === '' ? [] : [record.playbook]), `-i ${record.inventory}`, ...limits].join('  '),
    ...(record.rollbackOf === null ? [] : [`takes the run ${record.rollbackOf} back`]),
  ];
  for (const [name, host] of Object.entries(record.hosts)) {
    const shown = host.tasks.filter((task) => isNews(task, report));
    if (host.phase !== 'done') lines.push('', `${colors.bold(name)}  came as far as: ${host.phase}`);
    else if (shown.length > 0) lines.push('', colors.bold(name));
    for (const task of shown) lines.push(...taskLines(name, task, report, colors));
  }
  const hosts = new Map(Object.entries(record.hosts).filter(([, { phase }]) => phase === 'done'));
  const result = { hosts, interrupted: record.outcome === 'interrupted', timedOut: false };
  terminal.stdout(`${[...lines, '', ...recapLines('apply', result, colors), ...advice(record)].join('\n')}\n`);
  return EXIT.done;
}

function advice({ run, outcome, ended }: RunRecord): readonly string[] {
  if (outcome === 'awaiting')
    return [`ipsec-play confirm ${run}, or ipsec-play rollback ${run}; ipsec-play status tells the time left`];
  if (outcome === 'changed' || outcome === 'confirmed') return [`ipsec-play rollback ${run} takes it back`];
  return ended === null ? [`ipsec-play resume ${run} brings it to its end`] : [];
}
