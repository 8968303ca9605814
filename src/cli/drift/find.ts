import type { HostResult, TaskResult } from '../../engine/result.ts';
import { type LeftBehind, type Origin, originOf } from '../../engine/transaction/left-behind.ts';
import type { DriftItem } from '../../model/drift.ts';
import type { EndStanding } from '../../model/standing.ts';
import type { Perspective } from '../../model/tunnel.ts';

/** What is known of one host. */
export interface HostSeen {
  readonly host: string;
  /** Of a check. */
  readonly result: HostResult;
  /** Null where it could not be read. */
  readonly leftBehind: LeftBehind | null;
  /** The ends there, and how they stand. */
  readonly ends: readonly { readonly end: Perspective; readonly seen: EndStanding | null }[];
  /** Files of these ends that the host's own programs write. */
  readonly byPrograms: readonly { readonly path: string; readonly tunnel: string; readonly remedy: string }[];
  /** What the kernel has beside what files ask for. */
  readonly strays: readonly { readonly what: string; readonly why: string }[];
  /** The ids of tasks that a recorded run has found or made in order there. */
  readonly settledBefore: ReadonlySet<string>;
}

/**
 * What of a check's findings is whose doing. What only follows from them (a restart, an ifup that is due because of a file)
 * is no finding of its own. Pure.
 */
export function findDrift(host: HostSeen): readonly DriftItem[] {
  const found = dueTasks(host.result);
  const files = found.flatMap((task) => fileItems(task, host));
  const changing = new Set(files.map(({ tunnel }) => tunnel));
  const isConsequence = ({ tunnel }: TaskResult) => changing.has(tunnel) || (tunnel !== null && changing.has(null));
  const things = found
    .filter((task) => !isConsequence(task) || task.tunnel === null)
    .flatMap((task) => thingItems(task, host));
  const kernel = host.ends.flatMap(({ end, seen }) => (seen === null ? [] : (kernelItem(host.host, end, seen) ?? [])));
  const known = new Set(kernel.map(({ tunnel }) => tunnel));
  return unique([
    ...files,
    ...programFiles(host, changing),
    ...things.filter(({ kind, tunnel }) => kind !== 'kernel' || !known.has(tunnel)),
    ...kernel,
    ...host.strays.map((stray): DriftItem => ({ ...stray, ...NOBODYS, host: host.host, kind: 'kernel' })),
  ]);
}

/** The paths that a check would change, for {@link LeftBehind}. */
export function duePaths(result: HostResult): readonly string[] {
  return [...new Set(dueTasks(result).flatMap(({ diff }) => diff.flatMap(({ path }) => fileOf(path)?.file ?? [])))];
}

function dueTasks({ tasks }: HostResult): readonly TaskResult[] {
  return tasks.filter(({ status }) => status === 'changed');
}

/** `/etc/x`, or `/etc/x mode` where it is about an attribute. */
function fileOf(shown: string): { readonly file: string; readonly attributes: boolean } | null {
  if (!shown.startsWith('/')) return null;
  const [, file] = /^(\/.*) (?:mode|owner|group)$/.exec(shown) ?? [];
  return file === undefined ? { file: shown, attributes: false } : { file, attributes: true };
}

function fileItems({ diff, tunnel }: TaskResult, { host, leftBehind }: HostSeen): readonly DriftItem[] {
  return diff.flatMap(({ path }) => {
    const place = fileOf(path);
    if (place === null) return [];
    const origin: Origin =
      leftBehind === null
        ? { state: 'unknown', run: null, byTime: false }
        : originOf(place.file, place.attributes, leftBehind);
    const kind = origin.state === 'changed' ? 'edited' : 'not-applied';
    return { host, kind, what: path, tunnel, why: whyFile(origin), run: origin.run, ignored: null } as const;
  });
}

const NOBODYS = { tunnel: null, run: null, ignored: null };

/** Such a file follows from the tunnel's own ones: where these differ, they are what is to be told. */
function programFiles({ host, leftBehind, byPrograms }: HostSeen, changing: ReadonlySet<string | null>) {
  return byPrograms.flatMap(({ path, tunnel, remedy }): readonly DriftItem[] => {
    if (leftBehind === null || changing.has(tunnel)) return [];
    const origin = originOf(path, false, leftBehind);
    // Its time alone says nothing: no check has found anything in it.
    if (origin.state !== 'changed' || origin.byTime) return [];
    const why = `${whyFile(origin)}; ${remedy}`;
    return [{ host, kind: 'edited', what: path, tunnel, why, run: origin.run, ignored: null }];
  });
}

function whyFile({ state, run, byTime }: Origin): string {
  if (state === 'unknown') return 'no run is known to have been on this host';
  const last = run === null ? 'the last run' : `the run ${run}`;
  if (state === 'left') return byTime ? `not changed since ${last}` : `as ${last} left it`;
  return byTime ? `changed after ${last}, by its time` : `not as ${last} left it`;
}

/** What is no file: what runs, packages, services. */
function thingItems(task: TaskResult, { host, settledBefore }: HostSeen): readonly DriftItem[] {
  const hasFile = task.diff.some(({ path }) => path.startsWith('/'));
  return task.diff.flatMap(({ path, before, after }): readonly DriftItem[] => {
    if (path.startsWith('/')) return [];
    const shown = `${before ?? 'not there'}, to be ${after ?? 'gone'}`;
    const base = { host, what: path, tunnel: task.tunnel, run: null, ignored: null };
    if (RUNNING.test(path)) return hasFile ? [] : [{ ...base, kind: 'kernel', why: shown }];
    // A restart follows from something else.
    if (/^service /.test(path) && after === 'restarted') return [];
    const wasInOrder = settledBefore.has(task.id);
    const why = wasInOrder ? `${shown}; a run has had it in order` : shown;
    return [{ ...base, kind: wasInOrder ? 'edited' : 'not-applied', why }];
  });
}

/** What lives in the kernel alone, and is made from files. */
const RUNNING = /^(?:connection|sysctl) /;

function kernelItem(host: string, { tunnel, src }: Perspective, seen: EndStanding): DriftItem | null {
  // What the kernel should have is in the files; where those are wrong, that is what is to be told.
  if (tunnel.state === 'absent' || seen.configured === 'differs' || seen.configured === 'no') return null;
  const item = (why: string): DriftItem => ({
    host,
    kind: 'kernel',
    what: `connection ${src.nickname}`,
    tunnel: tunnel.name,
    why,
    run: null,
    ignored: null,
  });
  if (seen.active === 'differs') return item(seen.what);
  // What does not start at boot may be down.
  if (seen.active === 'no') return tunnel.onboot ? item(`${seen.what}, and onboot is true`) : null;
  if (seen.active !== 'yes') return null;
  if (seen.daemon === 'absent') return item('it is up, but the daemon that negotiates its keys does not run');
  if (seen.unread !== null && seen.unread.length > 0) {
    return item(`its daemon may not have read ${seen.unread.join(', ')} since it was written`);
  }
  return null;
}

function unique(items: readonly DriftItem[]): readonly DriftItem[] {
  return [...new Map(items.map((item) => [`${item.what}\0${item.tunnel}`, item])).values()];
}
