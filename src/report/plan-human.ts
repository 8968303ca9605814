import type { Colors } from 'picocolors/types';
import type { ReportOptions } from './output.ts';
import type { PlanDocument } from './plan-document.ts';
import { asCheck, optionWords, shownTime, windowWords } from './plan-facts.ts';
import { recapLines } from './recap.ts';
import { isNews, taskLines } from './task-lines.ts';
import { visibleLine } from './visible.ts';

/** A plan as `check` shows it, below what it is, when it may be applied, and whether it was (`state`). */
export function planLines(
  plan: PlanDocument,
  state: string,
  options: Omit<ReportOptions, 'command'>,
  colors: Colors,
): readonly string[] {
  const report: ReportOptions = { ...options, command: 'check' };
  const result = asCheck(plan);
  return [
    colors.bold(visibleLine(`PLAN ${plan.id} of ${plan.playbook}`)),
    visibleLine(`made ${shownTime(plan.created.at)} by ${plan.created.by} with ipsec-play ${plan.tool}`),
    visibleLine(`options: ${optionWords(plan)}`),
    `to be applied ${windowWords(plan)}`,
    state,
    '',
    ...[...result.hosts].flatMap(([name, { tasks }]) =>
      tasks.filter((task) => isNews(task, report)).flatMap((task) => taskLines(name, task, report, colors)),
    ),
    '',
    ...recapLines('check', result, colors),
  ];
}
