// In a bundle, takes the place of src/lang/compile-schema.ts: validators that ajv wrote at build time. ajv alone takes
// longer to load and to compile the schemas than all the rest of a command takes. The one that is made of another schema is
// not made at all: the program does nothing with it but find its validator.
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';
import { build } from 'esbuild';
import { importTypescript } from './import-typescript.mjs';
import { sharedSubschemas } from './shared-subschemas.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const FAULTS_FILE = 'schema-faults.cjs';
/** What stands for that one, as JSON. */
const STRUCTURAL = '{"$id":"structural"}';

/**
 * Two validators a schema. A small one says yes or no, and is all that a valid value needs. The one that tells every
 * fault stands in a file of its own in the folder of the bundle, and is read when there is one to tell.
 * @returns {import('esbuild').Plugin}
 */
export function compiledSchemas() {
  return {
    name: 'compiled-schemas',
    setup: (bundle) => {
      bundle.initialOptions.external = [...(bundle.initialOptions.external ?? []), `./${FAULTS_FILE}`];
      bundle.onLoad({ filter: /[\\/]src[\\/]lang[\\/]compile-schema\.ts$/ }, async () => {
        const { checkedSchemas, structuralSchema, AJV_OPTIONS } = await importTypescript('scripts/checked-schemas.ts');
        const keys = checkedSchemas.map((schema) =>
          schema === structuralSchema() ? STRUCTURAL : JSON.stringify(schema),
        );
        await build({
          absWorkingDir: root,
          stdin: { contents: teller(checkedSchemas, AJV_OPTIONS), resolveDir: root },
          outfile: `${bundle.initialOptions.outdir}/${FAULTS_FILE}`,
          bundle: true,
          platform: 'node',
          format: 'cjs',
          logLevel: 'warning',
        });
        return { contents: judge(checkedSchemas, keys, AJV_OPTIONS), loader: 'js', resolveDir: root };
      });
      bundle.onLoad({ filter: /[\\/]src[\\/]inventory[\\/]tunnels[\\/]structural-schema\.ts$/ }, () => ({
        contents: `export const structuralSchema = () => (${STRUCTURAL});`,
      }));
    },
  };
}

/** The text of the module that the program imports. */
function judge(schemas, keys, options) {
  const shared = schemas.map(sharedSubschemas);
  const ajv = { ...options, allErrors: false, verbose: false, messages: false, inlineRefs: false };
  return `${code(shared, ajv, true)}
const validators = new Map([${keys.map((key, at) => `[${JSON.stringify(key)}, [accepts${at}, ${at}]]`).join(',\n')}]);
export function compileSchema(schema) {
  const found = validators.get(JSON.stringify(schema));
  if (found === undefined) throw new Error('the build compiled no validator for a schema');
  const [accepts, at] = found;
  return (value) => accepts(value) ? [] : require('./${FAULTS_FILE}')['accepts' + at].faults(value);
}
`;
}

/** The text of the file that is read when a value is wrong. */
function teller(schemas, options) {
  return `${code(schemas, options, false)}
for (const accepts of Object.values(module.exports)) accepts.faults = (value) => accepts(value) ? [] : accepts.errors ?? [];
`;
}

/** Functions `accepts0`, `accepts1` and so on. */
function code(schemas, options, esm) {
  const ajv = new Ajv({ ...options, code: { source: true, esm } });
  schemas.forEach((schema, at) => {
    ajv.addSchema(schema, `schema${at}`);
  });
  return standalone.default(ajv, Object.fromEntries(schemas.map((_, at) => [`accepts${at}`, `schema${at}`])));
}
