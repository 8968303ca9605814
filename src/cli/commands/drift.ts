import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { look } from '../../engine/look.ts';
import { lines } from '../../engine/sh.ts';
import { type LeftBehind, leftBehindScript, readLeftBehind } from '../../engine/transaction/left-behind.ts';
import { type IgnoreList, ignoring, type LookedAt, readIgnoreList } from '../../inventory/drift-ignore.ts';
import { fileInventory } from '../../inventory/files.ts';
import { formatDiagnostics } from '../../lang/format-diagnostics.ts';
import type { DriftItem } from '../../model/drift.ts';
import type { EndStanding } from '../../model/standing.ts';
import { driftDocument, driftRecap } from '../../report/drift-document.ts';
import { type ShardInDocument, withShard } from '../../report/shard-document.ts';
import { visibleLine } from '../../report/visible.ts';
import { duePaths, findDrift, type HostSeen } from '../drift/find.ts';
import { driftText } from '../drift/text.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { endsOn } from '../prove/tunnels.ts';
import { heedRotations } from '../rotate/heed.ts';
import { askHosts } from '../run/ask-hosts.ts';
import { type OpenRun, openRun, type PassOutcome } from '../run/open.ts';
import { runRecords } from '../run/records.ts';

/**
 * What differs from the inventory, told apart by whose doing it is: a check, and a look at what the last runs left and at
 * the kernels. Neither of them can change anything.
 */
export function drift(playbook: string, options: RunOptions, terminal: Terminal): Promise<number> {
  const list = readIgnoreList(options.inventory, fileInventory);
  const check = () => list.diagnostics;
  return openRun({ command: null, playbook, options, terminal, check, sources: list.sources }, async (opened) => {
    heedRotations('check', opened.project, options, opened.terminal);
    const outcome = await opened.pass('check', { silent: true });
    const { items, errors, unreachable } = await gather(opened, outcome, options, terminal);
    if (opened.stop.requested) return EXIT.interrupted;
    const today = new Date().toISOString().slice(0, 10);
    const judged = ignoring(items, list.rules, today, lookedAt(opened, outcome, errors, options));
    // What was not seen goes before what was: nobody may take such an answer for the whole.
    const code = errors.size > 0 ? (unreachable ? EXIT.unreachable : EXIT.failed) : codeOf(judged.items);
    show(judged, { playbook, code, errors, list, shard: opened.shard }, options, opened.terminal);
    return code;
  });
}

function lookedAt({ project }: OpenRun, outcome: PassOutcome, errors: Errors, options: RunOptions): LookedAt {
  const hosts = [...outcome.hosts.keys()].filter((host) => errors.get(host) === undefined);
  const { limit, shard, tags, skipTags } = options;
  const isEverywhere = limit === undefined && shard === undefined;
  const isWhole = errors.size === 0 && isEverywhere && tags.length + skipTags.length === 0;
  return {
    hosts,
    tunnels: hosts.flatMap((host) => presentEnds(host, project).map(({ tunnel }) => tunnel.name)),
    isWhole,
  };
}

type Errors = ReadonlyMap<string, { readonly code: string; readonly message: string }>;

async function gather(
  opened: OpenRun,
  outcome: PassOutcome,
  { forks }: RunOptions,
  terminal: Terminal,
): Promise<{ readonly items: readonly DriftItem[]; readonly errors: Errors; readonly unreachable: boolean }> {
  const { project, rendering } = opened;
  const errors = new Map<string, { code: string; message: string }>();
  for (const [host, { error }] of outcome.hosts) if (error !== null) errors.set(host, error);
  const known = new Map(project.plays.flatMap((play) => play.hosts.map((host) => [host.host, host])));
  const reached = [...known.values()].filter(({ host }) => outcome.hosts.get(host)?.status !== 'unreachable');
  const left = new Map<string, LeftBehind>();
  const standing = new Map<string, ReadonlyMap<string, EndStanding>>();
  const strays = new Map<string, HostSeen['strays']>();
  const faults = await askHosts(opened, reached, forks, async (host, link, nonce) => {
    const result = outcome.hosts.get(host);
    const ends = presentEnds(host, project);
    const byPrograms = ipsecTools.beyond.files(ends).map(({ path }) => path);
    const paths = [...(result === undefined ? [] : duePaths(result)), ...byPrograms];
    const own = rendering(host);
    const script = lines([leftBehindScript(paths), ipsecTools.standing.look(ends), ipsecTools.beyond.look(ends)]);
    const printed = await look(link, nonce, script, own);
    const behind = readLeftBehind(printed, own.root);
    if (behind.isDenied) errors.set(host, { code: 'become', message: DENIED });
    else left.set(host, behind);
    standing.set(host, ipsecTools.standing.read(printed, ends));
    strays.set(host, ipsecTools.beyond.read(printed, ends, endsOn(host, project.tunnels)));
  });
  for (const [host, fault] of faults) errors.set(host, fault);
  const settled = settledTasks(terminal);
  const items = [...outcome.hosts].flatMap(([host, result]) =>
    findDrift({
      host,
      result,
      leftBehind: left.get(host) ?? null,
      ends: presentEnds(host, project).map((end) => ({ end, seen: standing.get(host)?.get(end.tunnel.name) ?? null })),
      byPrograms: ipsecTools.beyond.files(presentEnds(host, project)),
      strays: strays.get(host) ?? [],
      settledBefore: settled(host),
    }),
  );
  const unreachable = faults.size > 0 || reached.length < known.size;
  return { items, errors, unreachable };
}

const DENIED = 'only root can see what runs have left on this host: become root (-b)';

/** Those that the plays are about: a tunnel that no task of the playbook has is nobody's drift. */
function presentEnds(host: string, { plays, tunnels }: OpenRun['project']) {
  const named = new Set(
    plays.flatMap((play) =>
      play.hosts.filter((each) => each.host === host).flatMap(({ tasks }) => tasks.map(({ tunnel }) => tunnel)),
    ),
  );
  return endsOn(host, tunnels).filter(({ tunnel }) => named.has(tunnel.name) && tunnel.state === 'present');
}

function settledTasks(terminal: Terminal): (host: string) => ReadonlySet<string> {
  const records = runRecords(terminal).all();
  return (host) =>
    new Set(
      records
        .filter(({ outcome }) => outcome === 'changed' || outcome === 'confirmed' || outcome === 'in sync')
        .flatMap(({ hosts }) => hosts[host]?.tasks ?? [])
        .filter(({ status }) => status === 'ok' || status === 'changed')
        .map(({ id }) => id),
    );
}

function codeOf(items: readonly DriftItem[]): number {
  const { kernel, edited, 'not-applied': pending } = driftRecap(items);
  if (kernel > 0) return EXIT.kernel;
  if (edited > 0) return EXIT.edited;
  return pending > 0 ? EXIT.pending : EXIT.done;
}

interface Shown {
  readonly playbook: string;
  readonly code: number;
  readonly errors: Errors;
  readonly list: IgnoreList;
  readonly shard: ShardInDocument | null;
}

function show(
  { items, diagnostics }: ReturnType<typeof ignoring>,
  { playbook, code, errors, list, shard }: Shown,
  options: RunOptions,
  terminal: Terminal,
): void {
  if (diagnostics.length > 0) {
    const color = terminal.color.stderr && options.color;
    terminal.stderr(formatDiagnostics(diagnostics, list.sources, { color }));
  }
  if (options.output !== 'human') {
    const document = withShard(driftDocument(playbook, code, items, Object.fromEntries(errors)), shard);
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
    return;
  }
  for (const [host, { message }] of errors) terminal.stderr(`${visibleLine(`[${host}] ${message}`)}\n`);
  terminal.stdout(`${driftText(items, options.verbose > 0)}\n`);
}
