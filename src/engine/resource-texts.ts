import type { HostState } from '../model/host-state.ts';
import { canonical } from './canonical.ts';

/**
 * Every resource that a host was read to have, by the name that people see, as a text that is the same only for the same
 * value. The texts may hold anything that is on the host, keys included: they are for a keyed digest, and not to be shown.
 */
export function resourceTexts(state: HostState): ReadonlyMap<string, string> {
  const texts = [...state.entries()]
    .filter(({ kind }) => kind.scope === 'host')
    .map(({ kind, name, value }): [string, string] => [
      kind.kind === 'file' ? name : `${kind.kind} ${name}`,
      canonical(value),
    ]);
  return new Map(texts);
}
