import { fileResource, HostState, resourceKind } from '../../model/host-state.ts';
import type { FileDiff, Module, Plan, PlanContext } from '../module.ts';
import { lines, path, readFiles, Script, sh } from '../sh.ts';
import { BASE, KIT } from './host-kit.ts';

/** What a task that takes a confirmed run back on one host is told. */
export interface EarlierStateArgs {
  readonly run: string;
  /** The paths of that run's manifest. */
  readonly paths: readonly string[];
  /** Which of them later runs have changed as well. */
  readonly later: ReadonlyMap<string, string>;
  readonly diff: readonly FileDiff[];
  /** What it interrupts, if anything. */
  readonly disruptive: string | null;
  /** Where the host's paths begin, in a rehearsal. */
  readonly root: string;
}

/** What is on the host of the run that goes back. */
interface Archive {
  /** See host-kit.ts; `none`: nothing of it is there. */
  readonly state: string;
  /** The run that has taken it back already. */
  readonly by: string | null;
  /** Its way back is there, and how it left its files. */
  readonly isKept: boolean;
  /** Paths that are not as it left them. */
  readonly moved: readonly string[];
  /** All files are as they were before it. */
  readonly isOld: boolean;
}

const archiveResource = resourceKind<Archive>('run');
const doneResource = resourceKind<true>('run-taken-back', 'run');

/**
 * The module of the one task that `rollback RUN` has on each host: it makes of the way back that a confirmed run has left
 * on the host a change as any other, guarded, proven, and taken back itself where another end fails.
 */
export const earlierState: Module<EarlierStateArgs, null> = {
  name: 'earlier_state',
  summary: 'Puts the state back that was there before a run.',
  args: {},
  probe: (args) => lines([readFiles(args.paths), probeArchive(args.run)]),
  parse: (output, args) => {
    let state = HostState.empty.with(archiveResource, args.run, readArchive(output.stdout, args.root));
    for (const [name, file] of output.files) state = state.with(fileResource, name, file);
    return state;
  },
  plan: planEarlierState,
  apply: (_, { run }) => sh`${inOld(run)}
mkdir -p "$ip_dir/of" && cp -p "$ip_old/restore.sh" "$ip_old/journal" "$ip_dir/of/"
if [ -d "$ip_old/of" ]; then cp -Rp "$ip_old/of" "$ip_dir/of/of"; fi
(ip_dir=$ip_old; ip_stand) >"$ip_dir/stand"
if cmp -s "$ip_dir/stand" "$ip_old/left"; then rm -f "$ip_dir/stand"; else
  echo 'its files were changed since they were read: nothing was put back' >&2
  exit 75
fi
sh "$ip_old/restore.sh" back "$ip_old" >/dev/null
echo "$ip_id" >"$ip_old/rolled-back"
`,
  touches: (_, { run, paths }) => [...paths, `${BASE}/runs/${run}/rolled-back`],
  undo: () => ({ before: round('redo-before'), after: round('redo-after') }),
  redo: () => ({ before: round('undo-before'), after: round('undo-after') }),
};

function planEarlierState(args: EarlierStateArgs, state: HostState, _context: PlanContext): Plan<null> {
  const { run } = args;
  const archive = state.get(archiveResource, run);
  const blocked = (why: string): Plan<null> => ({ kind: 'blocked', why });
  if (archive === undefined) return blocked(`nobody has read what there is of the run ${run}`);
  const isDone = state.get(doneResource, run) === true;
  if (isDone && archive.isOld) return { kind: 'ok' };
  if (!isDone) {
    if (archive.by !== null) return blocked(`the run ${run} was taken back already, by the run ${archive.by}`);
    if (archive.state !== 'confirmed' || !archive.isKept) {
      return blocked(`what was there before the run ${run} is not kept on this host any more`);
    }
    if (archive.moved.length > 0) return blocked(`changed since the run ${run}: ${whatMoved(archive.moved, args)}`);
  }
  return {
    kind: 'change',
    change: null,
    after: HostState.empty.with(doneResource, run, true).with(archiveResource, run, { ...archive, isOld: true }),
    diff: args.diff,
    ...(args.disruptive === null ? {} : { disruptive: args.disruptive }),
  };
}

function whatMoved(moved: readonly string[], { later }: EarlierStateArgs): string {
  const runs = new Set(moved.flatMap((each) => later.get(each) ?? []));
  const first = [...runs].map((run) => `ipsec-play rollback ${run}`).join(', then ');
  const advice = runs.size === 0 ? 'somebody else has changed it' : `by a later run, to be taken back first: ${first}`;
  return `${moved.join(', ')} (${advice}). Nothing was put back`;
}

function probeArchive(run: string): Script {
  return sh`(${new Script([{ raw: KIT }])}${inOld(run)}
ip_dir=$ip_old
ip_word "$ip_dir/state" || ip_w=none
echo "state $ip_w"
if ip_word "$ip_dir/rolled-back"; then echo "by $ip_w"; fi
if [ -f "$ip_dir/restore.sh" ] && [ -f "$ip_dir/left" ]; then
  echo kept
  ip_stand | while IFS= read -r ip_l; do echo "now $ip_l"; done
  while IFS= read -r ip_l; do echo "left $ip_l"; done <"$ip_dir/left"
  if ip_each ip_same; then echo old; fi
fi)
`;
}

function inOld(run: string): Script {
  return sh`ip_old=${path(`${BASE}/runs/${run}`)}`;
}

/** A round of the copied way back: in a run of its own, so that it does not matter how long the old one is kept. */
function round(name: string): Script {
  return sh`if [ -f "$ip_dir/of/restore.sh" ]; then sh "$ip_dir/of/restore.sh" ${name} "$ip_dir/of" >/dev/null; fi`;
}

function readArchive(printed: string, root: string): Archive {
  const said = printed.split('\n');
  const word = (name: string) => said.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const all = (name: string) =>
    said.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
  const now = new Set(all('now'));
  const left = new Set(all('left'));
  const differing = [...now].filter((line) => !left.has(line)).concat([...left].filter((line) => !now.has(line)));
  return {
    state: word('state') ?? 'none',
    by: word('by') ?? null,
    isKept: said.includes('kept'),
    moved: [...new Set(differing.map((line) => pathIn(line, root)))].sort(),
    isOld: said.includes('old'),
  };
}

/** `absent PATH`, `CRC LENGTH PATH`, `lines CRC LENGTH PATH`, `mode MODE UID GID PATH`; see host-kit.ts. */
export function pathIn(line: string, root: string): string {
  const name = line.replace(/^(absent|directory|other|mode \d+ \d+ \d+|(lines )?\d+ \d+) /, '');
  return name.startsWith(`${root}/`) ? name.slice(root.length) : name;
}
