import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { checkedSchemas } from '../../scripts/checked-schemas.ts';
import { structuralSchema } from '../../src/inventory/tunnels/structural-schema.ts';
import { compileSchema, type Validator } from '../../src/lang/compile-schema.ts';
import { planSchema } from '../../src/report/plan-schema.ts';
import { plan } from '../report/plan-fixture.ts';

/** What the bundle has in place of src/lang/compile-schema.ts and of the schema that is made. */
let bundled: { compileSchema(schema: object): Validator; structuralSchema(): object };
const dir = mkdtempSync(join(tmpdir(), 'compiled-schemas-'));

beforeAll(async () => {
  const script = new URL('../../scripts/compiled-schemas.mjs', import.meta.url).href;
  const { compiledSchemas } = (await import(script)) as { compiledSchemas(): Plugin };
  await build({
    stdin: {
      contents: `export { compileSchema } from './src/lang/compile-schema.ts';
        export { structuralSchema } from './src/inventory/tunnels/structural-schema.ts';`,
      resolveDir: '.',
    },
    outdir: dir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    plugins: [compiledSchemas()],
  });
  bundled = createRequire(import.meta.url)(join(dir, 'stdin.cjs'));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe('the validators that the build makes tell the same as those made at run time', () => {
  test.each(checkedSchemas.map((schema, index) => [index, schema] as const))('schema %i', (_, schema) => {
    const stands = schema === structuralSchema() ? bundled.structuralSchema() : schema;
    const [expected, found] = [compileSchema(schema), bundled.compileSchema(stands)];
    const seen = { valid: 0, invalid: 0 };
    fc.assert(
      fc.property(schema === planSchema ? nearPlan : near(schema as Schema), (value) => {
        const faults = expected(value);
        seen[faults.length === 0 ? 'valid' : 'invalid'] += 1;
        expect(found(value)).toEqual(faults);
      }),
      { numRuns: 500 },
    );
    expect(seen.valid).toBeGreaterThan(0);
    expect(seen.invalid).toBeGreaterThan(0);
  });

  test('a real file, and the same with a mistake in it', () => {
    const found = bundled.compileSchema(bundled.structuralSchema());
    const shipped = parse(readFileSync('inventory/tunnels.yml', 'utf8'));
    for (const tunnel of Object.values<{ keying: unknown; ends: unknown }>(shipped.tunnels)) tunnel.keying = {};
    expect(found(shipped)).toEqual(compileSchema(structuralSchema())(shipped));
    expect(found({ ...shipped, tunnel: {} }).map(({ keyword, params }) => [keyword, params])).toContainEqual([
      'additionalProperties',
      { additionalProperty: 'tunnel' },
    ]);
  });
});

test('a schema that was not there when it was built is a bug, not a value that is taken for valid', () => {
  expect(() => bundled.compileSchema({ type: 'integer', title: 'unheard of' })).toThrow('compiled no validator');
});

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** So much is required of a plan that chance would make none. */
const nearPlan = fc.oneof(
  fc.constant(plan),
  near(planSchema as unknown as Schema),
  fc
    .tuple(fc.constantFrom(...Object.keys(plan)), fc.jsonValue({ maxDepth: 1 }))
    .map(([key, value]) => ({ ...plan, [key]: value })),
);

/** Values of which many fit the schema, and many nearly do. */
function near(schema: Schema, depth = 0): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: fitting(schema, depth) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  );
}

function fitting(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  const { anyOf, oneOf, ...rest } = schema;
  const choices = (anyOf ?? oneOf)?.map((choice) => ({
    ...rest,
    ...choice,
    ...(rest.properties ? { properties: { ...rest.properties, ...choice.properties } } : {}),
    required: [...(rest.required ?? []), ...(choice.required ?? [])],
  }));
  if (choices) return fc.oneof(...choices.map((choice) => near(choice, depth)));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  const types = [schema.type ?? (schema.properties ? 'object' : 'string')].flat();
  return fc.oneof(...types.map((type) => ofType(type, schema, depth)));
}

function ofType(type: string, schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (type === 'object') return objects(schema, depth);
  if (type === 'array') return fc.array(near(schema.items ?? {}, depth + 1), { maxLength: 3 });
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') return fc.integer({ min: -1, max: 5000 });
  if (type === 'null') return fc.constant(null);
  return fc.constantFrom('', 'a', 'gw1', '/etc/x', '0644', '198.51.100.1', '10.0.0.0/8', 'two words', '{{ it }}');
}

function objects(
  { properties = {}, required = [], additionalProperties }: Schema,
  depth: number,
): fc.Arbitrary<unknown> {
  if (depth > 4) return fc.constant({});
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  const known = fc.subarray(optional).chain((names) => {
    const there = Object.entries(properties).filter(([name]) => names.includes(name) || required.includes(name));
    return fc.record(Object.fromEntries(there.map(([name, inner]) => [name, near(inner, depth + 1)])));
  });
  const others =
    typeof additionalProperties === 'object'
      ? fc.dictionary(fc.constantFrom('gw1', 'gw2', 'a b'), near(additionalProperties, depth + 1), { maxKeys: 2 })
      : fc.oneof({ weight: 9, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.constant({ unknown: 1 }) });
  return fc.tuple(known, others).map(([one, other]) => ({ ...one, ...other }));
}
