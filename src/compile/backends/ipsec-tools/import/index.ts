import type { Importer } from '../../backend.ts';
import { type HostSeen, readHost } from './host-seen.ts';
import { pairEnds } from './pair-ends.ts';
import { importScript } from './script.ts';

/** Takes over the connections of Red Hat's network scripts. */
export const importer: Importer<HostSeen> = {
  script: importScript,
  read: readHost,
  hostname: ({ hostname }) => hostname,
  pair: pairEnds,
};
