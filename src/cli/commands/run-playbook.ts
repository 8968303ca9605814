import { randomBytes } from 'node:crypto';
import { modules } from '../../../modules/index.ts';
import { exitCodeOf } from '../../engine/result.ts';
import { type RunInput, type RunOutcome, run } from '../../engine/run.ts';
import { onHost } from '../../engine/sh.ts';
import { hasErrors } from '../../lang/diagnostic.ts';
import type { Secret } from '../../model/secret.ts';
import { type RunDocument, refusedDocument, refusedLine, runDocument } from '../../report/json.ts';
import type { Reporter } from '../../report/output.ts';
import { makeFingerprint } from '../../secrets/fingerprint.ts';
import { makeRedactor } from '../../secrets/redact.ts';
import { discreet } from '../discreet.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { readProject, showDiagnostics } from '../load.ts';
import type { RunOptions } from '../options.ts';
import { makeReporter } from '../reporter.ts';
import { stopOnInterrupt } from '../stop-signal.ts';
import { connectionFaults, targetsOf } from '../targets.ts';
import { askSecret, type Terminal } from '../terminal.ts';
import { timer } from '../timer.ts';
import { openWorld } from '../world.ts';

type Command = 'check' | 'apply';

/** `check` and `apply`: one and the same but for what happens after the plan. */
export async function runPlaybook(
  command: Command,
  playbook: string,
  options: RunOptions,
  given: Terminal,
): Promise<number> {
  const redactor = makeRedactor();
  const terminal = discreet(given, redactor);
  const { project, diagnostics } = await readProject(options, playbook, terminal, (read) =>
    connectionFaults(read, options, true),
  );
  showDiagnostics(diagnostics, project.sources, options, terminal);
  if (hasErrors(diagnostics)) {
    if (options.output === 'json') printJson(refusedDocument(command, playbook, diagnostics), terminal);
    if (options.output === 'jsonl') terminal.stdout(refusedLine(diagnostics));
    return EXIT.input;
  }
  const asked = {
    password: options.askPass === true ? await demand(terminal, 'SSH password: ') : null,
    becomePassword: options.askBecomePass === true ? await demand(terminal, 'become password: ') : null,
  };
  const targets = targetsOf(project.plays, project.inventory, project.extraVars, options, asked);

  for (const secret of [...project.secrets, ...targets.secrets]) redactor.add(secret);
  let stopping = () => {};
  const stop = stopOnInterrupt(terminal, () => stopping());
  const world = await openWorld(project, options, terminal, stop.signal);
  const nonce = () => randomBytes(12).toString('hex');
  const base: Omit<RunInput, 'command' | 'limits' | 'emit' | 'agreed'> = {
    plays: project.plays,
    target: (host) => world.target(targets.of(host)),
    transport: world.transport,
    rendering: world.rendering ?? (() => onHost),
    modules: new Map(modules.map((module) => [module.name, module])),
    redaction: { redact: redactor.redact, fingerprint: makeFingerprint(randomBytes(32)) },
    clock: () => performance.now(),
    nonce,
    forks: options.forks,
    stop: stop.signal,
  };
  const since = performance.now();
  let asking = 0;
  const limits = () => ({
    command: options.commandTimeout ?? null,
    total: options.totalTimeout ?? null,
    spent: (performance.now() - since - asking) / 1000,
    timer,
  });
  const report = async (what: Command, agreed: RunInput['agreed']): Promise<RunOutcome> => {
    const reporter: Reporter = await makeReporter(what, options, terminal, agreed !== null);
    stopping = () => reporter.listen({ type: 'stopping' });
    const outcome = await run({ ...base, limits: limits(), command: what, emit: reporter.listen, agreed });
    await reporter.close();
    return outcome;
  };

  try {
    if (command === 'apply' && asksFirst(options, terminal)) {
      const foreseen = await report('check', null);
      const code = exitCodeOf('check', foreseen);
      if (code !== EXIT.pending && code !== EXIT.failed && code !== EXIT.unreachable) return code;
      if (!hasChanges(foreseen) || foreseen.timedOut) return code;
      const shown = performance.now();
      const agreed = await agrees(terminal, foreseen);
      asking = performance.now() - shown;
      if (!agreed) {
        terminal.stderr('Nothing was changed.\n');
        return stop.signal.requested ? EXIT.interrupted : EXIT.done;
      }
      return finish('apply', playbook, options, await report('apply', foreseen.digests), terminal);
    }
    return finish(command, playbook, options, await report(command, null), terminal);
  } finally {
    stop.forget();
    await world.close();
  }
}

function finish(
  command: Command,
  playbook: string,
  options: RunOptions,
  outcome: RunOutcome,
  terminal: Terminal,
): number {
  const code = exitCodeOf(command, outcome);
  if (options.output === 'json') printJson(runDocument(command, playbook, code, outcome), terminal);
  return code;
}

function printJson(document: RunDocument, terminal: Terminal): void {
  terminal.stdout(`${JSON.stringify(document, null, 2)}\n`);
}

/** Somebody sits at a terminal and has not said --yes. */
function asksFirst(options: RunOptions, terminal: Terminal): boolean {
  return options.yes !== true && terminal.interactive && options.output === 'human';
}

function hasChanges({ hosts }: RunOutcome): boolean {
  return [...hosts.values()].some(({ status, tasks }) => status === 'changed' && tasks.length > 0);
}

async function agrees(terminal: Terminal, { hosts }: RunOutcome): Promise<boolean> {
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

async function demand(terminal: Terminal, question: string): Promise<Secret> {
  const answer = await askSecret(terminal, question);
  if (answer === null) {
    throw new UsageFault(
      `nobody is there to answer "${question.trim()}"`,
      'ansible_password or ansible_become_password in the inventory',
    );
  }
  return answer;
}
