import { ConnectFault } from '../transport.ts';

export interface JumpLoop {
  /** From each to the one through which it is reached. */
  readonly path: readonly string[];
  /** Where that is said. */
  readonly places: readonly string[];
  /** Who should be reached directly, as ssh_config(5) knows it. */
  readonly host: string;
  readonly what?: string | undefined;
}

/** Jump hosts that have no end. */
export function jumpLoop({ path, places, host, what = 'jump hosts go round in a circle' }: JumpLoop): ConnectFault {
  const where = places.length === 0 ? '' : `; ${[...new Set(places)].join(', ')}`;
  return new ConnectFault(
    'jump-loop',
    `${what}: ${path.join(' -> ')} (each is reached through the next${where})`,
    `Give ${host} "ProxyJump none" in a Host block that stands before the others.`,
  );
}
