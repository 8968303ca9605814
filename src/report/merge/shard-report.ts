import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { jsonObject } from '../../lang/json-object.ts';
import { checkValue } from '../../lang/schema.ts';
import { type DriftDocument, driftSchema } from '../drift-document.ts';
import type { RunDocument } from '../json.ts';
import { type OperationDocument, operationSchema } from '../operation-document.ts';
import { runSchema } from '../run-schema.ts';
import { type ShardInDocument, shardProperties } from '../shard-document.ts';
import { type StatusDocument, statusSchema } from '../status-document.ts';
import { type VerifyDocument, verifySchema } from '../verdict-document.ts';

/** A document that can be one of several shards' of a run. */
export type Joinable = RunDocument | VerifyDocument | DriftDocument | StatusDocument | OperationDocument;

/** What one shard has printed, and where it was found. */
export interface ShardReport {
  readonly file: string;
  readonly document: Joinable;
  readonly shard: ShardInDocument;
}

/** How each of them must look at the top: all of it would be a large part of the program. */
export const REPORT_OUTLINES: Readonly<Record<Joinable['schema'], object>> = {
  'ipsec-play/run/1': outline(runSchema),
  'ipsec-play/verify/1': outline(verifySchema),
  'ipsec-play/drift/1': outline(driftSchema),
  'ipsec-play/status/1': outline(statusSchema),
  'ipsec-play/operation/1': outline(operationSchema),
};

function outline({ required, properties }: { readonly required: readonly string[]; readonly properties: object }) {
  const members = Object.entries(properties as Readonly<Record<string, Readonly<Record<string, unknown>>>>);
  const outlined = members.map(([name, { type, enum: words }]) => {
    if (name === 'shard') return [name, shardProperties.shard];
    return [name, { ...(type === undefined ? {} : { type }), ...(words === undefined ? {} : { enum: words }) }];
  });
  return { type: 'object', required, properties: Object.fromEntries(outlined) };
}

/** Reads what a shard has printed; null where it has printed nothing, because it did not come to its end. */
export function readShardReport(file: string, text: string): ShardReport | Diagnostic | null {
  if (text.trim() === '') return null;
  const value = jsonObject(text);
  if (value === null)
    return error('report-form', `${file} is no JSON document`, {
      fix: 'what -o json printed, one file for each shard',
    });
  const { schema } = value;
  if (typeof schema !== 'string' || !isJoinable(schema)) {
    const what = typeof schema === 'string' ? `${schema}, which is not divided into shards` : 'no report';
    return error('report-form', `${file} is ${what}`, {
      fix: 'what check, apply, verify, up, down, reload, status or drift printed with --shard and -o json',
    });
  }
  const [fault] = checkValue(REPORT_OUTLINES[schema], value);
  if (fault !== undefined) {
    const message = `${file} is no report of this version: ${[...fault.pointer, fault.message].join(': ')}`;
    return error('report-form', message, { fix: 'make and merge reports with one version of ipsec-play' });
  }
  const document = value as unknown as Joinable;
  const { shard } = document;
  if (shard === undefined) {
    const what = document.merged === undefined ? 'was made without --shard' : 'is merged already';
    return error('report-no-shard', `${file} ${what}`, { fix: 'merge the reports of --shard 1/N to N/N' });
  }
  return { file, document, shard };
}

function isJoinable(schema: string): schema is Joinable['schema'] {
  return Object.hasOwn(REPORT_OUTLINES, schema);
}
