import { type Diagnostic, error } from '../lang/diagnostic.ts';
import type { Located } from '../lang/yaml.ts';
import { isMapping, type Reading } from './fields.ts';
import type { Play } from './play.ts';
import { readPlay } from './read-play.ts';
import type { ModuleRegistry } from './registry.ts';

/**
 * Reads a playbook of Ansible's form. Everything that is wrong with it comes back at once; a play or task that cannot be
 * understood is left out, so that what remains can still be looked at.
 */
export function readPlaybook(
  document: Located,
  registry: ModuleRegistry,
): { readonly plays: readonly Play[]; readonly diagnostics: readonly Diagnostic[] } {
  const reading: Reading = { document, registry, diagnostics: [] };
  const plays = readPlays(reading);
  return { plays, diagnostics: byPlace(reading.diagnostics) };
}

function readPlays(reading: Reading): readonly Play[] {
  const { document, diagnostics } = reading;
  const list = document.value;
  if (!Array.isArray(list)) {
    const fix = 'write a list of plays: `- name: …`, `  hosts: …`, `  tasks: …`';
    diagnostics.push(error('playbook-form', 'a playbook is a list of plays', { span: document.span([]), fix }));
    return [];
  }
  if (list.length === 0) {
    diagnostics.push(error('playbook-empty', 'this playbook has no plays', { span: document.span([]) }));
  }
  return list.flatMap((value: unknown, index) => {
    if (isMapping(value)) return [readPlay(reading, value, index)];
    const fix = 'write `- name: …` with `hosts` and `tasks` below it';
    diagnostics.push(error('playbook-form', 'a play is a mapping', { span: document.span([index]), fix }));
    return [];
  });
}

function byPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const place = ({ span }: Diagnostic) => span ?? { line: 0, column: 0 };
  return [...diagnostics].sort((a, b) => place(a).line - place(b).line || place(a).column - place(b).column);
}
