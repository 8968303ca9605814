import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import type { Span } from '../../model/span.ts';

export type Mapping = Readonly<Record<string, unknown>>;
export type Report = (diagnostic: Diagnostic) => void;

/** One entry of `tunnels`, `meshes` or `hubs`: what one tunnel or many are made from. */
export interface Origin {
  readonly kind: 'tunnels' | 'meshes' | 'hubs';
  readonly name: string;
  readonly pointer: Pointer;
  readonly fields: Mapping;
  /** The file's `defaults`. */
  readonly defaults: Mapping;
}

/** A value and where it was written: in the entry itself, or in the defaults. */
export interface Field {
  readonly value: unknown;
  readonly pointer: Pointer;
}

/** The entries of a document, those of a wrong type left out. */
export function readOrigins(document: Located): readonly Origin[] {
  const root = mappingOf(document.value);
  const defaults = mappingOf(root.defaults);
  return (['tunnels', 'meshes', 'hubs'] as const).flatMap((kind) =>
    Object.entries(mappingOf(root[kind])).flatMap(([name, fields]) =>
      isMapping(fields) ? [{ kind, name, pointer: [kind, name], fields, defaults }] : [],
    ),
  );
}

/** A field of the entry, or else of the defaults. */
export function fieldOf(origin: Origin, name: string): Field | undefined {
  if (Object.hasOwn(origin.fields, name)) return { value: origin.fields[name], pointer: [...origin.pointer, name] };
  if (Object.hasOwn(origin.defaults, name)) return { value: origin.defaults[name], pointer: ['defaults', name] };
  return undefined;
}

/** A field of `ike`, `esp` or `ah`: an entry that sets one of them keeps the default of the others. */
export function innerFieldOf(origin: Origin, group: 'ike' | 'esp' | 'ah', name: string): Field | undefined {
  const own = origin.fields[group];
  if (own === false) return undefined;
  if (isMapping(own) && Object.hasOwn(own, name)) {
    return { value: own[name], pointer: [...origin.pointer, group, name] };
  }
  const common = mappingOf(origin.defaults[group]);
  return Object.hasOwn(common, name) ? { value: common[name], pointer: ['defaults', group, name] } : undefined;
}

/** The place of the entry's name. */
export function nameSpan(document: Located, origin: Origin): Span {
  return document.keySpan(origin.pointer);
}

/** What messages call the entry: `tunnel lana-lanb`. */
export function titleOf({ kind, name }: Origin): string {
  return `${{ tunnels: 'tunnel', meshes: 'mesh', hubs: 'hub' }[kind]} ${name}`;
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function mappingOf(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}
