import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { type Located, type Pointer, Vaulted } from '../../lang/yaml.ts';

/** `!vault` values in places that hold no secret: what stands there goes into messages and files that anybody may read. */
export function misplacedVaults(document: Located): readonly Diagnostic[] {
  return places(document.value, [])
    .filter((pointer) => !holdsSecret(pointer))
    .map((pointer) =>
      error('vault-misplaced', 'only a key can be encrypted by itself', {
        span: document.span(pointer),
        fix: 'the value in the clear; or all of the file encrypted, with ipsec-play vault encrypt',
      }),
    );
}

function places(value: unknown, pointer: Pointer): readonly Pointer[] {
  if (value instanceof Vaulted) return [pointer];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => places(inner, [...pointer, key]));
}

function holdsSecret(pointer: Pointer): boolean {
  return pointer.includes('keying') && ['psk', 'derive', 'key', 'authentication_key'].includes(String(pointer.at(-1)));
}
