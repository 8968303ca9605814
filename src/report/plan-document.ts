import type { Impact } from '../engine/impact.ts';
import type { TaskResult } from '../engine/result.ts';

export const PLAN_SCHEMA = 'ipsec-play/plan/1';

/** A plan in a file, described by schema/plan.schema.json. Redacted; where a secret stands there is a keyed digest. */
export interface PlanDocument {
  readonly schema: typeof PLAN_SCHEMA;
  readonly id: string;
  /** The version of ipsec-play that made it; another one may plan otherwise. */
  readonly tool: string;
  readonly created: { readonly at: string; readonly by: string };
  /** When it may be applied; ISO 8601, in UTC. */
  readonly window: PlanWindow;
  readonly playbook: string;
  readonly options: PlanOptions;
  /** A digest of each file that was read, by its name. */
  readonly inputs: Readonly<Record<string, string>>;
  /** What the changes mean for tunnels, services and the operator's own way to the hosts. */
  readonly impact: Impact;
  readonly hosts: Readonly<Record<string, PlannedHost>>;
  /** Which key the digests were made with; it stays where the plan was made. */
  readonly keyId: string;
  /** A keyed digest of all the rest: it does not fit a file that was altered. */
  readonly seal: string;
}

export interface PlanWindow {
  readonly notBefore: string | null;
  readonly notAfter: string | null;
}

/** What the command line said that has a part in the plan. */
export interface PlanOptions {
  readonly inventory: string;
  readonly limit: string | null;
  /** `2/3`. */
  readonly shard: string | null;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** A digest; null: there were none. */
  readonly extraVars: string | null;
  readonly become: boolean;
  /** It was made on stand-ins of the hosts. */
  readonly lab: boolean;
}

export interface PlannedHost {
  readonly status: 'ok' | 'changed';
  readonly tasks: readonly PlannedTask[];
  /** A digest of each thing that was read on the host, by its name: what the plan was computed from. */
  readonly state: Readonly<Record<string, string>>;
}

export type PlannedTask = Omit<TaskResult, 'ms'>;

/** The text of the file. Keys stand in an order that does not change from one plan to the next. */
export function planText(document: PlanDocument): string {
  return `${JSON.stringify(ordered(document), null, 2)}\n`;
}

/** What the seal is made over. */
export function sealedText(document: Omit<PlanDocument, 'seal'>): string {
  return JSON.stringify(ordered(document));
}

function ordered(document: Omit<PlanDocument, 'seal'> & { readonly seal?: string }): object {
  const { schema, id, tool, created, window, playbook, options, inputs, impact, hosts, keyId, seal } = document;
  return { schema, id, tool, created, window, playbook, options, inputs, impact, hosts, keyId, seal };
}

/** A record with its keys in the order of plain texts, the same everywhere. */
export function sorted<T>(entries: Iterable<readonly [string, T]>): Readonly<Record<string, T>> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
