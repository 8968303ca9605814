import { exitCodeOf } from '../../engine/result.ts';
import type { RunOutcome } from '../../engine/run.ts';
import { runDocument } from '../../report/json.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { proveOneSided } from '../prove/one-sided.ts';
import { showProof } from '../prove/show-verdicts.ts';
import { heedRotations } from '../rotate/heed.ts';
import { openRun, type PassOutcome, printJson } from '../run/open.ts';
import { breakLocks } from '../settle/break-lock.ts';

type Command = 'check' | 'apply';

/** `check` and `apply`: one and the same but for what happens after the plan. */
export function runPlaybook(command: Command, playbook: string, options: RunOptions, given: Terminal): Promise<number> {
  return openRun({ command, playbook, options, terminal: given }, async (opened) => {
    const { pass, waitFor, terminal, stop } = opened;
    heedRotations(command, opened.project, options, terminal);
    if (command === 'apply' && options.breakLock === true && !(await breakLocks(opened, options))) return EXIT.failed;
    if (command === 'apply' && asksFirst(options, terminal)) {
      const foreseen = await pass('check');
      const code = exitCodeOf('check', foreseen);
      if (code !== EXIT.pending && code !== EXIT.failed && code !== EXIT.unreachable) return code;
      if (!hasChanges(foreseen) || foreseen.timedOut) return code;
      if (!(await waitFor(() => agrees(terminal, foreseen)))) {
        terminal.stderr('Nothing was changed.\n');
        return stop.requested ? EXIT.interrupted : EXIT.done;
      }
      const outcome = await pass('apply', { agreed: foreseen.digests });
      return finish('apply', playbook, options, await proveOneSided(opened, outcome, options, given), terminal);
    }
    const outcome = await pass(command);
    const proven = command === 'apply' ? await proveOneSided(opened, outcome, options, given) : outcome;
    return finish(command, playbook, options, proven, terminal);
  });
}

/** Prints the document, where one is wanted; gives the exit code. */
export function finish(
  command: Command,
  playbook: string,
  options: RunOptions,
  outcome: PassOutcome,
  terminal: Terminal,
): number {
  const made = exitCodeOf(command, outcome);
  const code =
    made === EXIT.done && outcome.verdicts.some(({ status }) => status === 'failed') ? EXIT.verification : made;
  if (options.output === 'human') {
    showProof(outcome, options, terminal);
    for (const line of whatNow(outcome, options)) terminal.stdout(`${line}\n`);
  }
  if (options.output === 'json') printJson(runDocument(command, playbook, code, outcome), terminal);
  return code;
}

/** What can be done with what a run has changed. */
export function whatNow({ run, hosts }: PassOutcome, options: RunOptions): readonly string[] {
  const changed = [...hosts.values()].filter(({ status }) => status === 'changed').length;
  if (run === null || changed === 0) return [];
  if (options.confirm !== 'manual') return [`run ${run}; \`ipsec-play rollback ${run}\` takes it back`];
  const seconds = options.confirmTimeout ?? 90;
  return [
    `run ${run} is proven and waits for you: in ${seconds} s the old state comes back on ${changed === 1 ? '1 host' : `${changed} hosts`}`,
    `  ipsec-play confirm ${run}    keeps it`,
    `  ipsec-play rollback ${run}   takes it back now`,
  ];
}

/** Somebody sits at a terminal and has not said --yes. */
export function asksFirst(options: RunOptions, terminal: Terminal): boolean {
  return options.yes !== true && terminal.interactive && options.output === 'human';
}

export function hasChanges({ hosts }: RunOutcome): boolean {
  return [...hosts.values()].some(({ status, tasks }) => status === 'changed' && tasks.length > 0);
}

export async function agrees(terminal: Terminal, { hosts }: RunOutcome): Promise<boolean> {
  const changing = [...hosts].filter(([, { status }]) => status === 'changed');
  const disruptive = changing.filter(([, { tasks }]) =>
    tasks.some((task) => task.disruptive !== null && task.status === 'changed'),
  );
  const warning = disruptive.length === 0 ? '' : `, disruptive on ${disruptive.map(([name]) => name).join(', ')}`;
  const answer = await terminal.ask(
    `\nApply this to ${changing.length} host${changing.length === 1 ? '' : 's'}${warning}? [y/N] `,
  );
  return answer !== null && /^y(es)?$/i.test(answer.trim());
}
