import { type Schema, tunnelsSchema } from './schema.ts';

/**
 * The part of the schema that this program checks with it: which keys there are and of what type. All else it checks by
 * itself, where it can say more than "does not match". In the bundle scripts/compiled-schemas.mjs writes it out.
 */
export function structuralSchema(): Schema {
  structural ??= withoutKeywords(tunnelsSchema()) as Schema;
  return structural;
}

let structural: Schema | undefined;

/** Keywords that judge more than keys and types. */
const JUDGING = new Set([
  'anyOf',
  'pattern',
  'propertyNames',
  'required',
  'minLength',
  'minItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]);

function withoutKeywords(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutKeywords);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([keyword]) => !JUDGING.has(keyword));
  return Object.fromEntries(
    kept.map(([keyword, value]) => [keyword, keyword === 'type' ? textOnly(value) : withoutKeywords(value)]),
  );
}

/** What may be a text was made one before it is checked. */
function textOnly(type: unknown): unknown {
  const isText = Array.isArray(type) && type.includes('string');
  return isText ? type.filter((name) => name === 'string' || name === 'object') : type;
}
