import type { Target } from '../model/host.ts';

/** How a host's stand-in is reached: over ssh on this machine, by the lab's own key. */
export function standInTarget({ password: _, ...target }: Target, port: number, identityFile: string): Target {
  return {
    ...target,
    connection: 'ssh',
    address: '127.0.0.1',
    port,
    user: target.user ?? 'root',
    privateKeyFile: identityFile,
  };
}
