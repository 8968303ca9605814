import type { EndStanding } from '../model/standing.ts';
import type { RunDocument } from './json.ts';
import { object, text, texts } from './schema-parts.ts';
import { type Merged, type ShardInDocument, shardable } from './shard-document.ts';
import type { VerifyDocument } from './verdict-document.ts';

const OPERATION_SCHEMA = 'ipsec-play/operation/1';

/** The document of `up`, `down` and `reload` with `-o json`. */
export interface OperationDocument {
  readonly schema: typeof OPERATION_SCHEMA;
  readonly command: 'up' | 'down' | 'reload';
  readonly exitCode: number;
  readonly tunnels: readonly string[];
  /** What a person should know of it. */
  readonly notes: readonly string[];
  /** As `apply -o json` has it; null: nothing was to be done on any host. */
  readonly run: RunDocument | null;
  /** `up`: as `verify -o json` has it; null: nothing was proven, because the run failed, or was none. */
  readonly verify: VerifyDocument | null;
  /** `down` and `reload`: what was seen afterwards, by tunnel; null: as before. */
  readonly proof: Readonly<Record<string, ProofOfOperation>> | null;
  /** Of --shard. */
  readonly shard?: ShardInDocument;
  /** Of `report merge`. */
  readonly merged?: Merged;
}

export interface ProofOfOperation {
  readonly status: 'proven' | 'failed' | 'unproven';
  readonly ends: readonly {
    readonly host: string;
    readonly nickname: string;
    readonly active: EndStanding['active'] | null;
    readonly daemon: EndStanding['daemon'] | null;
    readonly what: string;
  }[];
}

export function operationDocument(given: Omit<OperationDocument, 'schema'>): OperationDocument {
  return { schema: OPERATION_SCHEMA, ...given };
}

const stands = (words: readonly string[]) => ({ enum: [...words, null] });

/** JSON Schema of it; the documents in it have schemas of their own. */
export const operationSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'ipsec-play up, down and reload --output json',
  ...shardable(
    object({
      schema: { const: OPERATION_SCHEMA },
      command: { enum: ['up', 'down', 'reload'] },
      exitCode: { enum: [0, 2, 4, 5, 6, 130] },
      tunnels: texts,
      notes: { ...texts, description: 'what a person should know of it' },
      run: {
        type: ['object', 'null'],
        description: 'as apply prints it: run.schema.json; null: nothing was to be done',
      },
      verify: { type: ['object', 'null'], description: 'up: as verify prints it, verify.schema.json' },
      proof: {
        oneOf: [
          { type: 'null' },
          {
            type: 'object',
            additionalProperties: object({
              status: { enum: ['proven', 'failed', 'unproven'] },
              ends: {
                type: 'array',
                items: object({
                  host: text,
                  nickname: text,
                  active: stands(['yes', 'differs', 'no', 'unknown']),
                  daemon: stands(['running', 'absent', 'unknown', 'unneeded']),
                  what: text,
                }),
              },
            }),
          },
        ],
        description: 'down and reload: what was seen afterwards, by tunnel',
      },
    }),
  ),
};
