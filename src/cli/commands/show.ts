import { existsSync } from 'node:fs';
import pico from 'picocolors';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { planText } from '../../report/plan-document.ts';
import { shownTime } from '../../report/plan-facts.ts';
import { planLines } from '../../report/plan-human.ts';
import { planMarkdown } from '../../report/plan-markdown.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { ShowOptions } from '../options/options.ts';
import { readPlan } from '../plan-file/file.ts';
import { knownSeal, useOf } from '../plan-file/store.ts';
import { showDiagnostics } from '../project/load.ts';
import { runRecords } from '../run/records.ts';
import { showRun } from './show-run.ts';

/** `show`: what is in a file of `plan --out`, or what is known here of a run. */
export async function show(what: string, options: ShowOptions, terminal: Terminal): Promise<number> {
  if (existsSync(what)) return showPlan(what, options, terminal);
  const record = runRecords(terminal).read(what);
  if (record !== null) return showRun(record, options, terminal);
  return refused(
    [
      error('file-unreadable', `${what} is no file, and no run that was made from here`, {
        fix: 'the file of a plan, or a run of `ipsec-play history`',
      }),
    ],
    options,
    terminal,
  );
}

function showPlan(file: string, options: ShowOptions, terminal: Terminal): number {
  const { plan, isProven, diagnostics } = readPlan(file, knownSeal(terminal.cwd));
  if (plan === null) return refused(diagnostics, options, terminal);
  if (!isProven) terminal.stderr(`${NOT_PROVEN}\n`);
  const state = planState(terminal.cwd, plan.id);
  const format = options.format ?? (options.output === 'human' ? 'human' : 'json');
  if (format === 'json') terminal.stdout(planText(plan));
  else if (format === 'markdown') terminal.stdout(planMarkdown(plan, state));
  else {
    const colors = pico.createColors(terminal.color.stdout && options.color);
    const report = { diff: options.diff, verbosity: options.verbose };
    terminal.stdout(`${planLines(plan, state, report, colors).join('\n')}\n`);
  }
  return EXIT.done;
}

const NOT_PROVEN =
  'The key of this plan is not here (.ipsec-play/plans/key): nobody can tell here whether the file is as it was written.';

/** Whether a plan was applied from here. */
export function planState(cwd: string, id: string): string {
  const use = useOf(cwd, id);
  return use === null ? 'not applied from here' : `applied ${shownTime(use.at)} by ${use.by}, run ${use.run}`;
}

function refused(diagnostics: readonly Diagnostic[], options: ShowOptions, terminal: Terminal): number {
  showDiagnostics(diagnostics, new Map(), options, terminal);
  return EXIT.input;
}
