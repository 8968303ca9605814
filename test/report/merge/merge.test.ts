import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostResult } from '../../../src/engine/result.ts';
import { checkValue } from '../../../src/lang/schema.ts';
import { sortNaturally } from '../../../src/model/natural-order.ts';
import { driftDocument, driftSchema } from '../../../src/report/drift-document.ts';
import { refusedDocument, runDocument } from '../../../src/report/json.ts';
import { mergeReports } from '../../../src/report/merge/merge.ts';
import { type Joinable, readShardReport, type ShardReport } from '../../../src/report/merge/shard-report.ts';
import { worstExit } from '../../../src/report/merge/worst-exit.ts';
import { operationDocument, operationSchema } from '../../../src/report/operation-document.ts';
import { runSchema } from '../../../src/report/run-schema.ts';
import { type ShardInDocument, withShard } from '../../../src/report/shard-document.ts';
import { statusDocument, statusSchema } from '../../../src/report/status-document.ts';
import { verifyDocument, verifySchema } from '../../../src/report/verdict-document.ts';

const shard = (index: number, count: number, more: Partial<ShardInDocument> = {}): ShardInDocument => ({
  index,
  count,
  inventory: 'abcd',
  commit: null,
  selection: [],
  ...more,
});

/** As it comes from the file that a shard has printed. */
function read(document: Joinable, own: ShardInDocument, file = `${own.index}.json`): ShardReport {
  const found = readShardReport(file, JSON.stringify(withShard(document, own)));
  if (found === null || !('shard' in found)) throw new Error(JSON.stringify(found));
  return found;
}

function merged(reports: readonly ShardReport[]) {
  const outcome = mergeReports(reports);
  if ('diagnostics' in outcome) throw new Error(JSON.stringify(outcome.diagnostics));
  return outcome.document;
}

const codes = (reports: readonly ShardReport[]) => {
  const outcome = mergeReports(reports);
  return 'diagnostics' in outcome ? outcome.diagnostics.map(({ code, message }) => `${code}: ${message}`) : [];
};

const hostResult = (status: HostResult['status']): HostResult => ({ status, error: null, tasks: [] });
const run = (hosts: readonly string[], exitCode = 0, command = 'check', playbook = 'site.yml') => {
  const results = hosts.map((name) => [name, hostResult('ok')] as const);
  return runDocument(command, playbook, exitCode, { hosts: new Map(results), interrupted: false, timedOut: false });
};

describe('merging runs', () => {
  test('gives what one run of the whole would have given, in whatever order the files come', () => {
    const status = fc.constantFrom<HostResult['status']>('ok', 'changed', 'failed', 'unreachable');
    const hosts = fc.dictionary(fc.stringMatching(/^gw\d{1,2}$/), fc.tuple(status, fc.integer({ min: 1, max: 3 })));
    const order = fc.shuffledSubarray([1, 2, 3], { minLength: 3 });
    fc.assert(
      fc.property(hosts, order, (all, files) => {
        const entries = sortNaturally(Object.entries(all), ([name]) => name);
        const document = (own: (at: number) => boolean) => {
          const chosen = entries
            .filter(([, [, at]]) => own(at))
            .map(([name, [word]]) => [name, hostResult(word)] as const);
          const result = { hosts: new Map(chosen), interrupted: false, timedOut: false };
          const bad = chosen.map(([, each]) => (each.status === 'unreachable' ? 5 : each.status === 'failed' ? 4 : 0));
          return runDocument('apply', 'site.yml', worstExit(bad), result);
        };
        const { merged: made, ...rest } = merged(
          files.map((index) =>
            read(
              document((at) => at === index),
              shard(index, 3),
            ),
          ),
        );
        expect(rest).toEqual(document(() => true));
        expect(JSON.stringify(rest)).toBe(JSON.stringify({ ...document(() => true) }));
        expect(made.shards.map(({ index }) => index)).toEqual([1, 2, 3]);
        expect(checkValue(runSchema, { ...rest, merged: made })).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('a shard without a report is named, and the whole is not well', () => {
    const document = merged([read(run(['a'], 2), shard(3, 4)), read(run(['b']), shard(1, 4))]);
    expect(document.merged.missing).toEqual([2, 4]);
    expect(document.exitCode).toBe(5);
  });

  test('one that was refused keeps what was wrong, and needs no inventory', () => {
    const fault = { severity: 'error', code: 'secret-env', message: 'the variable KEY is not set' } as const;
    const refused = refusedDocument('check', 'site.yml', [fault]);
    const document = merged([read(run(['a']), shard(1, 2)), read(refused, shard(2, 2, { inventory: null }))]);
    expect(document).toMatchObject({ exitCode: 3, diagnostics: [fault], merged: { inventory: 'abcd', missing: [] } });
  });
});

describe('what is not of one run is refused', () => {
  const first = read(run(['a']), shard(1, 2));
  test.each([
    ['another inventory', run(['b']), shard(2, 2, { inventory: 'ef01' }), 'report-differs'],
    ['another number of shards', run(['b']), shard(2, 3), 'report-differs'],
    ['another playbook', run(['b'], 0, 'check', 'other.yml'), shard(2, 2), 'report-differs'],
    ['another command', run(['b'], 0, 'apply'), shard(2, 2), 'report-differs'],
    ['another kind of document', verifyDocument(0, [], new Map()), shard(2, 2), 'report-differs'],
    ['another --limit', run(['b']), shard(2, 2, { selection: ['--limit b'] }), 'report-differs'],
    ['the same shard', run(['b']), shard(1, 2), 'report-twice'],
    ['a host that another one has', run(['a']), shard(2, 2), 'report-twice'],
  ])('%s', (_what, document, own, code) => {
    const found = codes([first, read(document, own, 'other.json')]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${code}: `);
    expect(found[0]).toContain('other.json');
  });

  test.each([
    ['no JSON', 'RECAP', 'report-form'],
    ['lines of -o jsonl', '{"type":"run-started"}\n{"type":"run-finished"}', 'report-form'],
    ['a plan', '{"schema":"ipsec-play/plan/1"}', 'report-form'],
    ['null', 'null', 'report-form'],
    ['a member of every object', '{"schema":"constructor"}', 'report-form'],
    ['a report with a part missing', '{"schema":"ipsec-play/run/1","shard":{"index":1,"count":2}}', 'report-form'],
    ['a report of all hosts', JSON.stringify(run(['a'])), 'report-no-shard'],
    ['what is merged', JSON.stringify(merged([read(run(['a']), shard(1, 1))])), 'report-no-shard'],
  ])('%s', (_what, text, code) => {
    expect(readShardReport('x.json', text)).toMatchObject({ code });
  });

  test('an empty file is a shard that did not come to its end', () => {
    expect(readShardReport('x.json', '\n')).toBeNull();
  });
});

test('every document that a shard can print is joined', () => {
  const verdict = (tunnel: string) =>
    ({ tunnel, status: 'proven', cause: null, ends: [], mtu: null, notes: [] }) as const;
  const drift = (host: string) =>
    ({ host, kind: 'edited', what: '/etc/x', tunnel: null, why: 'so', run: null, ignored: null }) as const;
  const operation = (name: string) =>
    operationDocument({
      command: 'down',
      exitCode: 0,
      tunnels: [name],
      notes: ['as said'],
      run: run([name], 0, 'apply', `down ${name}`),
      verify: null,
      proof: { [name]: { status: 'proven', ends: [] } },
    });
  const pairs: readonly (readonly [object, readonly [Joinable, Joinable]])[] = [
    [verifySchema, [verifyDocument(6, [verdict('b')], new Map()), verifyDocument(0, [verdict('a')], new Map())]],
    [driftSchema, [driftDocument('site.yml', 7, [drift('b')], {}), driftDocument('site.yml', 2, [drift('a')], {})]],
    [statusSchema, [statusDocument(0, new Date(9), [], {}), statusDocument(5, new Date(7), [], {})]],
    [operationSchema, [operation('b'), operation('a')]],
  ];
  const joined = pairs.map(([schema, [one, other]]) => {
    const document = merged([read(one, shard(1, 2)), read(other, shard(2, 2))]);
    expect(checkValue(schema, document)).toEqual([]);
    return document;
  });
  expect(joined.map(({ exitCode }) => exitCode)).toEqual([6, 7, 5, 0]);
  const [verified, drifted, seen, done] = joined;
  expect(verified).toMatchObject({ recap: { proven: 2 } });
  expect(Object.keys((verified as { tunnels: object }).tunnels)).toEqual(['a', 'b']);
  expect(drifted).toMatchObject({ drift: [{ host: 'a' }, { host: 'b' }], recap: { edited: 2 } });
  expect(seen).toMatchObject({ at: new Date(7).toISOString() });
  expect(done).toMatchObject({ tunnels: ['b', 'a'], notes: ['as said'], run: { playbook: 'down b a' } });
  expect(Object.keys((done as { proof: object }).proof)).toEqual(['a', 'b']);
});

test('the worst exit code, as docs/exit-codes.md ranks them', () => {
  const ranked = [0, 2, 7, 8, 3, 4, 5, 6, 130];
  for (const [at, code] of ranked.entries())
    for (const lesser of ranked.slice(0, at + 1)) expect(worstExit([lesser, code, 0])).toBe(code);
  expect(worstExit([0, 99])).toBe(1);
});
