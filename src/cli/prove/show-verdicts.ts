import pico from 'picocolors';
import { error } from '../../lang/diagnostic.ts';
import { formatDiagnostics } from '../../lang/format-diagnostics.ts';
import { verdictLines, verdictSummary } from '../../report/verdict-lines.ts';
import { visibleLine } from '../../report/visible.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import type { HostFaults } from '../run/ask-hosts.ts';
import type { PassOutcome } from '../run/open.ts';
import type { ProofOutcome } from './tunnels.ts';

/** Verdicts for a person, with the lines of YAML of what failed. */
export function showVerdicts(
  { verdicts, faults }: ProofOutcome,
  project: Project,
  options: Pick<RunOptions, 'verbose' | 'color'>,
  terminal: Terminal,
): void {
  showFaults(faults, terminal);
  if (verdicts.length === 0) {
    terminal.stdout('There are no tunnels to verify.\n');
    return;
  }
  showProof({ verdicts, sources: project.sources }, options, terminal);
  terminal.stdout(`\n${verdictSummary(verdicts)}\n`);
}

/** What was seen of tunnels, and of those that failed the cause with its line of YAML. */
export function showProof(
  { verdicts, sources }: Pick<PassOutcome, 'verdicts' | 'sources'>,
  options: Pick<RunOptions, 'verbose' | 'color'>,
  terminal: Terminal,
): void {
  if (verdicts.length === 0) return;
  const color = terminal.color.stdout && options.color;
  const lines = verdictLines(verdicts, options.verbose > 0, pico.createColors(color));
  terminal.stdout(`${lines.join('\n')}\n`);
  const causes = verdicts.flatMap(({ tunnel, cause }) =>
    cause === null
      ? []
      : error(cause.code, `${tunnel}: ${cause.message}`, {
          ...(cause.fix === null ? {} : { fix: cause.fix }),
          ...(cause.at === null ? {} : { span: cause.at }),
        }),
  );
  if (causes.length > 0) terminal.stdout(`\n${formatDiagnostics(causes, sources, { color })}`);
}

export function showFaults(faults: HostFaults, terminal: Terminal): void {
  for (const [host, { message }] of faults) terminal.stderr(`${visibleLine(`[${host}] ${message}`)}\n`);
}

/**
 * A tunnel that failed goes before a host that nothing could be seen of. What could not be proven though its hosts were
 * reached has failed its verification, too: whoever watches the exit code must not take it for proven.
 */
export function codeOfProof({ verdicts, faults, unreached }: ProofOutcome): number {
  if (verdicts.some(({ status, tunnel }) => status === 'failed' || (status === 'unproven' && !unreached.has(tunnel))))
    return EXIT.verification;
  return faults.size > 0 ? EXIT.unreachable : EXIT.done;
}
