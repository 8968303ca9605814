import type { Leftover } from '../../compile/backends/backend.ts';
import { ALWAYS_DUE, type CompiledPlay, known, type Task } from '../../model/task.ts';

/** What there is on one host; null: it could not be asked. */
export interface Traces {
  readonly host: string;
  /** The ends that the inventory has there. */
  readonly named: readonly NamedEnd[];
  readonly leftovers: readonly Leftover[] | null;
}

/** Its tunnel, the connection's name on its host, and the host at the other end. */
type NamedEnd = Pick<Leftover, 'tunnel' | 'nickname' | 'other'>;

export interface PrunePlan {
  readonly plays: readonly CompiledPlay[];
  /** Tunnels that are left alone, and why; both ends of each. */
  readonly kept: readonly { readonly tunnel: string; readonly host: string; readonly why: string }[];
  /** Tunnels with an end, then or now, on a host that could not be asked. */
  readonly unseen: readonly { readonly tunnel: string; readonly host: string }[];
  /** The other end of a tunnel that goes was not created by us, or its host is not in the inventory. */
  readonly lonely: readonly { readonly tunnel: string; readonly host: string; readonly other: string }[];
}

/**
 * Both ends of a tunnel go, or none of them. `limit`: only tunnels with an end on one of these hosts; their other ends go
 * with them.
 */
export function planPrune(traces: readonly Traces[], limit: ReadonlySet<string> | null): PrunePlan {
  const all = traces.flatMap(({ host, leftovers }) => (leftovers ?? []).map((leftover) => ({ host, leftover })));
  const chosen = new Set(
    all.flatMap(({ host, leftover }) => (limit === null || limit.has(host) ? [leftover.tunnel] : [])),
  );
  const ends = all.filter(({ leftover }) => chosen.has(leftover.tunnel));
  const dark = traces.filter(({ leftovers }) => leftovers === null);
  const kept = ends.flatMap(({ host, leftover: { tunnel, kept: why } }) =>
    why === null ? [] : [{ tunnel, host, why }],
  );
  // A host of which nothing is seen may be the same machine under another name, and the tunnel its own.
  const unseen = ends.flatMap(({ leftover }) =>
    dark.flatMap(({ host, named }) =>
      host === leftover.other || named.some((end) => mayBe(end, leftover)) ? [{ tunnel: leftover.tunnel, host }] : [],
    ),
  );
  const held = new Set([...kept, ...unseen].map(({ tunnel }) => tunnel));
  const going = ends.filter(({ leftover }) => !held.has(leftover.tunnel));
  // A host may have another name today than when the tunnel was made.
  const lonely = going.flatMap(({ host, leftover: { tunnel, other } }) =>
    going.some((each) => each.leftover.tunnel === tunnel && (each.host === other || each.leftover.other === host))
      ? []
      : [{ tunnel, host, other }],
  );
  const hosts = [...new Set(going.map(({ host }) => host))].map((host) => ({
    host,
    become: null,
    tasks: going.filter((each) => each.host === host).flatMap(({ leftover }) => tasksOf(leftover)),
  }));
  return { plays: hosts.length === 0 ? [] : [{ name: 'Prune', serial: [], hosts }], kept, unseen, lonely };
}

/** A tunnel can have another name today than when it was made. */
function mayBe(end: NamedEnd, { tunnel, nickname, other }: Leftover): boolean {
  return end.tunnel === tunnel || (end.nickname === nickname && end.other === other);
}

function tasksOf({ tunnel, nickname, tasks }: Leftover): readonly Task[] {
  return tasks.map(({ key, name, module, args }) => ({
    // Two connections of a host may once have had the same tunnel.
    id: `prune/${nickname}/${key}`,
    name,
    module,
    args: known(args),
    tunnel,
    ...ALWAYS_DUE,
    span: null,
  }));
}
