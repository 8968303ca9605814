/**
 * The same schema (draft 7) with each of its larger parts once, under `definitions`. It accepts the same values, but its
 * faults' paths differ. ajv makes a function of each part, so that a program compiles only those it comes to.
 * @param {object} schema
 * @returns {object}
 */
export function sharedSubschemas(schema) {
  /** @type {Map<string, string>} */
  const names = new Map();
  /** @type {Record<string, unknown>} */
  const definitions = {};
  const root = rebuilt(schema, (part) => {
    if (!COMBINING.some((keyword) => keyword in part)) return part;
    const text = JSON.stringify(part);
    let name = names.get(text);
    if (name === undefined) {
      name = `shared${names.size}`;
      names.set(text, name);
      definitions[name] = part;
    }
    return { $ref: `#/definitions/${name}` };
  });
  return { ...root, definitions: { ...root.definitions, ...definitions } };
}

/** What makes a part worth a function of its own. */
const COMBINING = ['properties', 'patternProperties', 'anyOf', 'oneOf', 'allOf'];

/** Keywords by what they hold: one schema, a list of them, a mapping to them, nothing that says yes or no. */
const ONE = new Set(['additionalProperties', 'items', 'propertyNames', 'not', 'if', 'then', 'else', 'contains']);
const LIST = new Set(['anyOf', 'oneOf', 'allOf', 'items']);
const MAPPING = new Set(['properties', 'patternProperties', 'definitions', 'dependencies']);
const WORDS = new Set(['title', 'description', 'default', 'examples', 'markdownDescription']);

/** @returns {any} */
function rebuilt(schema, put) {
  if (!isMapping(schema)) return schema;
  const inner = (part) => (isMapping(part) ? put(rebuilt(part, put)) : part);
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword]) => !WORDS.has(keyword))
      .map(([keyword, value]) => {
        if (MAPPING.has(keyword)) return [keyword, mapValues(value, inner)];
        if (LIST.has(keyword) && Array.isArray(value)) return [keyword, value.map(inner)];
        return [keyword, ONE.has(keyword) ? inner(value) : value];
      }),
  );
}

function mapValues(mapping, change) {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [key, change(value)]));
}

function isMapping(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
