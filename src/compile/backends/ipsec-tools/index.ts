import type { Backend } from '../backend.ts';
import { check } from './check.ts';
import { racoonSchema } from './racoon-options.ts';
import { hostTasks } from './tasks.ts';

/** racoon and setkey, driven by Red Hat's network scripts (RHEL 4 and 5, and what descends from them). */
export const ipsecTools: Backend = {
  name: 'ipsec-tools',
  optionsKey: 'racoon',
  optionsSchema: racoonSchema,
  check,
  compileHost: hostTasks,
};
