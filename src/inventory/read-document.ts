import { type Diagnostic, error } from '../lang/diagnostic.ts';
import { sealedVariables } from '../lang/sealed-variables.ts';
import { makeSource, type Source, spanOf } from '../lang/source.ts';
import { isVaultText, noVault, type OpenVault } from '../lang/vaulted.ts';
import { type Located, parseYaml } from '../lang/yaml.ts';
import { reveal, Secret } from '../model/secret.ts';
import type { InventoryFiles } from './files.ts';
import type { WrittenVariables } from './group-tree.ts';

/** What has been read so far: every file's text, and everything wrong with it. */
export interface Loading {
  readonly files: InventoryFiles;
  readonly sources: Map<string, Source>;
  readonly diagnostics: Diagnostic[];
  readonly vault?: VaultReading;
}

/** How what is encrypted is opened. */
export interface VaultReading {
  /** Whole files, when they are read. */
  readonly file: OpenVault;
  /** `!vault` values, when they are used. */
  readonly value: OpenVault;
  /** Variables that are settings and no secrets, though all of their file is encrypted. */
  readonly settings?: readonly string[];
}

/** The variables in a file of group_vars or host_vars. */
export type DocumentReader = (path: string) => WrittenVariables;

/** Parses a file, which may be encrypted as a whole; null, and a diagnostic, where nothing usable is in it. */
export function readDocument(path: string, { files, sources, diagnostics, vault }: Loading): Located | null {
  const text = files.read(path);
  if (text === undefined) {
    diagnostics.push(
      error('file-unreadable', `${path} cannot be read`, { fix: 'check that it is a file and may be read' }),
    );
    return null;
  }
  const outer = makeSource(path, text);
  sources.set(path, outer);
  const source = isVaultText(text) ? unsealed(outer, vault?.file ?? noVault, diagnostics) : outer;
  if (source === null) return null;
  sources.set(path, source);
  const broken = source.text.search(NOT_UTF8);
  if (broken !== -1) {
    const span = spanOf(source, broken, broken + 1);
    diagnostics.push(error('file-encoding', 'this is not UTF-8 text', { span, fix: 'save the file as UTF-8' }));
    return null;
  }
  const parsed = parseYaml(source, vault?.value);
  diagnostics.push(...parsed.diagnostics);
  return parsed.document;
}

/** What is in an encrypted file; null, and a diagnostic, where it does not open. */
function unsealed(outer: Source, open: OpenVault, diagnostics: Diagnostic[]): Source | null {
  const plain = open(outer.text);
  if (plain instanceof Secret) return makeSource(outer.file, reveal(plain), true);
  const span = spanOf(outer, 0, outer.text.search(/[\r\n]|$/));
  const message = `this file is encrypted and cannot be opened: ${plain.why}`;
  diagnostics.push(error(plain.code, message, { span, fix: plain.fix }));
  return null;
}

/** The same for a file of variables: those of an encrypted one are secret. */
export function readVariableDocument(path: string, loading: Loading): Located | null {
  const document = readDocument(path, loading);
  return document && sealedVariables(document, loading.vault?.settings);
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
  const document = readVariableDocument(path, loading);
  const value = document?.value;
  if (!document || value === null || value === undefined) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) {
    const message = `a file of variables is a mapping, this is ${Array.isArray(value) ? 'a list' : 'a single value'}`;
    loading.diagnostics.push(error('vars-structure', message, { span: document.span([]), fix: '"name: value" lines' }));
    return new Map();
  }
  return new Map(Object.entries(value).map(([key, inner]) => [key, { value: inner, span: document.span([key]) }]));
}
