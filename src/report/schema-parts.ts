/** What the JSON Schemas of documents are put together from. */

export const text = { type: 'string' };
export const texts = { type: 'array', items: text };
export const textOrNull = { type: ['string', 'null'] };
export const count = { type: 'integer', minimum: 0 };

/** With these members and no other ones; all but `optional` must be there. */
export function object(
  properties: Readonly<Record<string, unknown>>,
  optional: Readonly<Record<string, unknown>> = {},
) {
  return {
    type: 'object',
    additionalProperties: false,
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
  };
}
