import type { EndStanding } from '../model/standing.ts';
import type { Tunnel } from '../model/tunnel.ts';
import type { Verified } from '../model/verdict.ts';
import { count, object, text, textOrNull, texts } from './schema-parts.ts';
import { type Merged, type ShardInDocument, shardable } from './shard-document.ts';
import { keyAge, type TunnelStatus } from './tunnel-status.ts';

const STATUS_SCHEMA = 'ipsec-play/status/1';

/** The document of `status -o json`, described by schema/status.schema.json. */
export interface StatusDocument {
  readonly schema: typeof STATUS_SCHEMA;
  readonly exitCode: number;
  /** ISO 8601. */
  readonly at: string;
  readonly tunnels: Readonly<Record<string, TunnelInDocument>>;
  readonly hosts: Readonly<Record<string, HostInDocument>>;
  /** Of --shard. */
  readonly shard?: ShardInDocument;
  /** Of `report merge`. */
  readonly merged?: Merged;
}

/** Its lock and runs, and why it could not be asked. */
interface HostInDocument {
  readonly lock: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly runs: readonly object[];
}

interface TunnelInDocument {
  readonly state: Tunnel['state'];
  readonly ends: readonly EndInDocument[];
  readonly verified: Verified | null;
  readonly pending: readonly string[];
}

interface EndInDocument {
  readonly host: string;
  readonly nickname: string;
  readonly managed: boolean;
  /** Null where nothing was seen of it. */
  readonly seen: (Omit<EndStanding, 'now' | 'keyChanged'> & { readonly keyAge: number | null }) | null;
}

export function statusDocument(
  exitCode: number,
  at: Date,
  tunnels: readonly TunnelStatus[],
  hosts: StatusDocument['hosts'],
): StatusDocument {
  return {
    schema: STATUS_SCHEMA,
    exitCode,
    at: at.toISOString(),
    tunnels: Object.fromEntries(tunnels.map((each) => [each.tunnel.name, inDocument(each)])),
    hosts,
  };
}

function inDocument({ tunnel, ends, verified, pending }: TunnelStatus): TunnelInDocument {
  return {
    state: tunnel.state,
    ends: tunnel.ends.map(({ host, nickname, managed }, index) => {
      const end = ends[index] ?? null;
      if (end === null) return { host, nickname, managed, seen: null };
      const { now: _, keyChanged: __, ...seen } = end;
      return { host, nickname, managed, seen: { ...seen, keyAge: keyAge(end) } };
    }),
    verified,
    pending,
  };
}

const flag = { type: 'boolean' };
const countOrNull = { type: ['integer', 'null'], minimum: 0 };
const orNull = (schema: object) => ({ oneOf: [{ type: 'null' }, schema] });

const association = object({
  direction: { enum: ['in', 'out'] },
  protocol: text,
  spi: count,
  state: text,
  age: { ...countOrNull, description: 'seconds' },
  bytes: countOrNull,
});

const seen = object({
  configured: { enum: ['yes', 'differs', 'no', 'unknown'], description: 'its files, against the inventory' },
  differing: { ...texts, description: 'the files that are missing or say something else' },
  active: { enum: ['yes', 'differs', 'no', 'unknown'], description: "the kernel's policies, against the inventory" },
  what: { ...text, description: 'what the kernel has, in words' },
  daemon: { enum: ['running', 'absent', 'unknown', 'unneeded'] },
  unread: { oneOf: [{ type: 'null' }, texts], description: 'files that the daemon may not have read as they are' },
  associations: { type: 'array', items: association, description: 'all SAs with the address of the peer' },
  keyAge: { ...countOrNull, description: 'seconds since the file that holds its key was written' },
});

const run = object({
  run: text,
  state: text,
  open: flag,
  watched: flag,
  busy: flag,
  owner: { type: 'object', additionalProperties: text },
  last: text,
  remaining: countOrNull,
});

/** JSON Schema of it. */
export const statusSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'ipsec-play status --output json',
  ...shardable(
    object({
      schema: { const: STATUS_SCHEMA },
      exitCode: { enum: [0, 5] },
      at: text,
      tunnels: {
        type: 'object',
        additionalProperties: object({
          state: { enum: ['present', 'absent'] },
          ends: { type: 'array', items: object({ host: text, nickname: text, managed: flag, seen: orNull(seen) }) },
          verified: orNull(object({ at: text, status: { enum: ['proven', 'failed', 'unproven'] }, cause: textOrNull })),
          pending: { ...texts, description: 'runs that wait for confirm or rollback, and may have changed it' },
        }),
      },
      hosts: {
        type: 'object',
        additionalProperties: object({
          lock: textOrNull,
          error: orNull(object({ code: text, message: text })),
          runs: { type: 'array', items: run },
        }),
      },
    }),
  ),
};
