import type { Backend } from '../backend.ts';
import { check } from './check.ts';
import { handOff } from './hand-off/index.ts';
import { importer } from './import/index.ts';
import { leftovers } from './leftovers.ts';
import { operate } from './operate.ts';
import { beyond } from './proof/beyond.ts';
import { proof } from './proof/index.ts';
import { standing } from './proof/standing.ts';
import { racoonSchema } from './racoon-options.ts';
import { rereading } from './rereading.ts';
import { hostTasks } from './tasks.ts';

/** racoon and setkey, driven by Red Hat's network scripts (RHEL 4 and 5, and what descends from them). */
export const ipsecTools: Backend = {
  name: 'ipsec-tools',
  optionsKey: 'racoon',
  optionsSchema: racoonSchema,
  check,
  compileHost: hostTasks,
  operate,
  ownModules: [rereading],
  proof,
  importer,
  handOff,
  leftovers,
  standing,
  beyond,
};
