import { compiledModules, modules } from '../modules/index.ts';
import { ipsecTools } from '../src/compile/backends/ipsec-tools/index.ts';
import { structuralSchema } from '../src/inventory/tunnels/schema.ts';
import { planSchema } from '../src/report/plan-schema.ts';

export { AJV_OPTIONS } from '../src/lang/ajv-options.ts';

/** Every schema that the program checks with: the build compiles them, so that no start has to. */
export const checkedSchemas: readonly object[] = [
  structuralSchema(),
  ipsecTools.optionsSchema,
  planSchema,
  ...[...modules, ...compiledModules].map(({ args }) => args as object),
];
