import type { HostState } from '../../model/host-state.ts';
import { canonical } from '../canonical.ts';

/** The names of what is not as it was, of all that both have read. Order does not count: the kernel lists as it likes. */
export function differences(before: HostState, now: HostState): readonly string[] {
  return [...before.entries()]
    .filter(({ kind }) => kind.scope === 'host')
    .filter(({ kind, name, value }) => {
      const found = now.get(kind, name);
      return found !== undefined && canonical(found) !== canonical(value);
    })
    .map(({ kind, name }) => `${kind.kind} ${name}`);
}
