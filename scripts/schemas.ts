import { compiledModules, modules } from '../modules/index.ts';
import { ipsecTools } from '../src/compile/backends/ipsec-tools/index.ts';
import { tunnelsSchema } from '../src/inventory/tunnels/schema.ts';
import { playbookSchema } from '../src/playbook/schema.ts';
import { planSchema } from '../src/report/plan-schema.ts';
import { runSchema } from '../src/report/run-schema.ts';

/** The files of schema/, by name. */
export const schemas: Readonly<Record<string, unknown>> = {
  tunnels: withBackend(tunnelsSchema()),
  playbook: playbookSchema([...modules, ...compiledModules]),
  run: runSchema,
  plan: planSchema,
};

/** The tunnels' schema leaves the backend's own mapping open; an editor wants to know it. */
function withBackend(schema: Readonly<Record<string, unknown>>): unknown {
  const properties = schema.properties as Readonly<Record<string, unknown>>;
  return { ...schema, properties: { ...properties, [ipsecTools.optionsKey]: ipsecTools.optionsSchema } };
}
