import { type Diagnostic, error } from '../lang/diagnostic.ts';
import type { Located } from '../lang/yaml.ts';
import type { Span } from '../model/span.ts';
import { isMapping } from './fields.ts';
import type { Play } from './play.ts';

/** Reads one file that a play names; `path` is as the user wrote it, relative to the playbook at `from.file`. */
export type LoadVars = (
  path: string,
  from: Span,
) => { readonly document: Located | null; readonly diagnostics: readonly Diagnostic[] };

/** The plays with the variables of their `vars_files` in `vars`, where the files win, as in Ansible. */
export function withVarsFiles(
  plays: readonly Play[],
  load: LoadVars,
): { readonly plays: readonly Play[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const loaded = plays.map((play) => {
    let vars = play.vars;
    for (const { path, span } of play.varsFiles) {
      const { document, diagnostics: found } = load(path, span);
      diagnostics.push(...found);
      if (isMapping(document?.value)) vars = { ...vars, ...document.value };
      else if (document !== null && document.value !== null && document.value !== undefined) {
        const fix = 'write `name: value` lines';
        diagnostics.push(error('vars-file-form', 'a file of variables is a mapping', { span: document.span([]), fix }));
      }
    }
    return { ...play, vars };
  });
  return { plays: loaded, diagnostics };
}
