import { count, object, text, textOrNull, texts } from './schema-parts.ts';
import { shardProperties } from './shard-document.ts';
import { tunnelsSchema } from './verdict-document.ts';

const problem = {
  anyOf: [{ type: 'null' }, object({ code: text, message: text })],
};
const counts = ['ok', 'changed', 'skipped', 'failed', 'unreachable'];

/** The JSON Schema (draft 7) of the document that `check` and `apply` print with `--output json`. */
export const runSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A run of ipsec-play',
  type: 'object',
  additionalProperties: false,
  required: ['schema', 'command', 'playbook', 'run', 'exitCode', 'hosts', 'recap'],
  properties: {
    schema: { const: 'ipsec-play/run/1' },
    command: { enum: ['check', 'apply', 'plan'] },
    playbook: text,
    run: { ...textOrNull, description: 'names an apply for show, confirm, rollback and resume; null: it was none' },
    exitCode: { enum: [0, 2, 3, 4, 5, 6, 130] },
    diagnostics: {
      type: 'array',
      items: { $ref: '#/definitions/diagnostic' },
      description: 'only with exit code 3: all that is wrong with the input; there are no hosts then',
    },
    hosts: { type: 'object', additionalProperties: { $ref: '#/definitions/host' } },
    recap: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: counts,
        properties: Object.fromEntries(counts.map((name) => [name, count])),
      },
    },
    ...shardProperties,
    impact: { $ref: '#/definitions/impact' },
    tunnels: {
      ...tunnelsSchema,
      description: 'what was seen of the tunnels that an apply has brought up; missing: none were looked at',
    },
  },
  definitions: {
    impact: {
      type: 'object',
      additionalProperties: false,
      required: ['tunnels', 'services', 'ownPath'],
      description: 'what the first plans stop for a while; not with exit code 3',
      properties: {
        tunnels: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'ends', 'effect', 'networkOf', 'seconds'],
            properties: {
              name: text,
              ends: { ...texts, description: 'the hosts of both ends' },
              effect: {
                enum: ['drops', 'stopped', 'removed', 'starts'],
                description:
                  'drops: for a while; stopped: until somebody brings it up; removed: for good; starts: it was not up, and what it protects waits until both ends are',
              },
              networkOf: { ...texts, description: 'hosts whose network restart takes it down' },
              seconds: {
                type: ['array', 'null'],
                items: count,
                minItems: 2,
                maxItems: 2,
                description: 'about how long, at the least and at the most: an estimate, not measured; null: for good',
              },
            },
          },
        },
        services: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['host', 'service'],
            properties: { host: text, service: { ...text, description: 'it is started, restarted or stopped' } },
          },
        },
        ownPath: {
          type: 'array',
          description: "hosts that change, and that the operator's own connections go over",
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['host', 'why'],
            properties: { host: text, why: text },
          },
        },
      },
    },
    span: {
      type: 'object',
      additionalProperties: false,
      required: ['file', 'line', 'column', 'endLine', 'endColumn'],
      properties: { file: text, line: count, column: count, endLine: count, endColumn: count },
    },
    diagnostic: {
      type: 'object',
      additionalProperties: false,
      required: ['severity', 'code', 'message'],
      properties: {
        severity: { enum: ['error', 'warning'] },
        code: text,
        message: text,
        found: { ...text, description: 'what was written' },
        fix: { ...text, description: 'what to write instead, or to do' },
        span: { $ref: '#/definitions/span' },
        related: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['message', 'span'],
            properties: { message: text, span: { $ref: '#/definitions/span' } },
          },
        },
      },
    },
    host: {
      type: 'object',
      additionalProperties: false,
      required: ['status', 'error', 'tasks'],
      properties: {
        status: { enum: ['ok', 'changed', 'failed', 'unreachable', 'skipped'] },
        error: problem,
        notes: {
          ...texts,
          description: 'what else was found there that a person should know, as other runs; missing: nothing',
        },
        tasks: { type: 'array', items: { $ref: '#/definitions/task' } },
      },
    },
    task: {
      type: 'object',
      additionalProperties: false,
      required: ['id', 'play', 'name', 'module', 'tunnel', 'status', 'diff', 'disruptive', 'error', 'ms'],
      properties: {
        id: { ...text, description: 'unique on its host, and the same in the next run' },
        play: text,
        name: text,
        module: text,
        tunnel: textOrNull,
        status: {
          enum: ['ok', 'changed', 'skipped', 'failed', 'unknown', 'blocked'],
          description: 'in a check, changed means would change',
        },
        diff: {
          type: 'array',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['path', 'before', 'after', 'sensitive'],
            properties: {
              path: text,
              before: { ...textOrNull, description: 'null: not there' },
              after: textOrNull,
              sensitive: { type: 'boolean', description: 'true: fingerprints stand in place of values' },
            },
          },
        },
        disruptive: textOrNull,
        error: problem,
        ms: { type: 'number', minimum: 0 },
      },
    },
  },
} as const;
