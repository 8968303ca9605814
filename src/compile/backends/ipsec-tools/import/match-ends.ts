import { type Diagnostic, error, warning } from '../../../../lang/diagnostic.ts';
import { sortNaturally } from '../../../../model/natural-order.ts';
import type { Span } from '../../../../model/span.ts';
import { agree } from './agree.ts';
import type { EndSeen } from './end.ts';
import { kernelSource } from './kernel-source.ts';
import { placeOn } from './place.ts';

/** An end, and the one that leads back to it; null: somebody else has that. */
export type Pair = readonly [EndSeen, EndSeen | null];

/** A connection that is there and is not taken over. */
export interface LeftOut {
  readonly host: string;
  readonly nickname: string;
  /** null: it is not known. */
  readonly dst: string | null;
  /** The tunnel of the inventory that it belongs to already. */
  readonly tunnel?: string;
}

/** What else may be at the other end. */
export interface Others {
  readonly left: readonly LeftOut[];
  /** Addresses of hosts that nobody asked. */
  readonly elsewhere: ReadonlyMap<string, string>;
}

/** Finds the other end of each; of several that lead back, the one that fits best. */
export function matchEnds(
  ends: readonly EndSeen[],
  addresses: ReadonlyMap<string, ReadonlySet<string>>,
  { left, elsewhere }: Others,
  findings: Diagnostic[],
): readonly Pair[] {
  const free = new Set(sortNaturally(ends, ({ host, connection }) => `${host} ${connection.nickname}`));
  const meets = (a: EndSeen, b: EndSeen) =>
    a.host !== b.host && addresses.get(b.host)?.has(a.dst) === true && addresses.get(a.host)?.has(b.dst) === true;
  const found: Pair[] = [];
  const take = (...taken: readonly EndSeen[]) => {
    for (const end of taken) free.delete(end);
  };
  for (const fits of FITS) {
    for (const a of free) {
      const b = [...free].find((other) => meets(a, other) && mirrors(a, other) && fits(a, other));
      if (b === undefined) continue;
      take(a, b);
      found.push([a, b]);
    }
  }
  for (const a of free) {
    const b = [...free].find((other) => meets(a, other));
    if (b === undefined) continue;
    take(a, b);
    const [one, other] = [a, b].map(({ host, connection }) => `${connection.nickname} of ${host}`);
    findings.push(
      error(
        'import-selectors-differ',
        `${one} and ${other} lead to each other, and do not protect the same traffic: both are left out`,
        {
          span: placeOn(a.host, a.connection.ifcfg.path),
          found: `${selectors(a)}, and ${selectors(b)}`,
          fix: 'SRCNET here as DSTNET there, and the contrary; import again',
          related: [{ message: 'the other end', span: placeOn(b.host, b.connection.ifcfg.path) }],
        },
      ),
    );
  }
  for (const a of free) {
    const known = [...addresses].find(([host, own]) => host !== a.host && own.has(a.dst))?.[0];
    const there = left.filter(({ host }) => host === known);
    const back =
      there.find(({ dst }) => dst !== null && addresses.get(a.host)?.has(dst)) ?? there.find(({ dst }) => dst === null);
    const name = `${a.connection.nickname} of ${a.host}`;
    const span = placeOn(a.host, a.connection.ifcfg.path);
    if (back !== undefined) {
      findings.push(partnerLeftOut(name, back, span));
      continue;
    }
    const unasked = [...elsewhere].find(([, address]) => address === a.dst)?.[0];
    if (unasked !== undefined) {
      const message = `connection ${name} is left out: it leads to ${a.dst}, host ${unasked} of the inventory, which was not asked`;
      const fix = `ipsec-play import ${a.host} ${unasked} --merge`;
      findings.push(error('import-other-end', message, { span, fix }));
      continue;
    }
    const why = known === undefined ? 'no host of this import' : `${known}, which has no connection back`;
    findings.push(
      warning('import-unpaired', `connection ${name} leads to ${a.dst}, ${why}: that end becomes managed: false`, {
        span,
        fix: 'import the host that has this address as well; or leave it, where somebody else manages it',
      }),
    );
    found.push([a, null]);
  }
  return found;
}

function partnerLeftOut(name: string, { host, nickname, dst, tunnel }: LeftOut, span: Span): Diagnostic {
  const leads = dst === null ? 'may lead' : 'leads';
  const [what, fix] =
    tunnel === undefined
      ? ['is left out itself', `correct what is said of ${nickname} of ${host}, and import both again`]
      : [
          `belongs to tunnel ${tunnel} of the inventory`,
          `see in tunnels.yml which connections are the ends of ${tunnel}`,
        ];
  const message = `connection ${name} is left out: it leads to ${host}, where ${nickname} ${leads} back and ${what}`;
  return error('import-partner-left-out', message, { span, fix });
}

/** Hosts with several addresses can have several tunnels between them; behind NAT, DST is not what the host calls itself. */
const FITS: readonly ((a: EndSeen, b: EndSeen) => boolean)[] = [
  (a, b) => isFrom(a, b.dst) === true && isFrom(b, a.dst) === true,
  (a, b) => isFrom(a, b.dst) !== false && isFrom(b, a.dst) !== false && agree(a, b).length === 0,
  (a, b) => agree(a, b).length === 0,
  (a, b) => isFrom(a, b.dst) !== false && isFrom(b, a.dst) !== false,
  () => true,
];

/** null: nobody says which address it sends from. */
function isFrom(end: EndSeen, address: string): boolean | null {
  const source = end.src ?? kernelSource(end);
  return source === null ? null : source === address;
}

function mirrors(a: EndSeen, b: EndSeen): boolean {
  return selectors(a) === selectors(b, true);
}

function selectors({ networks }: EndSeen, turned = false): string {
  if (networks === null) return 'host to host';
  const [from, to] = turned ? [networks.dst, networks.src] : [networks.src, networks.dst];
  return `${from.cidr} to ${to.cidr}`;
}
