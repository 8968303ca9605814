import pico from 'picocolors';
import { ESTIMATE, type TunnelImpact } from '../engine/impact.ts';
import { type DiffText, type RunResult, recapOf } from '../engine/result.ts';
import { diffLines } from './diff-text.ts';
import type { PlanDocument, PlannedHost, PlannedTask } from './plan-document.ts';
import { asCheck, optionWords, pendingTasks, shownTime, windowWords } from './plan-facts.ts';
import { visibleLine } from './visible.ts';

const PLAIN = pico.createColors(false);

/** A plan for the ticket of a change: what it is, which tunnels it interrupts, and for each host its tasks and diffs. */
export function planMarkdown(plan: PlanDocument, state: string): string {
  const sections = [
    [`# Plan ${text(plan.id)}`],
    table(
      ['', ''],
      [
        ['playbook', plan.playbook],
        ['options', optionWords(plan)],
        ['made', `${shownTime(plan.created.at)} by ${plan.created.by}, ipsec-play ${plan.tool}`],
        ['to be applied', windowWords(plan)],
        ['state', state],
        ['seal', plan.seal],
      ],
    ),
    ...tunnelSection(plan),
    ...serviceSection(plan),
    ['## Hosts'],
    hostTable(asCheck(plan)),
    ...disruptionSection(plan),
    ...Object.entries(plan.hosts).flatMap(([name, host]) => hostSection(name, host)),
    ['## Files that it was made from'],
    table(['file', 'digest'], Object.entries(plan.inputs)),
    ['A secret shows as a keyed digest (`fp:…`): the same where the secret is the same, of no use to find it.'],
  ];
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function hostTable({ hosts }: RunResult): readonly string[] {
  const rows = [...hosts].map(([name, host]) => {
    const { ok, changed } = recapOf(host);
    return [name, host.status === 'changed' ? 'changes' : 'in sync', `${changed}`, `${ok}`];
  });
  return table(['host', 'state', 'tasks that change', 'in order'], rows);
}

function tunnelSection({ impact }: PlanDocument): readonly (readonly string[])[] {
  if (impact.tunnels.length === 0) return [];
  const rows = impact.tunnels.map(({ name, ends, effect, seconds, networkOf }) => [
    name,
    ends.join(', '),
    EFFECT[effect],
    seconds === null ? '' : `${seconds[0]} to ${seconds[1]} s`,
    networkOf.length === 0 ? '' : `restart of the network of ${networkOf.join(', ')}`,
  ]);
  return [
    ['## Tunnels'],
    table(['tunnel', 'ends', 'what it does', 'about how long', 'because of'], rows),
    [`Times are ${ESTIMATE}.`],
  ];
}

const EFFECT: Readonly<Record<TunnelImpact['effect'], string>> = {
  drops: 'drops for a while',
  stopped: 'goes down, until somebody brings it up again',
  removed: 'goes down for good',
  starts: 'comes up new',
};

function serviceSection({ impact: { services, ownPath } }: PlanDocument): readonly (readonly string[])[] {
  return [
    ...(services.length === 0
      ? []
      : [
          ['## Services'],
          table(
            ['service', 'on'],
            services.map(({ host, service }) => [service, host]),
          ),
        ]),
    ...(ownPath.length === 0
      ? []
      : [
          ['## The way of who makes it'],
          table(
            ['host that changes, last', 'why'],
            ownPath.map(({ host, why }) => [host, why]),
          ),
        ]),
  ];
}

function disruptionSection(plan: PlanDocument): readonly (readonly string[])[] {
  const rows = pendingTasks(plan).flatMap(({ host, task }) =>
    task.disruptive === null ? [] : [[host, task.name, task.disruptive]],
  );
  return rows.length === 0 ? [] : [['## Disruptive tasks'], table(['host', 'task', 'what it does'], rows)];
}

function hostSection(name: string, { status, tasks }: PlannedHost): readonly (readonly string[])[] {
  if (status === 'ok') return [];
  const pending = tasks.filter((task) => task.status === 'changed' || task.status === 'unknown');
  const rows = pending.map((task) => [
    task.name,
    task.status === 'unknown' ? 'is decided then' : 'changes',
    noteOf(task),
  ]);
  return [
    [`## ${text(name)}`],
    table(['task', '', ''], rows),
    ...pending
      .filter(({ diff }) => diff.length > 0)
      .map((task) => [`### ${text(task.name)}`, '', ...diffBlock(task.diff)]),
  ];
}

function noteOf({ disruptive, error }: PlannedTask): string {
  return [disruptive, error?.message].filter((note) => typeof note === 'string').join('; ');
}

/** The fence is longer than any that the text could end it with. */
function diffBlock(diff: readonly DiffText[]): readonly string[] {
  const lines = diff.flatMap((one) => diffLines(one, PLAIN));
  const longest = Math.max(2, ...lines.flatMap((line) => [...line.matchAll(/`+/g)].map(([run]) => run.length)));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}diff`, ...lines, fence];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.map(text).join(' | ')} |`;
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)];
}

/** Text that stays text: no markup, no HTML, one line. */
function text(value: string): string {
  return visibleLine(value).replace(/[\\`*_[\]<>|#~]/g, '\\$&');
}
