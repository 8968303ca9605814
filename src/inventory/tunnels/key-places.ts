import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { type AlgorithmKind, MANUAL_DEFAULTS } from '../../model/algorithms.ts';
import { parseSpi } from '../../model/spi.ts';
import { isAbsent, keyingMethod } from './keying.ts';
import { fieldOf, isMapping, mappingOf, nameSpan, type Origin, type Report, readOrigins, titleOf } from './origin.ts';
import { readSettings, type Settings } from './settings.ts';
import { withSourceTexts } from './source-text.ts';

/** What kind of value belongs in a place. */
export type KeyKind =
  | { readonly kind: 'psk' }
  /** From which each pair of a mesh or hub has a psk of its own. */
  | { readonly kind: 'master' }
  | { readonly kind: 'spi' }
  | { readonly kind: 'manual'; readonly use: AlgorithmKind; readonly algorithm: string };

/** A place of tunnels.yml that holds a key or an SPI, or should hold one. */
export interface KeyPlace {
  readonly pointer: Pointer;
  readonly key: KeyKind;
  /** `elsewhere`: an environment variable, a file or a command holds it. */
  readonly holds: 'nothing' | 'value' | 'elsewhere';
}

/** A tunnel, mesh or hub, and the places of its keys. */
export interface KeyedEntry {
  readonly origin: Origin;
  readonly places: readonly KeyPlace[];
  /** Why it has no places: nothing is ever drawn for it. */
  readonly without: 'x509' | 'absent' | null;
  /** What keeps its places from being known. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Every entry of the file with the places of its keys, and the SPIs that are in use. */
export function keyPlaces(written: Located): {
  readonly entries: readonly KeyedEntry[];
  readonly spis: ReadonlySet<number>;
} {
  const document = withSourceTexts(written);
  const entries = readOrigins(document).map((origin) => readEntry(origin, document));
  return { entries, spis: new Set(spisIn(document.value)) };
}

function readEntry(origin: Origin, document: Located): KeyedEntry {
  const diagnostics: Diagnostic[] = [];
  const report: Report = (diagnostic) => diagnostics.push(diagnostic);
  const entry = (places: readonly KeyPlace[], without: KeyedEntry['without'] = null) => {
    return { origin, places, without, diagnostics: diagnostics.filter(({ severity }) => severity === 'error') };
  };
  if (isAbsent(origin)) return entry([], 'absent');
  const keying = fieldOf(origin, 'keying');
  // `keying:` and `keying: {}` are filled as if nothing stood there
  if (keying === undefined || isEmpty(keying.value)) {
    return entry([fresh(origin, keying?.pointer ?? [...origin.pointer, 'keying'])]);
  }
  const method = keyingMethod(origin, document, report);
  if (method === null || !isMapping(keying.value)) return entry([]);
  if (method === 'x509') return entry([], 'x509');
  const pointer = [...keying.pointer, method];
  if (method === 'psk') return entry(pskPlaces(keying.value.psk, pointer, origin));
  if (origin.kind !== 'tunnels' || keying.pointer[0] === 'defaults') {
    report(
      error('manual-shared', 'manual keys belong to one tunnel: no two tunnels may share keys and SPIs', {
        span: document.keySpan(pointer),
        fix: 'psk: { derive: ... } here, or manual keys in each tunnel of its own',
      }),
    );
    return entry([]);
  }
  // What else is wrong with it does no harm here, and validate says it.
  const settings = readSettings(origin, true, document, (found) => found.code === 'algorithm-unknown' && report(found));
  const places = manualPlaces(mappingOf(keying.value.manual), pointer, settings);
  if (places.length === 0) report(noSas(origin, document, pointer));
  return entry(places);
}

/** The pairs of a mesh or hub have a key each, from one master. */
function fresh({ kind }: Origin, keying: Pointer): KeyPlace {
  if (kind === 'tunnels') return { pointer: [...keying, 'psk'], key: { kind: 'psk' }, holds: 'nothing' };
  return { pointer: [...keying, 'psk', 'derive'], key: { kind: 'master' }, holds: 'nothing' };
}

function pskPlaces(psk: unknown, pointer: Pointer, origin: Origin): readonly KeyPlace[] {
  if (isEmpty(psk) && origin.kind !== 'tunnels') return [fresh(origin, pointer.slice(0, -1))];
  if (isMapping(psk) && Object.hasOwn(psk, 'derive')) {
    return [{ pointer: [...pointer, 'derive'], key: { kind: 'master' }, holds: holding(psk.derive) }];
  }
  return [{ pointer, key: { kind: 'psk' }, holds: holding(psk) }];
}

function manualPlaces(manual: Readonly<Record<string, unknown>>, pointer: Pointer, settings: Settings): KeyPlace[] {
  const sent = Object.entries(manual).map(([host, sas]) => ({ host, sas: mappingOf(sas) }));
  const esps = sent.filter(({ sas }) => Object.hasOwn(sas, 'esp'));
  // Where all of ESP is drawn and nothing else would authenticate it, it gets keys for that too.
  const fresh = esps.every(({ sas }) => isEmpty(mappingOf(sas.esp).key) && !Object.hasOwn(sas, 'ah'));
  const authenticated = fresh || (settings.esp && settings.esp.authentication !== undefined);
  const names = { ah: settings.ah || {}, esp: settings.esp || {} };
  return sent.flatMap(({ host, sas }) =>
    (['ah', 'esp'] as const).flatMap((protocol) => {
      const sa = sas[protocol];
      if (!Object.hasOwn(sas, protocol) || !(isMapping(sa) || isEmpty(sa))) return [];
      const values = mappingOf(sa);
      const place = (name: string, key: KeyKind): KeyPlace => {
        return { pointer: [...pointer, host, protocol, name], key, holds: holding(values[name]) };
      };
      const hash = (own = names[protocol].authentication ?? MANUAL_DEFAULTS.authentication): KeyKind => {
        return { kind: 'manual', use: 'authentication', algorithm: own };
      };
      const spi = place('spi', { kind: 'spi' });
      if (protocol === 'ah') return [spi, place('key', hash())];
      const algorithm = names.esp.encryption ?? MANUAL_DEFAULTS.encryption;
      const wanted = authenticated || Object.hasOwn(values, 'authentication_key');
      return [
        spi,
        place('key', { kind: 'manual', use: 'encryption', algorithm }),
        ...(wanted ? [place('authentication_key', hash())] : []),
      ];
    }),
  );
}

function noSas(origin: Origin, document: Located, pointer: Pointer): Diagnostic {
  const ends = Object.keys(mappingOf(origin.fields.ends));
  const [a = 'HOST-A', b = 'HOST-B'] = ends;
  return error('manual-sa-missing', `${titleOf(origin)} does not say which SAs its ends have`, {
    span: Object.hasOwn(origin.fields, 'keying') ? document.keySpan(pointer) : nameSpan(document, origin),
    fix: `manual: { ${a}: { esp: {} }, ${b}: { esp: {} } }, and keygen draws what belongs in there`,
  });
}

function holding(value: unknown): KeyPlace['holds'] {
  if (isEmpty(value)) return 'nothing';
  return isMapping(value) && ['env', 'file', 'command'].some((key) => Object.hasOwn(value, key))
    ? 'elsewhere'
    : 'value';
}

/** `key:`, `key: ''` and `key: {}`; a vaulted value is an object that has no keys, and is not empty. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return isMapping(value) && Object.getPrototypeOf(value) === Object.prototype && Object.keys(value).length === 0;
}

function spisIn(value: unknown): number[] {
  if (!isMapping(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    if (key !== 'spi' || typeof inner !== 'string') return spisIn(inner);
    const spi = parseSpi(inner);
    return typeof spi === 'number' ? [spi] : [];
  });
}
