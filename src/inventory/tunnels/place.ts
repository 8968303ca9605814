import type { Located, Pointer } from '../../lang/yaml.ts';
import type { Host } from '../../model/host.ts';
import type { Span } from '../../model/span.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import type { Member } from './members.ts';
import { isMapping, type Origin } from './origin.ts';
import type { HostLookup } from './sides.ts';

/**
 * For one entry; what it gives, for each of its tunnels, finds where a part of it was written: in the entry, in the defaults, in the list of members, or in a host's
 * variables; else the nearest place around it, at last the entry's name.
 */
export function placeFinder(
  origin: Origin,
  document: Located,
  lookup: HostLookup,
): (members: readonly [Member, Member]) => Tunnel['at'] {
  let named: Span | null = null;
  return (members) =>
    (...path) => {
      if (path[0] === 'ends' && path.length > 1) return endPlace(path, members, document, lookup) ?? name();
      for (const depth of downTo(path.length, 1)) {
        const part = path.slice(0, depth);
        if (has(origin.fields, part)) return document.span([...origin.pointer, ...part]);
        if (has(origin.defaults, part) && !ownsGroup(origin, part)) return document.span(['defaults', ...part]);
      }
      return name();
    };

  function name(): Span {
    named ??= document.keySpan(origin.pointer);
    return named;
  }
}

function endPlace(
  [, host, key]: Pointer,
  members: readonly Member[],
  document: Located,
  lookup: HostLookup,
): Span | undefined {
  const member = members.find((candidate) => candidate.host === host);
  if (!member) return undefined;
  if (typeof key === 'string') {
    if (Object.hasOwn(member.written, key)) return document.span([...member.pointer, key]);
    const owner = lookup.hosts.get(member.host);
    const span = owner && lookup.spanOfVar && variablePlace(owner, key, lookup.spanOfVar);
    if (span) return span;
  }
  return member.pointer[0] === 'tunnels' ? document.keySpan(member.pointer) : document.span(member.pointer);
}

function variablePlace(host: Host, key: string, spanOfVar: NonNullable<HostLookup['spanOfVar']>): Span | undefined {
  return spanOfVar(host, `ipsec_${key}`) ?? (key === 'address' ? spanOfVar(host, 'ansible_host') : undefined);
}

/** Keying is taken whole from one place; `ike`, `esp` and `ah` are filled up from the defaults. */
function ownsGroup(origin: Origin, [group]: Pointer): boolean {
  return group === 'keying' && Object.hasOwn(origin.fields, group);
}

function has(value: unknown, path: Pointer): boolean {
  let inner = value;
  for (const step of path) {
    if (Array.isArray(inner)) inner = inner[Number(step)];
    else if (isMapping(inner) && Object.hasOwn(inner, String(step))) inner = inner[String(step)];
    else return false;
    if (inner === undefined) return false;
  }
  return true;
}

function* downTo(from: number, last: number): Generator<number> {
  for (let depth = from; depth >= last; depth -= 1) yield depth;
}
