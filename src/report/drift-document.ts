import { DRIFT_KINDS, type DriftItem, type DriftKind } from '../model/drift.ts';
import { count, object, text, textOrNull } from './schema-parts.ts';
import { type Merged, type ShardInDocument, shardable } from './shard-document.ts';

const DRIFT_SCHEMA = 'ipsec-play/drift/1';

/** The document of `drift -o json`, described by schema/drift.schema.json. */
export interface DriftDocument {
  readonly schema: typeof DRIFT_SCHEMA;
  readonly playbook: string;
  readonly exitCode: number;
  readonly drift: readonly DriftItem[];
  /** Hosts that could not be looked at entirely, and why. */
  readonly errors: Readonly<Record<string, { readonly code: string; readonly message: string }>>;
  /** What is not ignored. */
  readonly recap: Readonly<Record<DriftKind | 'ignored', number>>;
  /** Of --shard. */
  readonly shard?: ShardInDocument;
  /** Of `report merge`. */
  readonly merged?: Merged;
}

export function driftDocument(
  playbook: string,
  exitCode: number,
  drift: readonly DriftItem[],
  errors: DriftDocument['errors'],
): DriftDocument {
  return { schema: DRIFT_SCHEMA, playbook, exitCode, drift, errors, recap: driftRecap(drift) };
}

export function driftRecap(drift: readonly DriftItem[]): DriftDocument['recap'] {
  const count = (kind: DriftKind) => drift.filter((item) => item.ignored === null && item.kind === kind).length;
  const ignored = drift.filter((item) => item.ignored !== null).length;
  return { 'not-applied': count('not-applied'), edited: count('edited'), kernel: count('kernel'), ignored };
}

/** JSON Schema of it. */
export const driftSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'ipsec-play drift --output json',
  ...shardable(
    object({
      schema: { const: DRIFT_SCHEMA },
      playbook: text,
      exitCode: { enum: [0, 2, 4, 5, 7, 8, 130] },
      drift: {
        type: 'array',
        items: object({
          host: text,
          kind: { enum: DRIFT_KINDS },
          what: { ...text, description: 'a path, or a thing that is no file' },
          tunnel: textOrNull,
          why: text,
          run: { ...textOrNull, description: 'the last run that had it in hand, where that is known' },
          ignored: {
            oneOf: [
              { type: 'null' },
              object({
                reason: text,
                at: object({ file: text, line: count, column: count, endLine: count, endColumn: count }),
              }),
            ],
          },
        }),
      },
      errors: { type: 'object', additionalProperties: object({ code: text, message: text }) },
      recap: object({ 'not-applied': count, edited: count, kernel: count, ignored: count }),
    }),
  ),
};
