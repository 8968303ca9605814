import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { type EditFault, editYaml, type NewValue, type YamlEdit } from '../../lang/edit-yaml.ts';
import type { Located } from '../../lang/yaml.ts';
import { reveal, Secret } from '../../model/secret.ts';
import { drawManualKey, drawPsk, drawSpi, type RandomSource } from '../../secrets/draw-keys.ts';
import type { Draw, KeyPlan } from './plan-keys.ts';

/** Draws what a plan says: a secret for each key, a number for each SPI. */
export function drawAll({ draws, spis }: KeyPlan, random: RandomSource): ReadonlyMap<Draw, Secret | number> {
  const taken = new Set(spis);
  const shared = new Map<string, Secret>();
  return new Map(
    draws.map((draw): [Draw, Secret | number] => {
      const { key } = draw.place;
      if (key.kind === 'spi') return [draw, drawSpi(random, taken)];
      const secret =
        shared.get(draw.share) ??
        (key.kind === 'manual' ? drawManualKey(random, key.use, key.algorithm) : drawPsk(random));
      shared.set(draw.share, secret);
      return [draw, secret];
    }),
  );
}

/** What is to be written: every secret vaulted by `seal`, or as it is where the whole file is (`seal` null then). */
export async function keyEdits(
  drawn: ReadonlyMap<Draw, Secret | number>,
  seal: ((secret: Secret) => Promise<string>) | null,
): Promise<readonly YamlEdit[]> {
  const written = async (value: Secret | number): Promise<NewValue> => {
    if (!(value instanceof Secret)) return { kind: 'scalar', yaml: `0x${value.toString(16)}` };
    if (seal === null) return { kind: 'scalar', yaml: JSON.stringify(reveal(value)) };
    return { kind: 'vault', ciphertext: await seal(value) };
  };
  return Promise.all(
    [...drawn].map(async ([{ place }, value]) => ({ pointer: place.pointer, value: await written(value) })),
  );
}

/** The text of tunnels.yml with the keys in it, or why a place cannot be written to. */
export function insertKeys(document: Located, edits: readonly YamlEdit[]): string | Diagnostic {
  const edited = editYaml(document.source.text, edits);
  if (typeof edited === 'string') return edited;
  const { why, fix } = REFUSALS[edited.why];
  const place = edited.pointer.join(' > ');
  return error('keygen-place', `${why}: ${place}`, { span: document.span(edited.pointer), fix });
}

const REFUSALS: Readonly<Record<EditFault['why'], { readonly why: string; readonly fix: string }>> = {
  alias: {
    why: 'an alias stands in this place, and what it repeats is written elsewhere',
    fix: 'a mapping of its own in place of *name',
  },
  merge: { why: 'this comes from a merge key', fix: 'the keying of its own, below this entry' },
  anchor: {
    why: 'aliases elsewhere repeat this, and would get the new key too',
    fix: 'a value of its own in each of those places',
  },
  'not-a-value': {
    why: 'no key can be written in this place',
    fix: 'keying: with psk: below it, on lines of their own',
  },
  syntax: { why: 'this file is no proper YAML', fix: 'correct what ipsec-play validate says' },
  unproven: {
    why: 'a key cannot be written here without touching something else',
    fix: 'an empty value in this place, on a line of its own',
  },
};
