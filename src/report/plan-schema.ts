import { runSchema } from './run-schema.ts';
import { object, text, textOrNull, texts } from './schema-parts.ts';

const digest = { type: 'string', pattern: '^fp:[0-9a-f]{24}$' };
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };
const timeOrNull = { anyOf: [{ type: 'null' }, time] };

/** As in a run, but for the time that it took. */
const task = object(
  Object.fromEntries(Object.entries(runSchema.definitions.task.properties).filter(([name]) => name !== 'ms')),
);

/** The JSON Schema (draft 7) of the file that `plan --out` writes. */
export const planSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A plan of ipsec-play',
  ...object({
    schema: { const: 'ipsec-play/plan/1' },
    id: { ...text, pattern: '^[0-9a-z-]+$' },
    tool: { ...text, description: 'the version of ipsec-play that made it' },
    created: object({ at: time, by: text }),
    window: { ...object({ notBefore: timeOrNull, notAfter: timeOrNull }), description: 'when it may be applied' },
    playbook: text,
    options: object({
      inventory: text,
      limit: textOrNull,
      shard: { ...textOrNull, description: '2/3: only that part of the hosts' },
      tags: texts,
      skipTags: texts,
      extraVars: { anyOf: [{ type: 'null' }, digest], description: 'of what --extra-vars said' },
      become: { type: 'boolean' },
      lab: { type: 'boolean', description: 'made on stand-ins of the hosts' },
    }),
    inputs: {
      type: 'object',
      additionalProperties: digest,
      description: 'every file that was read: inventory, tunnels, variables, playbook',
    },
    impact: { ...runSchema.definitions.impact, description: 'what the plan stops for a while' },
    hosts: {
      type: 'object',
      additionalProperties: object({
        status: { enum: ['ok', 'changed'] },
        tasks: { type: 'array', items: task },
        state: {
          type: 'object',
          additionalProperties: digest,
          description: 'everything that was read on the host: what the plan was computed from',
        },
      }),
    },
    keyId: { ...text, pattern: '^[0-9a-f]{16}$', description: 'which key the digests were made with' },
    seal: { ...text, pattern: '^[0-9a-f]{64}$', description: 'a keyed digest of all the rest' },
  }),
} as const;
