import type { AnyModule } from '../src/engine/module.ts';

/** A module of playbooks that is made of tasks of other modules before anything runs: it has a name and arguments only. */
export interface CompiledModule extends Pick<AnyModule, 'name' | 'summary' | 'args' | 'free'> {
  readonly compiled: true;
}

/** Compiled, host by host, by src/compile. */
export const ipsecTunnels: CompiledModule = {
  compiled: true,
  name: 'ipsec_tunnels',
  summary: "Makes the inventory's tunnels true on every host that is an end of one.",
  free: 'tunnels',
  args: {
    type: 'object',
    properties: {
      tunnels: {
        description: 'all, or names and globs of tunnels. Default: all.',
        anyOf: [
          { type: 'string', minLength: 1 },
          { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
        ],
      },
      activation: {
        description:
          'auto: restart the network service where the procedure needs it, else touch only the tunnels that changed. ' +
          'network-restart: restart it whenever a file changed. tunnel: ifdown and ifup only. none: only write the files. Default: auto.',
        enum: ['auto', 'network-restart', 'tunnel', 'none'],
      },
    },
    additionalProperties: false,
  },
};
