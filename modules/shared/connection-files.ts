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

/**
 * Whether both make the same connection: ifup-ipsec reads the same values. When it starts (ONBOOT) and other variables
 * that it never looks at, and how the files are written, make no difference.
 */
export function sameConnection(a: OwnConnection, b: OwnConnection): boolean {
  if (a.hasCommands || b.hasCommands) return false;
  const names = new Set([...a.variables.keys(), ...b.variables.keys()].filter((name) => READ_BY_IFUP.test(name)));
  return [...names].every((name) => a.variables.get(name) === b.variables.get(name) && a.variables.get(name) !== null);
}

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
