import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { UsageFault } from '../exit.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';

/** When a key came, as this machine knows it. Holds no key. */
export interface KeyAge {
  /** The tunnels.yml that it stands in. */
  readonly file: string;
  /** The tunnel, mesh or hub. */
  readonly name: string;
  readonly at: string;
  /** The run that brought it to the hosts; null: it was drawn for tunnels.yml, and the next `apply` brings it. */
  readonly run: string | null;
}

/** The ages of the keys that were drawn in this directory, in `.ipsec-play/keys.json`. */
export interface KeyAges {
  of(file: string, name: string): KeyAge | null;
  /** False where it cannot be written. `at` null: from now on nobody knows when that key came. */
  note(fresh: readonly (Omit<KeyAge, 'at'> & { readonly at: string | null })[]): boolean;
}

export function keyAges({ cwd }: Pick<Terminal, 'cwd'>): KeyAges {
  const folder = join(cwd, '.ipsec-play');
  const path = join(folder, 'keys.json');
  // However -i was written.
  const named = (file: string) => relative(cwd, resolve(cwd, file));
  const read = (): readonly KeyAge[] => {
    try {
      const found = JSON.parse(readFileSync(path, 'utf8')) as { schema?: string; keys?: readonly KeyAge[] };
      return found.schema === SCHEMA && Array.isArray(found.keys) ? found.keys : [];
    } catch {
      return [];
    }
  };
  return {
    of: (file, name) => read().find((each) => named(each.file) === named(file) && each.name === name) ?? null,
    note: (noted) => {
      const fresh = noted.map((each) => ({ ...each, file: named(each.file) }));
      const isOld = (each: KeyAge) => !fresh.some(({ file, name }) => file === named(each.file) && name === each.name);
      const keys = [...read().filter(isOld), ...fresh.filter(({ at }) => at !== null)];
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        return replaceFile(path, `${JSON.stringify({ schema: SCHEMA, keys }, null, 1)}\n`, { mode: 0o600 }) === null;
      } catch {
        return false;
      }
    },
  };
}

const SCHEMA = 'ipsec-play/keys/1';

/** `90d`, `12w`, `2h` in milliseconds. */
export function parseAge(word: string): number {
  const [, number, unit] = /^(\d{1,6})([hdw])$/.exec(word) ?? [];
  const hours = { h: 1, d: 24, w: 168 }[unit ?? ''];
  if (number === undefined || hours === undefined || Number(number) === 0) {
    throw new UsageFault(`--older-than "${word}" is no age`, 'a whole number of hours, days or weeks: 12h, 90d, 12w');
  }
  return Number(number) * hours * 3_600_000;
}
