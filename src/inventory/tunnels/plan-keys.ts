import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { nearestName } from '../../lang/did-you-mean.ts';
import type { Located } from '../../lang/yaml.ts';
import { globRegex } from '../glob.ts';
import { type KeyedEntry, type KeyPlace, keyPlaces } from './key-places.ts';
import { linkedEntries } from './linked-entries.ts';
import { type Origin, titleOf } from './origin.ts';
import { withSourceTexts } from './source-text.ts';

/** A place that is to get a new key or SPI. Draws with the same `share` get the same key. */
export interface Draw {
  readonly origin: Origin;
  readonly place: KeyPlace;
  readonly share: string;
}

/** An entry that nothing is drawn for, and why. */
export interface Kept {
  readonly origin: Origin;
  readonly why: string;
}

export interface KeyPlan {
  readonly draws: readonly Draw[];
  readonly kept: readonly Kept[];
  /** Names that are no tunnel, mesh or hub, each with the name that may be meant. */
  readonly unknown: readonly { readonly name: string; readonly nearest: string | undefined }[];
  /** What must not be done. With any of them nothing is. */
  readonly diagnostics: readonly Diagnostic[];
  /** The SPIs that the file has. */
  readonly spis: ReadonlySet<number>;
}

/**
 * Which keys to draw: of the entries that `patterns` choose, or of all, those that are missing; with `force` also those
 * that are there. What a name chooses and may not be overwritten is a diagnostic; a glob passes over it.
 */
export function planKeys(document: Located, patterns: readonly string[], force: boolean): KeyPlan {
  const { entries, spis } = keyPlaces(document);
  const { chosen, named, unknown } = choose(entries, patterns);
  const diagnostics: Diagnostic[] = [];
  const kept: Kept[] = [];
  const drawn = new Map<Origin, readonly KeyPlace[]>();
  for (const entry of chosen) {
    const { origin } = entry;
    diagnostics.push(...entry.diagnostics);
    const outcome = decide(entry, { force, named: named.has(origin), document });
    if ('severity' in outcome) diagnostics.push(outcome);
    else if ('why' in outcome) kept.push(outcome);
    else drawn.set(origin, outcome.places);
  }
  const shares = new Map<Origin, string>();
  diagnostics.push(...checkLinks(entries, drawn, shares, document));
  const draws = [...drawn].flatMap(([origin, places]) =>
    places.map((place): Draw => {
      const own = place.pointer.join('\n');
      return { origin, place, share: isPsk(place) ? (shares.get(origin) ?? own) : own };
    }),
  );
  return { draws, kept, unknown, diagnostics, spis };
}

function choose(entries: readonly KeyedEntry[], patterns: readonly string[]) {
  if (patterns.length === 0) return { chosen: entries, named: new Set<Origin>(), unknown: [] };
  const names = entries.map(({ origin }) => origin.name);
  const matchers = patterns.map((pattern) => (/[*?[]/.test(pattern) ? globRegex(pattern) : null));
  const named = new Set(entries.filter(({ origin }) => patterns.includes(origin.name)).map(({ origin }) => origin));
  const chosen = entries.filter(({ origin }) => named.has(origin) || matchers.some((each) => each?.test(origin.name)));
  const unmatched = patterns.filter(
    (pattern, index) => !names.some((name) => name === pattern || matchers[index]?.test(name)),
  );
  return { chosen, named, unknown: unmatched.map((name) => ({ name, nearest: nearestName(name, names) })) };
}

interface Deciding {
  readonly force: boolean;
  /** By its own name, not by a glob and not as one of all. */
  readonly named: boolean;
  readonly document: Located;
}

function decide(
  entry: KeyedEntry,
  { force, named, document }: Deciding,
): Diagnostic | Kept | { places: readonly KeyPlace[] } {
  const { origin, places, without } = entry;
  if (without === 'x509') return { origin, why: 'keyed by certificates: there is nothing to draw' };
  if (without === 'absent') return { origin, why: 'state: absent needs no key' };
  const span = (place: KeyPlace) => document.span(place.pointer);
  const elsewhere = places.find(({ holds }) => holds === 'elsewhere');
  if (elsewhere && force) {
    const message = `the key of ${titleOf(origin)} lives elsewhere, in an environment variable, a file or a command`;
    const fix = 'a new key there; or psk: and nothing behind it here, for one in this file';
    return error('keygen-elsewhere', message, { span: span(elsewhere), fix });
  }
  const wanted = places.filter(({ holds, key }) => holds === 'nothing' || (force && key.kind !== 'spi'));
  const [first] = wanted;
  if (first?.pointer[0] === 'defaults') {
    return error(
      'keygen-defaults',
      `the keying of ${titleOf(origin)} stands in the defaults, for all tunnels at once`,
      {
        span: span(first),
        fix: `keying: { psk: } in ${titleOf(origin)} itself`,
      },
    );
  }
  if (first) return { places: wanted };
  const [present] = places;
  if (named && present) {
    return error('keygen-exists', `${titleOf(origin)} has its keys already`, {
      span: span(elsewhere ?? present),
      fix: elsewhere ? 'leave it out' : `ipsec-play keygen ${origin.name} --force, to draw new ones in their place`,
    });
  }
  return { origin, why: elsewhere ? 'the key lives elsewhere' : 'the keys are there' };
}

/** Gives entries that must share a key one share; a key that would differ from a linked entry's is refused. */
function checkLinks(
  entries: readonly KeyedEntry[],
  drawn: ReadonlyMap<Origin, readonly KeyPlace[]>,
  shares: Map<Origin, string>,
  document: Located,
): readonly Diagnostic[] {
  const keyed = entries.filter(({ places }) => places.some(isPsk));
  const kindOf = new Map(keyed.map(({ origin, places }) => [origin, places.find(isPsk)?.key.kind]));
  const linked = linkedEntries([...kindOf.keys()], withSourceTexts(document));
  const diagnostics: Diagnostic[] = [];
  const missing = new Set(keyed.filter(({ places }) => places.some(isMissing)).map(({ origin }) => origin));
  const wayOut = (origin: Origin) => (drawn.has(origin) ? 'one' : missing.has(origin) ? 'both' : 'force');
  for (const [origin, places] of drawn) {
    if (!places.some(isPsk)) continue;
    const others = linked(origin);
    const odd = others.find((other) => !drawn.has(other) || kindOf.get(other) !== kindOf.get(origin));
    if (odd) diagnostics.push(mustShare(origin, odd, wayOut(odd), document));
    else share(origin, others, shares);
  }
  return diagnostics;
}

/** Chains of linked entries have one key too: the first that was met gives all of them its share. */
function share(origin: Origin, others: readonly Origin[], shares: Map<Origin, string>): void {
  const group = [origin, ...others];
  const known = new Set(group.flatMap((each) => shares.get(each) ?? []));
  const [name = origin.pointer.join('\n')] = known;
  for (const each of [...shares.keys()]) if (known.has(shares.get(each) ?? '')) shares.set(each, name);
  for (const each of group) shares.set(each, name);
}

function mustShare(origin: Origin, other: Origin, way: 'one' | 'both' | 'force', document: Located): Diagnostic {
  const message = `${titleOf(origin)} and ${titleOf(other)} lead between the same hosts, and psk.txt has one key for both`;
  const command = `ipsec-play keygen ${origin.name} ${other.name}`;
  const fix = {
    one: 'the same psk: { derive: ... } in both',
    both: `${command}, to draw one key for both`,
    force: `${command} --force, to draw one key for both`,
  }[way];
  return error('keygen-peer', message, {
    span: document.keySpan(origin.pointer),
    fix,
    related: [{ message: titleOf(other), span: document.keySpan(other.pointer) }],
  });
}

function isMissing(place: KeyPlace): boolean {
  return isPsk(place) && place.holds === 'nothing';
}

function isPsk({ key }: KeyPlace): boolean {
  return key.kind === 'psk' || key.kind === 'master';
}
