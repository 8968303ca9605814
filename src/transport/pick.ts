import type { Target } from '../model/host.ts';
import type { Transport } from './transport.ts';

/** The transport of each host by its `ansible_connection`. */
export function transportFor(transports: Readonly<Record<Target['connection'], Transport>>): Transport {
  return { connect: (target, step) => transports[target.connection].connect(target, step) };
}
