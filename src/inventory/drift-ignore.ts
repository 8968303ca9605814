import { dirname, join } from 'node:path';
import { type Diagnostic, error, warning } from '../lang/diagnostic.ts';
import { checkSchema } from '../lang/schema.ts';
import type { Source } from '../lang/source.ts';
import { DRIFT_KINDS, type DriftItem, type DriftKind } from '../model/drift.ts';
import type { Span } from '../model/span.ts';
import type { InventoryFiles } from './files.ts';
import { globRegex } from './glob.ts';
import { type Loading, readDocument } from './read-document.ts';

/** An entry of drift-ignore.yml. What it does not name may be anything. */
export interface IgnoreRule {
  readonly host: string | undefined;
  readonly what: string | undefined;
  readonly tunnel: string | undefined;
  readonly kind: DriftKind | undefined;
  readonly reason: string;
  /** The last day on which it counts, `2026-12-31`. */
  readonly until: string | undefined;
  readonly at: Span;
}

export interface IgnoreList {
  readonly rules: readonly IgnoreRule[];
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, Source>;
}

const glob = { type: 'string', minLength: 1 };

/** JSON Schema of drift-ignore.yml. */
export const driftIgnoreSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'What ipsec-play drift leaves out of account',
  type: 'object',
  properties: {
    ignore: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          host: { ...glob, description: 'Name or glob of hosts. Default: all.' },
          what: {
            ...glob,
            description: 'What drift shows: a path, or `connection ipsec0`; or a glob. Default: anything.',
          },
          tunnel: { ...glob, description: 'Name or glob of tunnels. Default: all, and what belongs to none.' },
          kind: { enum: DRIFT_KINDS, description: 'Default: any.' },
          reason: { type: 'string', minLength: 1, description: 'Why, for who reads it in a year.' },
          until: { type: 'string', description: 'The last day on which it counts: 2026-12-31. Default: for ever.' },
        },
        required: ['reason'],
        anyOf: [{ required: ['host'] }, { required: ['what'] }, { required: ['tunnel'] }],
        additionalProperties: false,
      },
    },
  },
  required: ['ignore'],
  additionalProperties: false,
};

const NAMES = ['drift-ignore.yml', 'drift-ignore.yaml'];

/** Reads drift-ignore.yml beside hosts.yml; where there is none, nothing is ignored. */
export function readIgnoreList(inventory: string, files: InventoryFiles): IgnoreList {
  const directory = files.isDirectory(inventory) ? inventory : dirname(inventory);
  const name = NAMES.find((candidate) => files.list(directory).includes(candidate));
  const loading: Loading = { files, sources: new Map(), diagnostics: [] };
  const document = name === undefined ? null : readDocument(join(directory, name), loading);
  const end = (rules: readonly IgnoreRule[]) => ({ rules, diagnostics: loading.diagnostics, sources: loading.sources });
  if (document === null) return end([]);
  const faults = checkSchema(driftIgnoreSchema, document);
  loading.diagnostics.push(...faults);
  if (faults.length > 0) return end([]);
  const { ignore } = document.value as { readonly ignore: readonly Omit<IgnoreRule, 'at'>[] };
  return end(
    ignore.map((entry, index): IgnoreRule => {
      const { host, what, tunnel, kind, reason, until } = entry;
      if (until !== undefined && !isDay(until)) {
        const span = document.span(['ignore', index, 'until']);
        loading.diagnostics.push(
          error('drift-ignore-until', `"${until}" is no day`, { span, fix: 'a day as 2026-12-31' }),
        );
      }
      return { host, what, tunnel, kind, reason, until, at: document.span(['ignore', index]) };
    }),
  );
}

function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/**
 * The items, with what leaves each out of account: the first entry that fits. `today`: `2026-11-22`. Entries that do no
 * good any more are told, as far as all that they are about was looked at.
 */
export function ignoring(
  items: readonly DriftItem[],
  rules: readonly IgnoreRule[],
  today: string,
  looked: LookedAt,
): { readonly items: readonly DriftItem[]; readonly diagnostics: readonly Diagnostic[] } {
  const used = new Set<IgnoreRule>();
  const isOver = ({ until }: IgnoreRule) => until !== undefined && until < today;
  const standing = rules.filter((rule) => !isOver(rule));
  const seen = items.map((item): DriftItem => {
    const rule = standing.find((each) => fits(each, item));
    if (rule === undefined) return item;
    used.add(rule);
    return { ...item, ignored: { reason: rule.reason, at: rule.at } };
  });
  const diagnostics = rules.flatMap((rule) => {
    if (isOver(rule)) {
      return warning('drift-ignore-expired', `this counted until ${rule.until}, and does not any more`, {
        span: rule.at,
        fix: 'take it away, or give it another day',
      });
    }
    if (used.has(rule) || !coversAll(rule, looked)) return [];
    return warning('drift-ignore-unused', 'nothing of what drifted is ignored by this', {
      span: rule.at,
      fix: 'take it away where it has done its work',
    });
  });
  return { items: seen, diagnostics };
}

export interface LookedAt {
  readonly hosts: readonly string[];
  readonly tunnels: readonly string[];
  /** Nothing that the playbook is about was left out. */
  readonly isWhole: boolean;
}

function coversAll({ host, tunnel }: IgnoreRule, { hosts, tunnels, isWhole }: LookedAt): boolean {
  if (tunnel !== undefined && !tunnels.some((each) => matches(tunnel, each))) return false;
  if (host !== undefined && !hosts.some((each) => matches(host, each))) return false;
  return isWhole || (host !== undefined && hosts.includes(host));
}

function fits(rule: IgnoreRule, { host, what, tunnel, kind }: DriftItem): boolean {
  return (
    (rule.host === undefined || matches(rule.host, host)) &&
    (rule.what === undefined || matches(rule.what, what)) &&
    (rule.tunnel === undefined || (tunnel !== null && matches(rule.tunnel, tunnel))) &&
    (rule.kind === undefined || rule.kind === kind)
  );
}

function matches(pattern: string, name: string): boolean {
  return pattern === name || (/[*?[]/.test(pattern) && globRegex(pattern)?.test(name) === true);
}
