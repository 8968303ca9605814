import { type Diagnostic, error } from '../lang/diagnostic.ts';
import { makeSource, type Source, spanOf } from '../lang/source.ts';
import { type Located, parseYaml } from '../lang/yaml.ts';
import type { InventoryFiles } from './files.ts';
import type { WrittenVariables } from './group-tree.ts';

/** What has been read so far: every file's text, and everything wrong with it. */
export interface Loading {
  readonly files: InventoryFiles;
  readonly sources: Map<string, Source>;
  readonly diagnostics: Diagnostic[];
}

/** The variables in a file of group_vars or host_vars. */
export type DocumentReader = (path: string) => WrittenVariables;

/** Parses a file; null, and a diagnostic, where nothing usable is in it. */
export function readDocument(path: string, { files, sources, diagnostics }: Loading): Located | null {
  const text = files.read(path);
  if (text === undefined) {
    diagnostics.push(
      error('file-unreadable', `${path} cannot be read`, { fix: 'check that it is a file and may be read' }),
    );
    return null;
  }
  const source = makeSource(path, text);
  sources.set(path, source);
  const broken = text.search(NOT_UTF8);
  if (broken !== -1) {
    const span = spanOf(source, broken, broken + 1);
    diagnostics.push(error('file-encoding', 'this is not UTF-8 text', { span, fix: 'save the file as UTF-8' }));
    return null;
  }
  if (text.startsWith('$ANSIBLE_VAULT;')) {
    const span = spanOf(source, 0, text.search(/\n|$/));
    const fix = 'encrypt only the secret values in it: name: !vault …';
    diagnostics.push(error('vault-file', 'this whole file is encrypted', { span, fix }));
    return null;
  }
  const parsed = parseYaml(source);
  diagnostics.push(...parsed.diagnostics);
  return parsed.document;
}

/** What stands in place of bytes that are no UTF-8, such as those of UTF-16 or Latin-1; and NUL, which YAML forbids. */
const NOT_UTF8 = /[\ufffd\0]/;

/** Reads files of variables, each once. */
export function variablesReader(loading: Loading): DocumentReader {
  const cache = new Map<string, WrittenVariables>();
  return (path) => {
    const known = cache.get(path) ?? readVariables(path, loading);
    cache.set(path, known);
    return known;
  };
}

function readVariables(path: string, loading: Loading): WrittenVariables {
  const document = readDocument(path, loading);
  const value = document?.value;
  if (!document || value === null || value === undefined) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    const message = `a file of variables is a mapping, this is ${Array.isArray(value) ? 'a list' : 'a single value'}`;
    loading.diagnostics.push(error('vars-structure', message, { span: document.span([]), fix: '"name: value" lines' }));
    return new Map();
  }
  return new Map(Object.entries(value).map(([key, inner]) => [key, { value: inner, span: document.span([key]) }]));
}
