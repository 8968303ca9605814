import { compiledModules, modules } from '../modules/index.ts';
import { ipsecTools } from '../src/compile/backends/ipsec-tools/index.ts';
import { driftIgnoreSchema } from '../src/inventory/drift-ignore.ts';
import { structuralSchema } from '../src/inventory/tunnels/structural-schema.ts';
import { REPORT_OUTLINES } from '../src/report/merge/shard-report.ts';
import { planSchema } from '../src/report/plan-schema.ts';

export { AJV_OPTIONS } from '../src/lang/ajv-options.ts';
export { structuralSchema };

/** Every schema that the program checks with: the build compiles them, so that no start has to. */
export const checkedSchemas: readonly object[] = [
  structuralSchema(),
  ipsecTools.optionsSchema,
  planSchema,
  ...Object.values(REPORT_OUTLINES),
  driftIgnoreSchema,
  ...[...modules, ...compiledModules].map(({ args }) => args as object),
];
