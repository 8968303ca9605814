import type { RunOfHost } from '../../engine/transaction/survey.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import type { CompiledPlay } from '../../model/task.ts';
import { visibleLine } from '../../report/visible.ts';
import { whatItDoes } from '../break-lock.ts';
import { EXIT } from '../exit.ts';
import type { Project } from '../load.ts';
import { openRun } from '../open-run.ts';
import type { RunOptions } from '../options.ts';
import { isOpen, type SurveyedHost, withSurvey } from '../runs-on-hosts.ts';
import { table } from '../table.ts';
import type { Terminal } from '../terminal.ts';

/** What runs have left to be decided on the hosts: those that wait for a person, that hold a host, or that did not end. */
export function status(options: RunOptions, terminal: Terminal): Promise<number> {
  let chosen: ReturnType<typeof selectHosts> = { hosts: [], diagnostics: [] };
  const plays = ({ inventory }: Project): readonly CompiledPlay[] => {
    chosen = selectHosts(inventory, options.limit ?? 'all');
    return [{ name: 'status', serial: [], hosts: chosen.hosts.map((host) => ({ host, tasks: [], become: null })) }];
  };
  const needs = options.lab === undefined ? 'connections' : 'hosts';
  const check = (project: Project) => {
    plays(project);
    return chosen.diagnostics;
  };
  return openRun({ command: null, playbook: undefined, options, terminal, needs, plays, check }, (opened) => {
    const hosts = opened.project.plays.flatMap((play) => play.hosts);
    return withSurvey(opened, hosts, options.forks, async (surveyed) => report(surveyed, options, opened.terminal));
  });
}

function report(surveyed: readonly SurveyedHost[], options: RunOptions, terminal: Terminal): number {
  const code = surveyed.some(({ fault }) => fault !== null) ? EXIT.unreachable : EXIT.done;
  const found = surveyed.map((host) => ({ host, runs: pendingRuns(host) }));
  if (options.output !== 'human') {
    const document = {
      schema: 'ipsec-play/status/1',
      exitCode: code,
      hosts: Object.fromEntries(
        found.map(({ host: { host, survey, fault }, runs }) => [
          host.host,
          { lock: survey?.lock ?? null, error: fault, runs: runs.map(shown) },
        ]),
      ),
    };
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return code;
  }
  for (const { host, fault } of surveyed) {
    if (fault !== null) terminal.stderr(`${visibleLine(`[${host.host}] ${fault.message}`)}\n`);
  }
  const rows = found.flatMap(({ host, runs }) =>
    runs.map((run) => [
      host.host.host,
      run.id,
      run.state,
      run.remaining === null ? '' : `${run.remaining} s`,
      whatItDoes(run),
    ]),
  );
  if (rows.length === 0) terminal.stdout(`${nothingPending(surveyed)}\n`);
  else terminal.stdout(`${table(['HOST', 'RUN', 'STATE', 'LEFT', 'WHAT'], rows)}\n`);
  const waiting = new Set(
    found.flatMap(({ runs }) => runs.filter(({ state }) => state === 'awaiting').map(({ id }) => id)),
  );
  for (const run of waiting) terminal.stdout(`ipsec-play confirm ${run}, or ipsec-play rollback ${run}\n`);
  return code;
}

/** Nobody knows what is pending where nobody answers. */
function nothingPending(surveyed: readonly SurveyedHost[]): string {
  const silent = surveyed.filter(({ fault }) => fault !== null).map(({ host }) => host.host);
  if (silent.length === 0) return 'No run is pending on these hosts.';
  const asked = surveyed.length - silent.length;
  if (asked === 0) return 'No host could be asked: what is pending there is not known.';
  return `No run is pending on the ${asked === 1 ? 'host' : `${asked} hosts`} that could be asked; ${silent.join(', ')}: not known.`;
}

function pendingRuns({ survey }: SurveyedHost): readonly RunOfHost[] {
  if (survey === null) return [];
  return survey.runs.filter((run) => run.state !== 'confirmed' || run.id === survey.lock);
}

function shown(run: RunOfHost) {
  const { id, state, isKept, isBusy, owner, last, remaining } = run;
  return {
    run: id,
    state,
    open: isOpen(run),
    watched: isKept,
    busy: isBusy,
    owner: Object.fromEntries(owner),
    last,
    remaining,
  };
}
