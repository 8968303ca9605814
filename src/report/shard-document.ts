import { object, text, textOrNull, texts } from './schema-parts.ts';
/** What the document of a command with --shard says of it: enough to join the documents of all shards. */
export interface ShardInDocument {
  /** From 1 on. */
  readonly index: number;
  readonly count: number;
  /** Digest of the hosts, tunnels and redundancy groups of the inventory; null: they could not be read. */
  readonly inventory: string | null;
  /** Of git, where the inventory is; null: it is not known. */
  readonly commit: string | null;
  /** What else narrows the run, as it was said: `--limit routers`. */
  readonly selection: readonly string[];
}

/** What a joined document was made of. */
export interface Merged {
  readonly count: number;
  /** In the order of their numbers. */
  readonly shards: readonly MergedShard[];
  /** Shards of which there is no report: nothing is known of their hosts. */
  readonly missing: readonly number[];
  readonly inventory: string | null;
  readonly selection: readonly string[];
}

export interface MergedShard {
  readonly index: number;
  readonly file: string;
  readonly exitCode: number;
  readonly commit: string | null;
  /** Names an apply; null: it was none, or nothing was to be changed. */
  readonly run: string | null;
}

/** The document, and which shard it is of. */
export function withShard<T extends object>(document: T, shard: ShardInDocument | null): T {
  return shard === null ? document : { ...document, shard };
}

const number = { type: 'integer', minimum: 1 };
const inventory = {
  ...textOrNull,
  description: 'digest of its hosts, tunnels and redundancy groups; null: they could not be read',
};
const commit = { ...textOrNull, description: 'of git, where the inventory is; null: it is not known' };
const selection = { ...texts, description: 'what else narrows the run, as it was said' };

/** The two members that every document has which can be of a shard. */
export const shardProperties = {
  shard: {
    ...object({ index: number, count: number, inventory, commit, selection }),
    description: 'only with --shard',
  },
  merged: {
    ...object({
      count: number,
      shards: {
        type: 'array',
        items: object({
          index: number,
          file: text,
          exitCode: { type: 'integer', minimum: 0 },
          commit,
          run: { ...textOrNull, description: 'names an apply for rollback' },
        }),
      },
      missing: {
        type: 'array',
        items: number,
        description: 'there is no report of them: nothing is known of their hosts',
      },
      inventory,
      selection,
    }),
    description: 'only in what `report merge` prints',
  },
};

/** A schema of a document that can be of a shard. */
export function shardable<T extends { readonly properties: object }>(schema: T) {
  return { ...schema, properties: { ...schema.properties, ...shardProperties } };
}
