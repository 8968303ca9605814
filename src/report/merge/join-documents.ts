import type { Impact } from '../../engine/impact.ts';
import { sortNaturally } from '../../model/natural-order.ts';
import type { DriftDocument } from '../drift-document.ts';
import { driftRecap } from '../drift-document.ts';
import type { RunDocument } from '../json.ts';
import type { OperationDocument } from '../operation-document.ts';
import type { StatusDocument } from '../status-document.ts';
import type { VerifyDocument } from '../verdict-document.ts';
import type { Joinable } from './shard-report.ts';
import { worstExit } from './worst-exit.ts';

/** One document of several of one kind, as if one run had gone over all of their hosts. Names come in natural order. */
export function joinDocuments(documents: readonly Joinable[]): Joinable {
  const [first] = documents;
  switch (first?.schema) {
    case 'ipsec-play/run/1':
      return joinRuns(first, documents as readonly RunDocument[]);
    case 'ipsec-play/verify/1':
      return joinVerdicts(first, documents as readonly VerifyDocument[]);
    case 'ipsec-play/drift/1':
      return joinDrift(first, documents as readonly DriftDocument[]);
    case 'ipsec-play/status/1':
      return joinStatus(first, documents as readonly StatusDocument[]);
    case 'ipsec-play/operation/1':
      return joinOperations(first, documents as readonly OperationDocument[]);
    default:
      throw new Error('there is nothing to join');
  }
}

function joinRuns({ schema, command, playbook }: RunDocument, all: readonly RunDocument[]): RunDocument {
  const impacts = all.flatMap(({ impact }) => impact ?? []);
  const diagnostics = all.flatMap((each) => each.diagnostics ?? []);
  const tunnels = all.flatMap((each) => (each.tunnels === undefined ? [] : [each.tunnels]));
  return {
    schema,
    command,
    playbook,
    run: null,
    exitCode: worstExit(all.map(({ exitCode }) => exitCode)),
    hosts: union(all.map(({ hosts }) => hosts)),
    recap: union(all.map(({ recap }) => recap)),
    ...(impacts.length === 0 ? {} : { impact: joinImpacts(impacts) }),
    ...(tunnels.length === 0 ? {} : { tunnels: union(tunnels) }),
    ...(diagnostics.length === 0 ? {} : { diagnostics: unique(diagnostics) }),
  };
}

function joinImpacts(impacts: readonly Impact[]): Impact {
  return {
    tunnels: sortNaturally(
      impacts.flatMap(({ tunnels }) => tunnels),
      ({ name }) => name,
    ),
    services: impacts.flatMap(({ services }) => services),
    ownPath: impacts.flatMap(({ ownPath }) => ownPath),
  };
}

function joinVerdicts({ schema }: VerifyDocument, all: readonly VerifyDocument[]): VerifyDocument {
  const sum = (status: keyof VerifyDocument['recap']) => all.reduce((count, { recap }) => count + recap[status], 0);
  return {
    schema,
    exitCode: worstExit(all.map(({ exitCode }) => exitCode)),
    tunnels: union(all.map(({ tunnels }) => tunnels)),
    unreachable: union(all.map(({ unreachable }) => unreachable)),
    recap: { proven: sum('proven'), failed: sum('failed'), unproven: sum('unproven') },
  };
}

function joinDrift({ schema, playbook }: DriftDocument, all: readonly DriftDocument[]): DriftDocument {
  const drift = sortNaturally(
    all.flatMap((each) => each.drift),
    ({ host }) => host,
  );
  return {
    schema,
    playbook,
    exitCode: worstExit(all.map(({ exitCode }) => exitCode)),
    drift,
    errors: union(all.map(({ errors }) => errors)),
    recap: driftRecap(drift),
  };
}

function joinStatus({ schema }: StatusDocument, all: readonly StatusDocument[]): StatusDocument {
  // Of several looks the oldest: nothing in them is older.
  const [at = ''] = all.map((each) => each.at).sort();
  return {
    schema,
    exitCode: worstExit(all.map(({ exitCode }) => exitCode)),
    at,
    tunnels: union(all.map(({ tunnels }) => tunnels)),
    hosts: union(all.map(({ hosts }) => hosts)),
  };
}

function joinOperations({ schema, command }: OperationDocument, all: readonly OperationDocument[]): OperationDocument {
  const tunnels = all.flatMap((each) => each.tunnels);
  const runs = all.flatMap(({ run }) => run ?? []);
  const verdicts = all.flatMap(({ verify }) => verify ?? []);
  const proofs = all.flatMap(({ proof }) => (proof === null ? [] : [proof]));
  const [run] = runs;
  const [verdict] = verdicts;
  return {
    schema,
    command,
    exitCode: worstExit(all.map(({ exitCode }) => exitCode)),
    tunnels,
    notes: unique(all.flatMap(({ notes }) => notes)),
    run: run === undefined ? null : { ...joinRuns(run, runs), playbook: [command, ...tunnels].join(' ') },
    verify: verdict === undefined ? null : joinVerdicts(verdict, verdicts),
    proof: proofs.length === 0 ? null : union(proofs),
  };
}

function union<T>(records: readonly Readonly<Record<string, T>>[]): Readonly<Record<string, T>> {
  const entries = records.flatMap((record) => Object.entries(record));
  return Object.fromEntries(sortNaturally(entries, ([name]) => name));
}

function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
