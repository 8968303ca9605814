import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import type { StopSignal } from '../../engine/host-run.ts';
import { type RunOfHost, type Survey, surveyAndLook } from '../../engine/transaction/survey.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import type { EndStanding } from '../../model/standing.ts';
import type { CompiledHost, CompiledPlay } from '../../model/task.ts';
import { prometheusText } from '../../report/prometheus.ts';
import { withShard } from '../../report/shard-document.ts';
import { statusDocument } from '../../report/status-document.ts';
import { NARROW_HEAD, narrowRows, STATUS_HEAD, statusRow } from '../../report/status-table.ts';
import type { TunnelStatus } from '../../report/tunnel-status.ts';
import { visibleLine } from '../../report/visible.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { table } from '../machine/table.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { StatusOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { endsOn, standingsOf } from '../prove/tunnels.ts';
import { type OpenRun, openRun } from '../run/open.ts';
import { runRecords } from '../run/records.ts';
import { timer } from '../run/timer.ts';
import { lastVerified } from '../run/tunnel-records.ts';
import { type WatchedHosts, watchHosts } from '../run/watched-hosts.ts';
import { whatItDoes } from '../settle/break-lock.ts';
import { DENIED, isOpen } from '../settle/runs-on-hosts.ts';

/** How all tunnels stand, both ends of each, and what runs have left to be decided on the hosts. Changes nothing. */
export function status(given: StatusOptions, terminal: Terminal): Promise<number> {
  const { watch, output, ...rest } = given;
  const seconds = watch === true ? PAUSE : watch;
  if (output === 'prometheus' && seconds !== undefined)
    throw new UsageFault('--watch has no end, and a scrape wants one', 'leave --watch out');
  if (output === 'prometheus' && given.runs === true)
    throw new UsageFault('all metrics are about tunnels, and --runs reads none', 'leave --runs out, or -o json');
  const options = { ...rest, output: output === 'prometheus' ? ('human' as const) : output };
  let chosen: ReturnType<typeof selectHosts> = { hosts: [], diagnostics: [] };
  const plays = (project: Project): readonly CompiledPlay[] => {
    chosen = selectHosts(project.inventory, options.limit ?? 'all');
    const own = chosen.hosts.filter((host) => project.shard?.has(host) ?? true);
    const asked = options.runs === true ? own : withOtherEnds(own, project);
    const hosts = asked.map((host) => ({ host, tasks: [], become: null }));
    return [{ name: 'status', serial: [], hosts }];
  };
  // The shards are told by the tunnels.
  const runsAlone = options.shard !== undefined ? 'standing' : options.lab === undefined ? 'connections' : 'hosts';
  const needs = options.runs === true ? runsAlone : 'standing';
  const check = (project: Project) => {
    plays(project);
    return chosen.diagnostics;
  };
  return openRun({ command: null, playbook: undefined, options, terminal, needs, plays, check }, async (opened) => {
    const hosts = opened.project.plays.flatMap((play) => play.hosts);
    const watched = watchHosts(opened, hosts, options.forks, seconds === undefined ? null : PATIENCE);
    try {
      for (;;) {
        const found = await gather(opened, watched, hosts, given, terminal);
        if (opened.stop.requested) return EXIT.interrupted;
        const code = show(found, given, opened);
        if (seconds === undefined || opened.terminal.unread === true) return code;
        if (!(await pause(seconds, opened.stop))) return EXIT.interrupted;
      }
    } finally {
      await watched.close();
    }
  });
}

/** Seconds between two looks. */
const PAUSE = 5;

/** Seconds that the hosts that answer are not shown for one that does not. */
const PATIENCE = 10;

/** Of a tunnel both ends are looked at, as --limit means it everywhere. */
function withOtherEnds(hosts: readonly string[], { tunnels }: Project): readonly string[] {
  const ends = tunnels.filter((tunnel) => tunnel.ends.some(({ host }) => hosts.includes(host)));
  const others = ends.flatMap((tunnel) => tunnel.ends.filter(({ managed }) => managed).map(({ host }) => host));
  return [...new Set([...hosts, ...others])];
}

interface Found {
  readonly at: Date;
  readonly tunnels: readonly TunnelStatus[];
  readonly hosts: readonly FoundHost[];
}

interface FoundHost {
  readonly host: string;
  readonly survey: Survey | null;
  readonly fault: { readonly code: string; readonly message: string } | null;
}

/** One round trip a host. */
async function gather(
  { project, rendering }: OpenRun,
  watched: WatchedHosts,
  hosts: readonly CompiledHost[],
  options: StatusOptions,
  terminal: Terminal,
): Promise<Found> {
  const names = new Set(hosts.map(({ host }) => host));
  const tunnels =
    options.runs === true ? [] : project.tunnels.filter(({ ends }) => ends.some(({ host }) => names.has(host)));
  const surveys = new Map<string, Survey>();
  const seen = new Map<string, ReadonlyMap<string, EndStanding>>();
  const { standing } = ipsecTools;
  const faults = await watched.ask(async ({ host }, link, nonce) => {
    const ends = endsOn(host, tunnels);
    const answer = await surveyAndLook(link, nonce, rendering(host), standing.look(ends));
    surveys.set(host, answer.survey);
    seen.set(host, standing.read(answer.seen, ends));
  });
  const found = hosts.map(({ host }): FoundHost => {
    const survey = surveys.get(host);
    if (survey === undefined) return { host, survey: null, fault: faults.get(host) ?? null };
    return survey.isDenied ? { host, survey: null, fault: DENIED } : { host, survey, fault: null };
  });
  const verified = lastVerified(options, terminal);
  const awaiting = awaitingRuns(found, terminal);
  return {
    at: new Date(),
    hosts: found,
    tunnels: standingsOf(tunnels, seen).map(({ tunnel, ends }) => ({
      tunnel,
      ends,
      verified: verified.get(tunnel.name) ?? null,
      pending: [...new Set(tunnel.ends.flatMap(({ host }) => awaiting(host, tunnel.name)))],
    })),
  };
}

/** The runs on a host that wait for a person and have changed the tunnel; where nobody has recorded that, all that wait. */
function awaitingRuns(hosts: readonly FoundHost[], terminal: Terminal) {
  const records = runRecords(terminal);
  const waiting = new Map(
    hosts.map(({ host, survey }) => [host, (survey?.runs ?? []).filter(({ state }) => state === 'awaiting')]),
  );
  return (host: string, tunnel: string): readonly string[] =>
    (waiting.get(host) ?? [])
      .map(({ id }) => id)
      .filter((id) => {
        const plays = records.read(id)?.plays;
        return plays === undefined || plays.some((play) => play.hosts[host]?.tunnels.includes(tunnel) === true);
      });
}

function show({ at, tunnels, hosts }: Found, options: StatusOptions, { terminal, shard }: OpenRun): number {
  const code = hosts.some(({ fault }) => fault !== null) ? EXIT.unreachable : EXIT.done;
  const pending = hosts.map((host) => ({ ...host, runs: pendingRuns(host) }));
  if (options.output === 'json' || options.output === 'jsonl') {
    const entries = pending.map(({ host, survey, fault, runs }) => [
      host,
      { lock: survey?.lock ?? null, error: fault, runs: runs.map(shown) },
    ]);
    const document = withShard(statusDocument(code, at, tunnels, Object.fromEntries(entries)), shard);
    const isOne = options.output === 'json' && options.watch === undefined;
    terminal.stdout(`${JSON.stringify(document, null, isOne ? 2 : 0)}\n`);
    return code;
  }
  const isDrawn = options.watch !== undefined && terminal.screen === true;
  const faults = hosts.flatMap(({ host, fault }) =>
    fault === null ? [] : `${visibleLine(`[${host}] ${fault.message}`)}\n`,
  );
  // What is drawn would wipe away what was said before.
  if (!isDrawn) for (const line of faults) terminal.stderr(line);
  if (options.output === 'prometheus') {
    terminal.stdout(prometheusText(tunnels));
    return code;
  }
  const width = terminal.screen === true ? terminal.columns : undefined;
  const text = `${tunnelLines(tunnels, at, width)}${runLines(pending)}`;
  if (options.watch === undefined) terminal.stdout(text);
  else terminal.stdout(`${isDrawn ? CLEAR : ''}${at.toISOString()}\n${text}${isDrawn ? faults.join('') : ''}\n`);
  return code;
}

/** Of the whole screen, and the cursor to its beginning (ECMA-48: CUP, ED). */
const CLEAR = '\x1b[H\x1b[2J';

/** `width`: of the screen, where there is one. */
function tunnelLines(tunnels: readonly TunnelStatus[], at: Date, width = Number.POSITIVE_INFINITY): string {
  if (tunnels.length === 0) return '';
  const rows = tunnels.map((each) => statusRow(each, at.getTime()));
  const wide = table(STATUS_HEAD, rows);
  if (wide.split('\n').every((line) => line.length <= width)) return `${wide}\n\n`;
  return `${table(
    NARROW_HEAD,
    tunnels.flatMap((each) => narrowRows(each, at.getTime())),
  )}\n\n`;
}

function runLines(hosts: readonly (FoundHost & { readonly runs: readonly RunOfHost[] })[]): string {
  const rows = hosts.flatMap(({ host, runs }) =>
    runs.map((run) => [host, run.id, run.state, run.remaining === null ? '' : `${run.remaining} s`, whatItDoes(run)]),
  );
  if (rows.length === 0) return `${nothingPending(hosts)}\n`;
  const waiting = new Set(
    hosts.flatMap(({ runs }) => runs.filter(({ state }) => state === 'awaiting').map(({ id }) => id)),
  );
  const advice = [...waiting].map((run) => `ipsec-play confirm ${run}, or ipsec-play rollback ${run}\n`);
  return `${table(['HOST', 'RUN', 'STATE', 'LEFT', 'WHAT'], rows)}\n${advice.join('')}`;
}

/** Nobody knows what is pending where nobody answers. */
function nothingPending(hosts: readonly FoundHost[]): string {
  const silent = hosts.filter(({ fault }) => fault !== null).map(({ host }) => host);
  if (silent.length === 0) return 'No run is pending on these hosts.';
  const asked = hosts.length - silent.length;
  if (asked === 0) return 'No host could be asked: what is pending there is not known.';
  return `No run is pending on the ${asked === 1 ? 'host' : `${asked} hosts`} that could be asked; ${silent.join(', ')}: not known.`;
}

function pendingRuns({ survey }: FoundHost): readonly RunOfHost[] {
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

/** False where a stop came. */
function pause(seconds: number, stop: StopSignal): Promise<boolean> {
  if (stop.requested) return Promise.resolve(false);
  return new Promise((resolve) => {
    let cancel = () => {};
    const forget = stop.onRequest(() => {
      cancel();
      resolve(false);
    });
    cancel = timer(seconds * 1000, () => {
      forget();
      resolve(true);
    });
  });
}
