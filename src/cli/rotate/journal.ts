import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RotatedEntry } from '../../inventory/tunnels/plan-rotation.ts';
import type { Pointer } from '../../lang/yaml.ts';
import { UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';

/**
 * A rotation that is under way: what is to be written into tunnels.yml when the hosts have it. New keys stand in it as they
 * will in tunnels.yml: encrypted, or plain where the old one is plain.
 */
export interface RotationJournal {
  readonly schema: typeof SCHEMA;
  readonly run: string;
  /** Of the controller, on this machine. */
  readonly pid: number;
  readonly begun: string;
  readonly inventory: string;
  readonly lab: string | null;
  /** The tunnels.yml. */
  readonly file: string;
  /** It is encrypted as a whole. */
  readonly sealed: boolean;
  /** Of its text, when the keys were drawn. */
  readonly before: string;
  readonly entries: readonly RotatedEntry[];
  readonly keys: readonly JournalKey[];
  /** The run that this one takes back; null: its keys are newly drawn. */
  readonly rollbackOf: string | null;
  /** When the keys came that are to be written, by entry, and those that stand there; null: that is not known. */
  readonly ages: { readonly fresh: Ages | null; readonly old: Ages };
}

export type Ages = Readonly<Record<string, string | null>>;

export interface JournalKey {
  readonly entry: string;
  readonly pointer: Pointer;
  /** A text of Ansible Vault; or one line of YAML, which in a file that is encrypted as a whole is one here. */
  readonly kind: 'vault' | 'scalar';
  readonly value: string;
  /** What stood there, as `value`: for the way back. */
  readonly old: string;
}

const SCHEMA = 'ipsec-play/rotation/1';
export const rotationSchema: typeof SCHEMA = SCHEMA;

/** The journals of the working directory, in `.ipsec-play/rotations`: their owner's alone. */
export interface RotationJournals {
  /** Why it cannot be written; null: it is there. */
  write(journal: RotationJournal): string | null;
  /** Why it is still there; null: it is not. */
  remove(run: string): string | null;
  read(run: string): RotationJournal | null;
  /** Keeps what was written into tunnels.yml, so that the run can be taken back there as well; why not, or null. */
  keep(journal: RotationJournal): string | null;
  /** Of a run that is at its end, what it wrote. */
  kept(run: string): RotationJournal | null;
  /** Removes what a process left that was killed while it wrote one. */
  tidy(): void;
  /** The oldest first. */
  all(): readonly RotationJournal[];
  /** The files that are there, and that nobody can make sense of here. */
  unreadable(): readonly string[];
}

export function rotationJournals({ cwd }: Pick<Terminal, 'cwd'>): RotationJournals {
  const folder = join(cwd, '.ipsec-play', 'rotations');
  const ended = join(folder, 'done');
  const pathOf = (run: string, place = folder) => join(place, `${run}.json`);
  const read = (run: string, place = folder): RotationJournal | null => {
    try {
      const journal = JSON.parse(readFileSync(pathOf(run, place), 'utf8')) as RotationJournal;
      return journal.schema === SCHEMA ? journal : null;
    } catch {
      return null;
    }
  };
  const write = (journal: RotationJournal, place = folder): string | null => {
    try {
      mkdirSync(place, { recursive: true, mode: 0o700 });
      // Keys may stand in here as they do in tunnels.yml, and old ones.
      writeFileSync(join(folder, '.gitignore'), '*\n');
      const text = `${JSON.stringify(journal, null, 1)}\n`;
      return replaceFile(pathOf(journal.run, place), text, { mode: 0o600 })?.why ?? null;
    } catch (fault) {
      return codeOf(fault);
    }
  };
  return {
    write: (journal) => write(journal),
    remove: (run) => {
      try {
        rmSync(pathOf(run), { force: true });
        return null;
      } catch (fault) {
        return codeOf(fault);
      }
    },
    read: (run) => read(run),
    keep: (journal) => {
      const before = read(journal.run, ended);
      const fault = write(before === null ? journal : merged(before, journal), ended);
      if (fault !== null) return fault;
      for (const name of namesIn(ended).slice(0, -KEPT)) rmSync(join(ended, name), { force: true });
      return null;
    },
    kept: (run) => read(run, ended),
    tidy: () => {
      try {
        for (const name of readdirSync(folder))
          if (/^\..*\.tmp$/.test(name)) rmSync(join(folder, name), { force: true });
      } catch {
        // there is no such folder yet
      }
    },
    all: () => namesIn(folder).flatMap((name) => read(runOf(name)) ?? []),
    unreadable: () => namesIn(folder).filter((name) => read(runOf(name)) === null),
  };
}

/** No host may change before it is there. */
export function writeJournal(journal: RotationJournal, terminal: Pick<Terminal, 'cwd'>): void {
  const fault = rotationJournals(terminal).write(journal);
  if (fault === null) return;
  throw new UsageFault(
    `.ipsec-play/rotations cannot be written (${fault}), and a rotation that is cut off could not be brought to its end`,
    'a working directory that you may write to',
  );
}

/** As many as there are records of runs. */
const KEPT = 100;

function namesIn(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => /^[0-9A-Za-z-]+\.json$/.test(name));
    return names.sort();
  } catch {
    return [];
  }
}

function runOf(name: string): string {
  return name.slice(0, -'.json'.length);
}

/** Of several tunnels some may come to their end later. */
function merged(before: RotationJournal, { entries, keys, ages }: RotationJournal): RotationJournal {
  const isOther = (name: string) => !entries.some((each) => each.name === name);
  return {
    ...before,
    entries: [...before.entries.filter(({ name }) => isOther(name)), ...entries],
    keys: [...before.keys.filter(({ entry }) => isOther(entry)), ...keys],
    ages: { fresh: { ...before.ages.fresh, ...ages.fresh }, old: { ...before.ages.old, ...ages.old } },
  };
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : 'it cannot be written';
}

/** Tells texts apart. It is of what lies beside it as it is, in tunnels.yml. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
