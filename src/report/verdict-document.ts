import type { Cause, EndVerdict, TunnelVerdict } from '../model/verdict.ts';
import { count, object, text, textOrNull } from './schema-parts.ts';
import { type Merged, type ShardInDocument, shardable } from './shard-document.ts';

const VERIFY_SCHEMA = 'ipsec-play/verify/1';

/** The document of `verify -o json`, described by schema/verify.schema.json. */
export interface VerifyDocument {
  readonly schema: typeof VERIFY_SCHEMA;
  readonly exitCode: number;
  readonly tunnels: Readonly<Record<string, VerdictInDocument>>;
  /** Hosts of which nothing could be seen. */
  readonly unreachable: Readonly<Record<string, { readonly code: string; readonly message: string }>>;
  readonly recap: Readonly<Record<TunnelVerdict['status'], number>>;
  /** Of --shard. */
  readonly shard?: ShardInDocument;
  /** Of `report merge`. */
  readonly merged?: Merged;
}

interface VerdictInDocument {
  readonly status: TunnelVerdict['status'];
  readonly cause: Cause | null;
  readonly ends: readonly EndVerdict[];
  readonly mtu: number | null;
  readonly notes: readonly string[];
}

export function verifyDocument(
  exitCode: number,
  verdicts: readonly TunnelVerdict[],
  faults: ReadonlyMap<string, { readonly code: string; readonly message: string }>,
): VerifyDocument {
  const count = (status: TunnelVerdict['status']) => verdicts.filter((verdict) => verdict.status === status).length;
  return {
    schema: VERIFY_SCHEMA,
    exitCode,
    tunnels: verdictsByName(verdicts),
    unreachable: Object.fromEntries(faults),
    recap: { proven: count('proven'), failed: count('failed'), unproven: count('unproven') },
  };
}

export function verdictsByName(verdicts: readonly TunnelVerdict[]): VerifyDocument['tunnels'] {
  return Object.fromEntries(verdicts.map(({ tunnel, ...verdict }) => [tunnel, verdict]));
}

/** What was seen of each tunnel, by its name. */
export const tunnelsSchema = {
  type: 'object',
  additionalProperties: object({
    status: {
      enum: ['proven', 'failed', 'unproven'],
      description: 'unproven: nothing is wrong, but it could not be shown',
    },
    cause: {
      oneOf: [
        { type: 'null' },
        object({
          code: text,
          message: text,
          fix: textOrNull,
          at: {
            oneOf: [
              { type: 'null' },
              object({ file: text, line: count, column: count, endLine: count, endColumn: count }),
            ],
            description: 'the place in the YAML that it is about',
          },
        }),
      ],
    },
    ends: {
      type: 'array',
      items: object({
        host: text,
        nickname: text,
        layers: {
          type: 'array',
          items: object({
            layer: { enum: ['peer', 'daemon', 'policies', 'associations', 'route', 'forwarding', 'ping', 'wire'] },
            status: { enum: ['ok', 'failed', 'unknown', 'skipped'] },
            what: text,
          }),
        },
      }),
    },
    mtu: { type: ['integer', 'null'], description: 'with --mtu: the largest packet that passes, in bytes' },
    notes: { type: 'array', items: text },
  }),
};

/** JSON Schema of it. */
export const verifySchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'ipsec-play verify --output json',
  ...shardable(
    object({
      schema: { const: VERIFY_SCHEMA },
      exitCode: { enum: [0, 5, 6, 130] },
      tunnels: tunnelsSchema,
      unreachable: { type: 'object', additionalProperties: object({ code: text, message: text }) },
      recap: object({ proven: count, failed: count, unproven: count }),
    }),
  ),
};
