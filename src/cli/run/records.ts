import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HostResult } from '../../engine/result.ts';
import type { Shard } from '../../model/shard.ts';
import { UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';

/** What this machine knows of a run. Holds no secret: what is in it was made to be shown. */
export interface RunRecord {
  readonly schema: typeof RECORD_SCHEMA;
  readonly run: string;
  /** The run that this one took back. */
  readonly rollbackOf: string | null;
  readonly who: string;
  /** Of the controller, on the machine of `who`. */
  readonly pid: number;
  readonly begun: string;
  readonly ended: string | null;
  readonly playbook: string;
  readonly inventory: string;
  readonly limit: string | null;
  /** Missing: an older version made the record. */
  readonly shard?: Shard | null;
  readonly tags: readonly string[];
  readonly skipTags: readonly string[];
  /** Tells whether the same `-e` is given again; there may be secrets in it. */
  readonly extraVars: string | null;
  readonly lab: string | null;
  readonly confirm: 'auto' | 'manual';
  readonly confirmTimeout: number;
  readonly outcome: Outcome;
  readonly exitCode: number | null;
  /** It waits for `confirm` or `rollback`. */
  readonly pending: boolean;
  /** Each play is a run of its own on the hosts. */
  readonly plays: readonly RecordedPlay[];
  readonly hosts: Readonly<Record<string, RecordedHost>>;
}

export type Outcome =
  | 'running'
  | 'in sync'
  | 'changed'
  | 'failed'
  | 'interrupted'
  | 'awaiting'
  | 'confirmed'
  | 'rolled back'
  | 'went back';

export interface RecordedPlay {
  /** Names the play's run on the hosts. */
  readonly id: string;
  readonly play: string;
  readonly hosts: Readonly<Record<string, PlayOnHost>>;
}

/** How a host is worked on in a play, and which tunnels change there: that binds the ends together. */
export interface PlayOnHost {
  readonly become: boolean | null;
  readonly becomeUser?: string;
  readonly tunnels: readonly string[];
}

/** How far a host has come, and in the end what came of it. */
export interface RecordedHost extends HostResult {
  readonly phase: 'waiting' | 'reading' | 'changing' | 'proving' | 'restoring' | 'done';
}

const RECORD_SCHEMA = 'ipsec-play/record/1';
export const recordSchema: typeof RECORD_SCHEMA = RECORD_SCHEMA;

/** Records of older runs than these are removed. */
const KEPT = 100;

/** The records of the working directory, in `.ipsec-play/runs`: their owner's alone. */
export interface RunRecords {
  /**
   * In its place at once and completely, or not at all. `fleeting`: a power cut may take it. False where it cannot be
   * written.
   */
  write(record: RunRecord, fleeting?: boolean): boolean;
  /** Null where there is none, or none that can be read. */
  read(run: string): RunRecord | null;
  /** The newest first. */
  all(): readonly RunRecord[];
}

export function runRecords({ cwd }: Pick<Terminal, 'cwd'>): RunRecords {
  const folder = join(cwd, '.ipsec-play', 'runs');
  const names = () => {
    try {
      return readdirSync(folder).filter((name) => RUN_FILE.test(name));
    } catch {
      return [];
    }
  };
  const read = (run: string): RunRecord | null => {
    try {
      const record = JSON.parse(readFileSync(join(folder, `${run}.json`), 'utf8')) as RunRecord;
      return record.schema === RECORD_SCHEMA ? record : null;
    } catch {
      return null;
    }
  };
  return {
    write: (record, fleeting = false) => {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const text = `${JSON.stringify(record, null, 1)}\n`;
        if (replaceFile(join(folder, `${record.run}.json`), text, { mode: 0o600, fleeting }) !== null) return false;
        for (const old of names().sort().reverse().slice(KEPT)) rmSync(join(folder, old), { force: true });
        return true;
      } catch {
        return false;
      }
    },
    read,
    all: () =>
      names()
        .sort()
        .reverse()
        .flatMap((name) => read(name.slice(0, -'.json'.length)) ?? []),
  };
}

const RUN_FILE = /^\d{8}-\d{6}-[0-9a-f]+\.json$/;

/** Whether a word can name a run at all: it becomes part of paths, here and on hosts. */
export function runName(word: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(word)) return word;
  throw new UsageFault(`"${word}" names no run`, 'the name that apply has printed, or one of `ipsec-play history`');
}
