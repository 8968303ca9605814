import { compiledModules, modules } from '../modules/index.ts';
import { importSchema } from '../src/cli/import/report.ts';
import { ipsecTools } from '../src/compile/backends/ipsec-tools/index.ts';
import { driftIgnoreSchema } from '../src/inventory/drift-ignore.ts';
import { tunnelsSchema } from '../src/inventory/tunnels/schema.ts';
import { playbookSchema } from '../src/playbook/schema.ts';
import { driftSchema } from '../src/report/drift-document.ts';
import { operationSchema } from '../src/report/operation-document.ts';
import { planSchema } from '../src/report/plan-schema.ts';
import { runSchema } from '../src/report/run-schema.ts';
import { statusSchema } from '../src/report/status-document.ts';
import { verifySchema } from '../src/report/verdict-document.ts';

/** The files of schema/, by name. */
export const schemas: Readonly<Record<string, unknown>> = {
  tunnels: withBackend(tunnelsSchema()),
  playbook: playbookSchema([...modules, ...compiledModules]),
  run: runSchema,
  plan: planSchema,
  verify: verifySchema,
  import: importSchema,
  operation: operationSchema,
  status: statusSchema,
  drift: driftSchema,
  'drift-ignore': driftIgnoreSchema,
};

/** The tunnels' schema leaves the backend's own mapping open; an editor wants to know it. */
function withBackend(schema: Readonly<Record<string, unknown>>): unknown {
  const properties = schema.properties as Readonly<Record<string, unknown>>;
  return { ...schema, properties: { ...properties, [ipsecTools.optionsKey]: ipsecTools.optionsSchema } };
}
