import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { nearestName } from '../../lang/did-you-mean.ts';
import type { Located } from '../../lang/yaml.ts';
import { globRegex } from '../glob.ts';
import { type KeyedEntry, type KeyPlace, keyPlaces } from './key-places.ts';
import { linkedEntries } from './linked-entries.ts';
import { expand } from './members.ts';
import { isMapping, nameSpan, type Origin, titleOf } from './origin.ts';
import type { Draw, Kept, KeyPlan } from './plan-keys.ts';
import { withSourceTexts } from './source-text.ts';

/** Which keys are to be replaced. */
export interface RotationPlan extends KeyPlan {
  /** The entries that get new keys, with the tunnels that they stand for. */
  readonly rotated: readonly RotatedEntry[];
}

export interface RotatedEntry {
  readonly name: string;
  readonly title: string;
  readonly tunnels: readonly string[];
  /** The managed hosts at their ends. */
  readonly hosts: readonly string[];
}

/**
 * The keys of the entries that `patterns` choose, or of all, as far as `isDue` says so: every key of each, and no SPI. What
 * a name chooses and cannot be rotated is a diagnostic; a glob, or an age, passes over it.
 */
export function planRotation(
  document: Located,
  patterns: readonly string[],
  isDue: (entry: string) => boolean,
): RotationPlan {
  const { entries, spis } = keyPlaces(document);
  const texts = withSourceTexts(document);
  const names = entries.map(({ origin }) => origin.name);
  const matchers = patterns.map((pattern) => (/[*?[]/.test(pattern) ? globRegex(pattern) : null));
  const isChosen = ({ origin: { name } }: KeyedEntry) =>
    patterns.length === 0 || patterns.includes(name) || matchers.some((each) => each?.test(name));
  const unknown = patterns
    .filter((pattern, index) => !names.some((name) => name === pattern || matchers[index]?.test(name)))
    .map((name) => ({ name, nearest: nearestName(name, names) }));
  const diagnostics: Diagnostic[] = [];
  const kept: Kept[] = [];
  const drawn = new Map<Origin, readonly KeyPlace[]>();
  for (const entry of entries.filter(isChosen)) {
    const { origin, places } = entry;
    if (!isDue(origin.name)) {
      kept.push({ origin, why: 'its key is younger' });
      continue;
    }
    const obstacle = obstacleOf(entry, document, texts);
    if (obstacle === null) {
      drawn.set(
        origin,
        places.filter(({ key }) => key.kind !== 'spi'),
      );
    } else if (patterns.includes(origin.name)) diagnostics.push(obstacle);
    else kept.push({ origin, why: obstacle.message });
  }
  const shares = sharesOf(entries, drawn, texts, (found) => diagnostics.push(found), document);
  const draws = [...drawn].flatMap(([origin, places]) =>
    places.map((place): Draw => {
      const own = place.pointer.join('\n');
      return { origin, place, share: place.key.kind === 'psk' ? (shares.get(origin) ?? own) : own };
    }),
  );
  const rotated = [...drawn.keys()].map((origin) => rotatedEntry(origin, texts));
  return { draws, kept, unknown, diagnostics, spis, rotated };
}

function rotatedEntry(origin: Origin, document: Located): RotatedEntry {
  const { members, pairs } = expand(origin, document, () => {});
  return {
    name: origin.name,
    title: titleOf(origin),
    tunnels: pairs.map(({ name }) => name),
    hosts: members.map(({ host }) => host),
  };
}

/** Why an entry cannot get a new key here. */
function obstacleOf(
  { origin, places, without, diagnostics }: KeyedEntry,
  document: Located,
  texts: Located,
): Diagnostic | null {
  const title = titleOf(origin);
  if (without === 'x509') {
    return error('rotate-certificates', `${title} is keyed by certificates`, {
      span: nameSpan(document, origin),
      fix: 'new certificates on both hosts, and then apply',
    });
  }
  if (without === 'absent') {
    return error('rotate-absent', `${title} is to be absent, and has no use for a key`, {
      span: nameSpan(document, origin),
      fix: 'leave it out',
    });
  }
  const [fault] = diagnostics;
  if (fault !== undefined) return fault;
  const at = (place: KeyPlace) => document.span(place.pointer);
  const elsewhere = places.find((place) => place.holds === 'elsewhere' || isTemplate(valueAt(texts, place)));
  if (elsewhere) {
    return error('rotate-elsewhere', `the key of ${title} is not in this file, but where this says`, {
      span: at(elsewhere),
      fix: 'the new key there, and then apply; or ipsec-play keygen, after psk: and nothing behind it here',
    });
  }
  const derived = places.find(({ key }) => key.kind === 'master');
  if (derived) {
    return error('rotate-derived', `the keys of ${title} are derived from one master, for all of its tunnels`, {
      span: at(derived),
      fix: `ipsec-play keygen ${origin.name} --force, and then apply: all of its tunnels get new keys`,
    });
  }
  const missing = places.find(({ holds }) => holds === 'nothing');
  if (missing || places.length === 0) {
    return error('rotate-missing', `${title} has no key yet`, {
      span: missing ? at(missing) : nameSpan(document, origin),
      fix: `ipsec-play keygen ${origin.name}, and then apply`,
    });
  }
  const common = places.find(({ pointer }) => pointer[0] === 'defaults');
  if (common) {
    return error('rotate-defaults', `the key of ${title} stands in the defaults, for all tunnels at once`, {
      span: at(common),
      fix: `keying: { psk: } in ${title} itself, then ipsec-play keygen ${origin.name} and apply`,
    });
  }
  const foreign = expand(origin, texts, () => {}).members.find(({ written }) => `${written.managed}` === 'false');
  if (foreign) {
    return error('rotate-external', `the other end of ${title}, ${foreign.host}, is managed by somebody else`, {
      span: document.keySpan(foreign.pointer),
      fix: 'agree on a new key with them, write it here, and apply when they do',
    });
  }
  return null;
}

function valueAt(document: Located, { pointer }: KeyPlace): unknown {
  return pointer.reduce<unknown>((value, step) => (isMapping(value) ? value[step] : undefined), document.value);
}

/** `{{ … }}`: it comes from variables. */
function isTemplate(value: unknown): boolean {
  return typeof value === 'string' && /\{\{.*\}\}/s.test(value);
}

/** Entries between the same hosts have one psk, so they get their new one together. */
function sharesOf(
  entries: readonly KeyedEntry[],
  drawn: ReadonlyMap<Origin, readonly KeyPlace[]>,
  texts: Located,
  report: (diagnostic: Diagnostic) => void,
  document: Located,
): ReadonlyMap<Origin, string> {
  const keyed = entries.filter(({ places }) => places.some(isPsk)).map(({ origin }) => origin);
  const linked = linkedEntries(keyed, texts);
  const shares = new Map<Origin, string>();
  for (const [origin, places] of drawn) {
    if (!places.some(isPsk) || shares.has(origin)) continue;
    const group = new Set([origin]);
    for (const each of group) for (const other of linked(each)) group.add(other);
    const odd = [...group].find((other) => !drawn.has(other));
    if (odd !== undefined) report(mustRotate(origin, odd, document));
    for (const each of group) shares.set(each, origin.pointer.join('\n'));
  }
  return shares;
}

function isPsk({ key }: KeyPlace): boolean {
  return key.kind === 'psk' || key.kind === 'master';
}

function mustRotate(origin: Origin, other: Origin, document: Located): Diagnostic {
  const message = `${titleOf(origin)} and ${titleOf(other)} lead between the same hosts, and psk.txt has one key for both`;
  return error('rotate-peer', message, {
    span: document.keySpan(origin.pointer),
    fix: `ipsec-play rotate ${origin.name} ${other.name}`,
    related: [{ message: titleOf(other), span: document.keySpan(other.pointer) }],
  });
}
