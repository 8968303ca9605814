import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TunnelVerdict, Verified } from '../../model/verdict.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';

const SCHEMA = 'ipsec-play/verified/1';

interface Records {
  readonly schema: typeof SCHEMA;
  /** By inventory and lab, then by tunnel. */
  readonly worlds: Readonly<Record<string, Readonly<Record<string, Verified>>>>;
}

/** Notes the verdicts in `.ipsec-play/verified.json`. One that cannot be written is no reason to fail: it is only not shown. */
export function noteVerdicts(verdicts: readonly TunnelVerdict[], options: World, { cwd }: Pick<Terminal, 'cwd'>): void {
  if (verdicts.length === 0) return;
  const at = new Date().toISOString();
  const { worlds } = readRecords(cwd);
  const world = worldOf(options);
  const fresh = verdicts.map(({ tunnel, status, cause }) => [tunnel, { at, status, cause: cause?.code ?? null }]);
  const records: Records = {
    schema: SCHEMA,
    worlds: { ...worlds, [world]: { ...worlds[world], ...Object.fromEntries(fresh) } },
  };
  try {
    mkdirSync(join(cwd, '.ipsec-play'), { recursive: true, mode: 0o700 });
    replaceFile(fileIn(cwd), `${JSON.stringify(records, null, 1)}\n`, { mode: 0o600 });
  } catch {
    // A folder that nobody may write to.
  }
}

export function lastVerified(options: World, { cwd }: Pick<Terminal, 'cwd'>): ReadonlyMap<string, Verified> {
  return new Map(Object.entries(readRecords(cwd).worlds[worldOf(options)] ?? {}));
}

type World = Pick<RunOptions, 'inventory' | 'lab'>;

/** The same tunnel of a rehearsal is another one. */
function worldOf({ inventory, lab }: World): string {
  return lab === undefined ? inventory : `${inventory} lab ${lab}`;
}

function fileIn(cwd: string): string {
  return join(cwd, '.ipsec-play', 'verified.json');
}

function readRecords(cwd: string): Records {
  try {
    const records = JSON.parse(readFileSync(fileIn(cwd), 'utf8')) as Records;
    if (records.schema === SCHEMA) return records;
  } catch {
    // None yet, or none that can be read.
  }
  return { schema: SCHEMA, worlds: {} };
}
