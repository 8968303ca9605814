import { hostname } from 'node:os';
import { exitCodeOf } from '../../engine/result.ts';
import { runDocument } from '../../report/json.ts';
import { PLAN_SCHEMA, type PlanDocument, sealedText } from '../../report/plan-document.ts';
import { windowWords } from '../../report/plan-facts.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { PlanFileOptions } from '../options/options.ts';
import { mustBeFree, writePlan } from '../plan-file/file.ts';
import { observed, plannedHosts } from '../plan-file/hosts.ts';
import { inputDigests, planOptions } from '../plan-file/inputs.ts';
import { ownSeal } from '../plan-file/store.ts';
import { readWindow } from '../plan-file/window.ts';
import { heedRotations } from '../rotate/heed.ts';
import { openRun, printJson } from '../run/open.ts';
import { VERSION } from '../version.ts';

/**
 * `plan`: a check whose outcome goes into a file, which `apply --plan` makes later, exactly or not at all. Written, it is
 * done, whether changes are pending or not.
 */
export function plan(playbook: string, options: PlanFileOptions, given: Terminal): Promise<number> {
  const { out, force = false } = options;
  const created = new Date();
  const window = readWindow(options.notBefore, options.notAfter, created);
  mustBeFree(out, force);
  const seal = ownSeal(given.cwd);
  const { fingerprint } = seal;
  return openRun({ command: 'plan', playbook, options, terminal: given, fingerprint }, async (opened) => {
    const { project, terminal } = opened;
    heedRotations('check', project, options, terminal);
    const reading = observed(seal, opened.redact);
    const outcome = await opened.pass('check', { observe: reading.observe });
    const code = exitCodeOf('check', outcome);
    if (code !== EXIT.done && code !== EXIT.pending) {
      if (options.output === 'json') printJson(runDocument('plan', playbook, code, outcome), terminal);
      terminal.stderr(`No plan was written: it would not hold for all hosts. --limit leaves hosts out.\n`);
      return code;
    }
    const unsealed: Omit<PlanDocument, 'seal'> = {
      schema: PLAN_SCHEMA,
      id: opened.id,
      tool: VERSION,
      created: { at: created.toISOString(), by: `${terminal.user}@${hostname()}` },
      window,
      playbook,
      options: planOptions(options, seal),
      inputs: inputDigests(project, seal),
      impact: outcome.impact ?? { tunnels: [], services: [], ownPath: [] },
      hosts: plannedHosts(outcome, reading),
      keyId: seal.keyId,
    };
    const document = { ...unsealed, seal: seal.seal(sealedText(unsealed)) };
    writePlan(out, document, force);
    if (options.output === 'json') printJson(document, terminal);
    terminal.stderr(`The plan ${document.id} is in ${out}, to be applied ${windowWords(document)}.\n`);
    return EXIT.done;
  });
}
