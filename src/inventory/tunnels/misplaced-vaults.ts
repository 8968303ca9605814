import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { type Located, type Pointer, Vaulted } from '../../lang/yaml.ts';

/** `!vault` values in places that hold no secret: what stands there goes into messages and files that anybody may read. */
export function misplacedVaults(document: Located): readonly Diagnostic[] {
  return places(document.value)
    .filter((pointer) => !holdsSecret(pointer))
    .map((pointer) =>
      error('vault-misplaced', 'only a key can be encrypted by itself', {
        span: document.span(pointer),
        fix: 'the value in the clear; or all of the file encrypted, with ipsec-play vault encrypt',
      }),
    );
}

function places(document: unknown): readonly Pointer[] {
  const found: Pointer[] = [];
  const at: (string | number)[] = [];
  const search = (value: unknown, key: string | number) => {
    at.push(key);
    look(value);
    at.pop();
  };
  const look = (value: unknown) => {
    if (value instanceof Vaulted) found.push([...at]);
    else if (Array.isArray(value)) value.forEach(search);
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) if (typeof inner === 'object') search(inner, key);
  };
  look(document);
  return found;
}

function holdsSecret(pointer: Pointer): boolean {
  return pointer.includes('keying') && ['psk', 'derive', 'key', 'authentication_key'].includes(String(pointer.at(-1)));
}
