import type { InventoryFiles } from '../../inventory/files.ts';
import { type Loading, readVariableDocument, type VaultReading } from '../../inventory/read-document.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { makeSource, type Source } from '../../lang/source.ts';
import { parseYaml } from '../../lang/yaml.ts';
import type { Variables } from '../../model/host.ts';

export interface ExtraVars {
  readonly vars: Variables;
  readonly sources: Map<string, Source>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Stands for a file in messages about what is written in the command line. */
export const EXTRA_VARS = '--extra-vars';

/** `-e`, in each of Ansible's forms: `key=value …` (always strings), a YAML or JSON mapping, `@FILE`. The last one wins. */
export function readExtraVars(given: readonly string[], files: InventoryFiles, vault: VaultReading): ExtraVars {
  const sources = new Map<string, Source>();
  const diagnostics: Diagnostic[] = [];
  const vars: Record<string, unknown> = {};
  const loading: Loading = { files, sources, diagnostics, vault };
  for (const text of given) {
    if (/^\s*[{[@]/.test(text)) Object.assign(vars, mapping(text, loading));
    else Object.assign(vars, pairs(text, diagnostics));
  }
  return { vars, sources, diagnostics };
}

function mapping(text: string, loading: Loading): Record<string, unknown> {
  const parsed = text.startsWith('@') ? readVariableDocument(text.slice(1), loading) : inline(text, loading);
  const value = parsed?.value;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  if (parsed !== null) {
    const span = parsed.span([]);
    loading.diagnostics.push(
      error('extra-vars', 'extra variables are a mapping', { span, fix: '-e key=value, or -e @FILE' }),
    );
  }
  return {};
}

function inline(text: string, { sources, diagnostics, vault }: Loading) {
  const source = makeSource(EXTRA_VARS, text);
  sources.set(source.file, source);
  const { document, diagnostics: faults } = parseYaml(source, vault?.value);
  diagnostics.push(...faults);
  return document;
}

/** `a=1 b="two words" c={{ d }}` */
function pairs(text: string, diagnostics: Diagnostic[]): Record<string, string> {
  const vars: Record<string, string> = {};
  const rest = text.replace(
    /\s*([A-Za-z_]\w*)=("[^"]*"|'[^']*'|(?:\{\{.*?\}\}|\S)*)/g,
    (_, name: string, value: string) => {
      vars[name] = /^(["']).*\1$/.test(value) ? value.slice(1, -1) : value;
      return '';
    },
  );
  if (rest.trim() !== '') {
    const fix = '-e key=value; for other values -e \'{"key": [1, 2]}\'';
    diagnostics.push(error('extra-vars', 'extra variables are written key=value', { fix }));
  }
  return vars;
}
