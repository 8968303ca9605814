import { hostname } from 'node:os';
import pico from 'picocolors';
import { exitCodeOf, type RunResult } from '../../engine/result.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { refusedDocument, refusedLine, runDocument } from '../../report/json.ts';
import type { PlanDocument } from '../../report/plan-document.ts';
import { shownTime } from '../../report/plan-facts.ts';
import { planLines } from '../../report/plan-human.ts';
import { withShard } from '../../report/shard-document.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { readPlan } from '../plan-file/file.ts';
import { heldBack, isFailed, listed, movedSince, observed, plannedOtherwise } from '../plan-file/hosts.ts';
import { changedInputs, optionsOfPlan } from '../plan-file/inputs.ts';
import { knownSeal, takePlan, useOf } from '../plan-file/store.ts';
import { windowFaults } from '../plan-file/window.ts';
import { showDiagnostics } from '../project/load.ts';
import { proveOneSided } from '../prove/one-sided.ts';
import { heedRotations } from '../rotate/heed.ts';
import { type OpenRun, openRun, printJson } from '../run/open.ts';
import { makeReporter } from '../run/reporter.ts';
import { breakLocks } from '../settle/break-lock.ts';
import { shardInDocument } from '../shard/words.ts';
import { VERSION } from '../version.ts';
import { agrees, asksFirst, finish } from './run-playbook.ts';
import { planState } from './show.ts';

/**
 * `apply --plan`: makes a plan of `plan --out`, exactly or not at all. All hosts are read again before any is changed; one
 * that is not as it was holds back all of them.
 */
export async function applyPlan(file: string, given: RunOptions, terminal: Terminal): Promise<number> {
  const seal = knownSeal(terminal.cwd);
  const { plan, diagnostics, isProven } = readPlan(file, seal);
  const refuse = (why: readonly Diagnostic[]) => refused(why, plan?.playbook ?? '', given, terminal);
  if (plan === null) return refuse(diagnostics);
  if (seal === null || !isProven) return refuse([keyMissing(file)]);
  const options = optionsOfPlan(given, plan);
  const faults = [...versionFaults(plan), ...useFaults(terminal.cwd, plan), ...windowFaults(plan.window, new Date())];
  if (faults.length > 0) return refused(faults, plan.playbook, options, terminal);

  const { playbook } = plan;
  const settings = {
    ...({ command: 'apply', playbook, options, terminal, fingerprint: seal.fingerprint } as const),
    check: (project: OpenRun['project']) => changedInputs(plan, project, options, seal),
  };
  return openRun(settings, async (opened) => {
    heedRotations('apply', opened.project, options, opened.terminal);
    if (options.breakLock === true && !(await breakLocks(opened, options))) return EXIT.failed;
    const reading = observed(seal, opened.redact);
    const now = await opened.pass('check', { observe: reading.observe, silent: true });
    const moved = movedSince(plan, reading);
    if (now.interrupted || now.timedOut || moved.size > 0 || [...now.hosts.values()].some(isFailed))
      return reportHeld(heldBack(now, moved), playbook, options, opened);
    const others = plannedOtherwise(plan, now);
    if (others.size > 0) return refused([differs(others)], playbook, options, opened.terminal);

    const asks = asksFirst(options, opened.terminal);
    if (asks) {
      const lines = planLines(
        plan,
        planState(terminal.cwd, plan.id),
        { diff: options.diff, verbosity: options.verbose },
        colorsOf(options, terminal),
      );
      opened.terminal.stdout(`${lines.join('\n')}\n`);
      if (!(await opened.waitFor(() => agrees(opened.terminal, now)))) {
        opened.terminal.stderr('Nothing was changed.\n');
        return opened.stop.requested ? EXIT.interrupted : EXIT.done;
      }
    }
    const late = windowFaults(plan.window, new Date());
    if (late.length > 0) return refused(late, playbook, options, opened.terminal);
    const use = { at: new Date().toISOString(), by: `${terminal.user}@${hostname()}`, run: opened.id };
    if (!takePlan(terminal.cwd, plan.id, use))
      return refused(useFaults(terminal.cwd, plan), playbook, options, opened.terminal);
    const outcome = await opened.pass('apply', { agreed: now.digests, together: true, shown: asks });
    const proven = await proveOneSided(opened, outcome, options, terminal);
    return finish('apply', playbook, options, proven, opened.terminal);
  });
}

function keyMissing(file: string): Diagnostic {
  const message = `the key that ${file} was made with is not here, so nothing in it can be compared`;
  const fix = 'apply it in the folder where it was made, which has .ipsec-play/plans/key, or make a new plan';
  return error('plan-key', message, { fix });
}

function versionFaults({ tool }: PlanDocument): readonly Diagnostic[] {
  if (tool === VERSION) return [];
  const message = `the plan was made with ipsec-play ${tool}, this is ${VERSION}: it may do other things`;
  return [error('plan-version', message, { fix: 'make a new plan' })];
}

function useFaults(cwd: string, { id }: PlanDocument): readonly Diagnostic[] {
  const use = useOf(cwd, id);
  if (use === null) return [];
  const message = `the plan ${id} was applied already: ${shownTime(use.at)} by ${use.by}, run ${use.run}`;
  return [error('plan-used', message, { fix: 'make a new plan' })];
}

function differs(others: ReadonlyMap<string, readonly string[]>): Diagnostic {
  const where = listed([...others].map(([host, names]) => `${host} (${listed(names)})`));
  const message = `hosts and files are as they were, but this would now do something else than in the plan: ${where}`;
  return error('plan-differs', message, {
    fix: 'look whether a secret from env, file or command is another one, or make a new plan',
  });
}

function refused(
  diagnostics: readonly Diagnostic[],
  playbook: string,
  options: RunOptions,
  terminal: Terminal,
): number {
  showDiagnostics(diagnostics, new Map(), options, terminal);
  if (options.output === 'json') {
    const shard = shardInDocument(options, null);
    printJson(withShard(refusedDocument('apply', playbook, diagnostics), shard), terminal);
  }
  if (options.output === 'jsonl') terminal.stdout(refusedLine(diagnostics));
  return EXIT.input;
}

/** Nothing was changed: which hosts the plan does not hold for, and why. */
async function reportHeld(result: RunResult, playbook: string, options: RunOptions, opened: OpenRun) {
  const { terminal, shard } = opened;
  const code = exitCodeOf('apply', result);
  const reporter = await makeReporter('apply', options, terminal, true);
  reporter.listen({ type: 'run-started', command: 'apply', playbook, run: null });
  for (const [host, one] of result.hosts) reporter.listen({ type: 'host-finished', play: '', host, result: one });
  reporter.listen({ type: 'run-finished', result });
  await reporter.close();
  if (options.output === 'json') printJson(runDocument('apply', playbook, code, { ...result, shard }), terminal);
  return code;
}

function colorsOf(options: RunOptions, terminal: Terminal) {
  return pico.createColors(terminal.color.stdout && options.color);
}
