import { readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ConnectFault } from '../transport.ts';
import { type ConfigLine, readLines } from './config-text.ts';

/** A file of ssh_config(5), and the files that it includes. */
export interface ConfigTree {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly TreeLine[];
}

export interface TreeLine extends ConfigLine {
  /** Of an `Include`: what its patterns match. */
  readonly included?: readonly ConfigTree[];
}

/** What `~` and relative paths of `Include` mean in a file. */
export interface IncludeBase {
  readonly home: string;
  /** `~/.ssh` for the user's own configuration, `/etc/ssh` for the system's. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Reads a file with all that it includes; null where there is none. One that cannot be read is a {@link ConnectFault}. */
export function readConfigTree(path: string, base: IncludeBase, depth = 0): ConfigTree | null {
  const text = read(path);
  if (text === null) return null;
  if (depth > MOST_DEPTH) throw new ConnectFault('ssh-config', `${path}: Too many recursive configuration includes`);
  const lines = readLines(path, text).map((line): TreeLine => {
    if (line.keyword !== 'include') return line;
    const included = line.words
      .flatMap((pattern) => filesMatching(includedPath(pattern, base)))
      .map((file) => readConfigTree(file, base, depth + 1))
      .filter((tree) => tree !== null);
    return { ...line, included };
  });
  return { path, text, lines };
}

/** Every file of it. */
export function filesOf(tree: ConfigTree): readonly ConfigTree[] {
  return [tree, ...tree.lines.flatMap(({ included = [] }) => included.flatMap(filesOf))];
}

/** Every line of it, in the order in which ssh reads them. */
export function linesOf(tree: ConfigTree): readonly TreeLine[] {
  return tree.lines.flatMap((line) => [line, ...(line.included ?? []).flatMap(linesOf)]);
}

/** As in ssh's readconf.c. */
const MOST_DEPTH = 16;

function includedPath(pattern: string, { home, folder, env }: IncludeBase): string {
  const path = pattern.replace(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '');
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : `${folder}/${path}`;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return null;
    throw new ConnectFault(
      'ssh-config',
      `${path} cannot be read (${code})`,
      'Make it readable for you, or name another with --ssh-config.',
    );
  }
}

/** glob(7): sorted, `*` at the beginning of a name matches no dot file. */
export function filesMatching(pattern: string): readonly string[] {
  const [first = '', ...names] = pattern.split('/');
  let found: readonly string[] = [first];
  names.forEach((name, index) => {
    const last = index === names.length - 1;
    found = found.flatMap((folder) => {
      if (!/[*?[]/.test(name)) return [`${folder}/${name.replace(/\\(.)/g, '$1')}`];
      const wanted = namePattern(name);
      const visible = (each: string) => name.startsWith('.') || !each.startsWith('.');
      return entriesOf(`${folder}/`, last)
        .filter((each) => visible(each) && wanted.test(each))
        .sort()
        .map((each) => `${folder}/${each}`);
    });
  });
  return found;
}

function entriesOf(folder: string, files: boolean): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      files || entry.isDirectory() || entry.isSymbolicLink() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

function namePattern(glob: string): RegExp {
  const source = glob.replace(/\\(.)|\[(!?)([^\]]+)\]|([*?])|([^\w])/g, (_, escaped, not, set, wild, other) => {
    if (escaped !== undefined) return `\\u{${escaped.codePointAt(0).toString(16)}}`;
    if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replace(/[\\^[]/g, '\\$&')}]`;
    if (wild !== undefined) return wild === '*' ? '.*' : '.';
    return `\\u{${other.codePointAt(0).toString(16)}}`;
  });
  return new RegExp(`^${source}$`, 'su');
}
