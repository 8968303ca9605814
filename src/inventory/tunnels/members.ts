import { error } from '../../lang/diagnostic.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { naturalOrder } from '../../model/natural-order.ts';
import { isMapping, type Mapping, nameSpan, type Origin, type Report, titleOf } from './origin.ts';

/** A host that an entry names as an end, and what it writes about it. */
export interface Member {
  readonly host: string;
  readonly pointer: Pointer;
  readonly written: Mapping;
}

/** The tunnels that an entry stands for: pairs of its members, by their place in `members`. */
export interface Expansion {
  readonly members: readonly Member[];
  readonly pairs: readonly { readonly name: string; readonly ends: readonly [number, number] }[];
}

/**
 * Who the ends are, and which pairs of them make tunnels. The first end of a pair is the first in natural order, so that
 * neither the order of keys nor that of a list matters, and a new member renames nothing.
 */
export function expand(origin: Origin, document: Located, report: Report): Expansion {
  if (origin.kind === 'tunnels') return expandTunnel(origin, document, report);
  return origin.kind === 'meshes' ? expandMesh(origin, document, report) : expandHub(origin, document, report);
}

function expandTunnel(origin: Origin, document: Located, report: Report): Expansion {
  const ends = origin.fields.ends;
  if (ends !== undefined && !isMapping(ends)) return { members: [], pairs: [] };
  const members = naturalOrder(Object.keys(ends ?? {})).map((host): Member => {
    const written = ends?.[host];
    return { host, pointer: [...origin.pointer, 'ends', host], written: isMapping(written) ? written : {} };
  });
  if (members.length === 2) return { members, pairs: [{ name: origin.name, ends: [0, 1] }] };
  const count = ['none', 'only one', '', 'three'][members.length] ?? String(members.length);
  report(
    error('ends-count', `a tunnel has exactly two ends, ${titleOf(origin)} has ${count}`, {
      span: ends === undefined ? nameSpan(document, origin) : document.keySpan([...origin.pointer, 'ends']),
      fix: members.length > 2 ? 'a tunnel for each pair, or a mesh of these hosts' : 'ends: { HOST-A: {}, HOST-B: {} }',
    }),
  );
  return { members, pairs: [] };
}

function expandMesh(origin: Origin, document: Located, report: Report): Expansion {
  const members = listed(origin, 'members', document, report);
  if (members === null) return { members: [], pairs: [] };
  if (members.length < 2) {
    report(
      error('mesh-members', `${titleOf(origin)} has ${members.length === 0 ? 'no members' : 'only one member'}`, {
        span: placeOf(origin, 'members', document),
        fix: 'members: [HOST-A, HOST-B, HOST-C]',
      }),
    );
  }
  const pairs = members.flatMap((a, first) =>
    members.slice(first + 1).map((b, offset) => ({
      name: `${origin.name}-${a.host}-${b.host}`,
      ends: [first, first + 1 + offset] as const,
    })),
  );
  return { members, pairs };
}

function expandHub(origin: Origin, document: Located, report: Report): Expansion {
  const hub = origin.fields.hub;
  const spokes = listed(origin, 'spokes', document, report);
  if (hub === undefined || hub === '') {
    const span = placeOf(origin, 'hub', document);
    report(error('hub-missing', `${titleOf(origin)} names no hub`, { span, fix: 'hub: HOST' }));
  }
  if (spokes?.length === 0) {
    const span = placeOf(origin, 'spokes', document);
    report(error('hub-spokes', `${titleOf(origin)} has no spokes`, { span, fix: 'spokes: [HOST-A, HOST-B]' }));
  }
  if (spokes === null || typeof hub !== 'string' || hub === '') return { members: spokes ?? [], pairs: [] };
  const others = spokes.filter(({ host, pointer }) => {
    if (host !== hub) return true;
    const span = document.span(pointer);
    report(error('hub-own-spoke', `the hub ${hub} is one of its own spokes`, { span, fix: 'take it off the list' }));
    return false;
  });
  const members = [{ host: hub, pointer: [...origin.pointer, 'hub'], written: {} }, ...others];
  const pairs = others.map(({ host }, index) => {
    const hubFirst = naturalOrder([hub, host])[0] === hub;
    const ends: readonly [number, number] = hubFirst ? [0, index + 1] : [index + 1, 0];
    return { name: `${origin.name}-${host}`, ends };
  });
  return { members, pairs };
}

/** The hosts of a list in natural order, each once; null when it is no list of names. */
function listed(origin: Origin, key: 'members' | 'spokes', document: Located, report: Report): Member[] | null {
  const list = origin.fields[key] ?? [];
  if (!Array.isArray(list) || !list.every((item): item is string => typeof item === 'string')) return null;
  const members = new Map<string, Member>();
  list.forEach((host, index) => {
    const pointer = [...origin.pointer, key, index];
    const first = members.get(host);
    if (!first) members.set(host, { host, pointer, written: {} });
    else {
      report(
        error('member-twice', `${host} stands twice in the ${key} of ${titleOf(origin)}`, {
          span: document.span(pointer),
          fix: 'take it off the list',
          related: [{ message: 'first here', span: document.span(first.pointer) }],
        }),
      );
    }
  });
  return naturalOrder(members.keys()).map((host) => members.get(host) as Member);
}

function placeOf(origin: Origin, key: string, document: Located) {
  const written = Object.hasOwn(origin.fields, key);
  return written ? document.keySpan([...origin.pointer, key]) : nameSpan(document, origin);
}
