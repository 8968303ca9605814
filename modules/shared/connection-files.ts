import { normal, type Traffic } from './policies.ts';
import { sourced } from './shell-assignments.ts';

/** What an ifcfg file and its keys file say together, once they are sourced. */
export interface OwnConnection {
  /** Only the variables that are set to something, with `null` where the shell computes the value. */
  readonly variables: ReadonlyMap<string, string | null>;
  readonly hasCommands: boolean;
}

export function connectionVariables(texts: readonly string[]): OwnConnection {
  const { variables, hasCommands } = sourced(texts);
  return { variables: new Map([...variables].filter(([, value]) => value !== '')), hasCommands };
}

/** What the network scripts conclude by themselves: a variable that is missing says the same as with this value. */
export type Implied = Readonly<Record<string, string>>;

/**
 * Whether both make the same connection: ifup-ipsec reads the same values. When it starts (ONBOOT) and other variables
 * that it never looks at, and how the files are written, make no difference.
 */
export function sameConnection(a: OwnConnection, b: OwnConnection, implied: Implied = {}): boolean {
  return differingVariables(a, b, implied, isReadByIfup).length === 0;
}

/** The variables that count of which one says something else than the other; all, where one does more than assign. */
export function differingVariables(
  a: OwnConnection,
  b: OwnConnection,
  implied: Implied,
  counts: (name: string) => boolean,
): readonly string[] {
  const [one, other] = [byDirection(a.variables), byDirection(b.variables)];
  const names = [...new Set([...one.keys(), ...other.keys()])].filter(counts);
  if (a.hasCommands || b.hasCommands) return names;
  const hints = byDirection(new Map(Object.entries(implied)));
  const said = (variables: ReadonlyMap<string, string | null>, name: string) => {
    const value = variables.get(name) ?? (variables.has(name) ? null : hints.get(name));
    if (name === 'ONBOOT' && value) return String(!/^(no|false)$/i.test(value));
    return value && /^SPI_/.test(name) && /^(0x[0-9a-f]+|[1-9]\d*)$/i.test(value) ? String(Number(value)) : value;
  };
  return names.filter((name) => said(one, name) !== said(other, name) || said(one, name) === null);
}

/** True for the variables that ifup-ipsec and ifdown-ipsec look at. */
export function isReadByIfup(name: string): boolean {
  return READ_BY_IFUP.test(name);
}

/** `KEY_AH` stands for `KEY_AH_IN` and `KEY_AH_OUT`, where these say nothing else. */
function byDirection(variables: ReadonlyMap<string, string | null>): ReadonlyMap<string, string | null> {
  const each = new Map(variables);
  for (const [name, value] of variables) {
    if (!BOTH_WAYS.test(name)) continue;
    each.delete(name);
    for (const way of [`${name}_IN`, `${name}_OUT`]) if (!variables.has(way)) each.set(way, value);
  }
  return each;
}

const BOTH_WAYS = /^((AH|ESP|AESP)_PROTO|KEY_(AH|ESP|AESP))$/;

/** The traffic it protects; null: it names no peer. `computed`: only a shell could tell. */
export function trafficOf(connection: OwnConnection): Traffic | 'computed' | null {
  const [src, dst, srcnet, dstnet] = ['SRC', 'DST', 'SRCNET', 'DSTNET'].map((name) => connection.variables.get(name));
  if ([src, dst, srcnet, dstnet].includes(null)) return 'computed';
  if (!dst) return connection.hasCommands ? 'computed' : null;
  if (srcnet && dstnet) return { peer: dst, source: normal(srcnet), destination: normal(dstnet) };
  return { peer: dst, source: src ?? '', destination: dst };
}

// The variables of ifup-ipsec (initscripts, sysconfig.txt); KEY_, SPI_ and the protocols also with _IN and _OUT.
const READ_BY_IFUP =
  /^(TYPE|SRC|DST|SRCNET|DSTNET|SRCGW|DSTGW|KEYING|IKE_\w+|MYID_TYPE|MYID_VALUE|(AH|ESP|AESP)_PROTO(_IN|_OUT)?|(KEY|SPI)_\w+)$/;
