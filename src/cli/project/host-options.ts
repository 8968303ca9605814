import type { Backend, HostOptions } from '../../compile/backends/backend.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { type Source, spanOf } from '../../lang/source.ts';
import type { Span } from '../../model/span.ts';
import type { Project } from './load.ts';

type Read = Pick<Project, 'inventory' | 'extraVars' | 'backendOptions' | 'sources'>;

/** What a host itself says of the backend's options. */
export function ownOptions(
  { inventory, extraVars }: Pick<Read, 'inventory' | 'extraVars'>,
  backend: Backend,
  host: string,
) {
  return renderedVars(inventory, host, extraVars)[backend.optionsKey] ?? undefined;
}

/** The backend's options of each host, and where they are written. */
export function hostOptionsOf(project: Read, backend: Backend): (host: string) => HostOptions {
  const { inventory, backendOptions, sources } = project;
  return (host) => {
    const own = ownOptions(project, backend, host);
    return {
      layers: [backendOptions, own],
      at: (path) => {
        const variable = inventory.origins.get(host)?.get(backend.optionsKey);
        if (variable !== undefined && holds(own, path))
          return { span: within(variable, path.at(-1) ?? '', sources), isOwn: true };
        const document = inventory.tunnelsDocument;
        if (document === null || backendOptions === null) return null;
        return { span: document.span([backend.optionsKey, ...path]), isOwn: false };
      },
    };
  };
}

function holds(value: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  return (
    typeof value === 'object' && value !== null && key in value && holds((value as Record<string, unknown>)[key], rest)
  );
}

/** The line of a variable's value in which that key stands. What is encrypted as a whole has only its first. */
function within(span: Span, key: string, sources: Read['sources']): Span {
  const source: Source | undefined = sources.get(span.file);
  if (source === undefined || source.sealed === true) return span;
  const lines = source.text.split('\n');
  for (let line = span.line; line <= Math.min(span.endLine, lines.length); line += 1) {
    const text = lines[line - 1] ?? '';
    const found = new RegExp(`(^[^#]*?)\\b${key}["']?\\s*:`).exec(text);
    if (found === null) continue;
    const start = (source.lines.lineStarts[line - 1] ?? 0) + (found[1]?.length ?? 0);
    return spanOf(source, start, start + key.length);
  }
  return span;
}
