import type { Colors } from 'picocolors/types';
import type { RunDocument } from '../../report/json.ts';
import type { MergedDocument } from '../../report/merge/merge.ts';
import type { OperationDocument } from '../../report/operation-document.ts';
import { recapLines } from '../../report/recap.ts';
import type { StatusDocument } from '../../report/status-document.ts';
import type { VerifyDocument } from '../../report/verdict-document.ts';
import { verdictLines, verdictSummary } from '../../report/verdict-lines.ts';
import { visibleLine } from '../../report/visible.ts';
import { driftText } from '../drift/text.ts';
import { table } from '../machine/table.ts';

/** A joined document for a person: a line a shard, and then what came of the whole. */
export function mergedText(document: MergedDocument, colors: Colors): string {
  const { count, shards, missing } = document.merged;
  const rows = [
    ...shards.map(({ index, exitCode, run, file }) => ({ index, cells: [String(exitCode), run ?? '', file] })),
    ...missing.map((index) => ({ index, cells: ['none', '', 'no report'] })),
  ].sort((a, b) => a.index - b.index);
  const head = table(
    ['SHARD', 'EXIT', 'RUN', 'REPORT'],
    rows.map(({ index, cells }) => [`${index}/${count}`, ...cells.map(visibleLine)]),
  );
  const names = missing.map((index) => `${index}/${count}`).join(', ');
  const end = missing.length === 0 ? [] : [`This is not the whole: nothing is known of shard ${names}.`];
  return [head, '', ...bodyLines(document, colors), ...end].join('\n');
}

function bodyLines(document: MergedDocument, colors: Colors): readonly string[] {
  switch (document.schema) {
    case 'ipsec-play/run/1':
      return runLines(document, document.merged.shards.map(({ exitCode }) => exitCode).includes(130), colors);
    case 'ipsec-play/verify/1':
      return verifyLines(document, colors);
    case 'ipsec-play/drift/1':
      return [...errorLines(document.errors), driftText(document.drift, false)];
    case 'ipsec-play/status/1':
      return statusLines(document);
    case 'ipsec-play/operation/1':
      return operationLines(document, colors);
  }
}

function runLines(document: RunDocument, interrupted: boolean, colors: Colors): readonly string[] {
  const { command, hosts, impact, tunnels = {}, diagnostics = [] } = document;
  const result = {
    hosts: new Map(Object.entries(hosts)),
    interrupted,
    timedOut: false,
    ...(impact === undefined ? {} : { impact }),
  };
  return [
    ...diagnostics
      .filter(({ severity }) => severity === 'error')
      .map(({ code, message }) => `error: ${message} [${code}]`),
    ...verdictLines(verdictsOf(tunnels), false, colors),
    ...recapLines(command === 'apply' ? 'apply' : 'check', result, colors),
  ];
}

function verifyLines({ tunnels, unreachable }: VerifyDocument, colors: Colors): readonly string[] {
  const verdicts = verdictsOf(tunnels);
  if (verdicts.length === 0) return [...errorLines(unreachable), 'There are no tunnels to verify.'];
  return [...errorLines(unreachable), ...verdictLines(verdicts, false, colors), '', verdictSummary(verdicts)];
}

function operationLines({ run, verify, proof, notes }: OperationDocument, colors: Colors): readonly string[] {
  return [
    ...notes.map(visibleLine),
    ...(run === null ? ['There was nothing to do.'] : runLines(run, run.exitCode === 130, colors)),
    ...(verify === null ? [] : verifyLines(verify, colors)),
    ...Object.entries(proof ?? {}).map(([name, { status, ends }]) =>
      visibleLine(`${name}  ${status}  ${ends.map(({ host, what }) => `${host}: ${what}`).join('; ')}`),
    ),
  ];
}

function statusLines({ tunnels, hosts }: StatusDocument): readonly string[] {
  const rows = Object.entries(tunnels).flatMap(([name, { ends, verified, pending }]) =>
    ends.map(({ host, seen }) =>
      [name, host, seen?.configured ?? '?', seen?.active ?? '?', verified?.status ?? '', pending.join(' ')].map(
        visibleLine,
      ),
    ),
  );
  const head = ['TUNNEL', 'HOST', 'CONFIGURED', 'ACTIVE', 'VERIFIED', 'WAITS FOR'];
  const errors = Object.entries(hosts).flatMap(([host, { error }]) => (error === null ? [] : [[host, error] as const]));
  return [...errorLines(Object.fromEntries(errors)), table(head, rows)];
}

function errorLines(errors: Readonly<Record<string, { readonly message: string }>>): readonly string[] {
  return Object.entries(errors).map(([host, { message }]) => visibleLine(`[${host}] ${message}`));
}

function verdictsOf(tunnels: VerifyDocument['tunnels']) {
  return Object.entries(tunnels).map(([tunnel, verdict]) => ({ tunnel, ...verdict }));
}
