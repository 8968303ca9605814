import type { Diagnostic } from '../lang/diagnostic.ts';
import { error } from '../lang/diagnostic.ts';
import { type Located, type Pointer, Vaulted } from '../lang/yaml.ts';
import { Secret } from '../model/secret.ts';

/** Where a secret is to be taken from, as the user wrote it. */
export type SecretSpec = { readonly pointer: Pointer } & (
  | { readonly kind: 'text'; readonly text: Secret }
  | { readonly kind: 'vault'; readonly value: Vaulted }
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  | { readonly kind: 'derive'; readonly master: SecretSpec }
);

/**
 * Reads a secret of a YAML file: a string, a `!vault` value, `{ env }`, `{ file }`, `{ command }` or, where `derive` says so, `{ derive }`.
 * Null when there is none to be had, which is then reported; a value of a wrong type is the schema's to report.
 */
export function readSecret(
  document: Located,
  value: unknown,
  pointer: Pointer,
  options: { readonly derive: boolean; readonly report: (diagnostic: Diagnostic) => void },
): SecretSpec | null {
  const place = () => document.span(pointer);
  if (typeof value === 'string') {
    // Both ends would be keyed with the braces themselves, which is in every playbook that is copied.
    if (/\{\{.*\}\}/s.test(value)) {
      const fix = '{ env: NAME } or { file: PATH }, which also bring a key that has such braces';
      options.report(error('secret-template', 'templates are not filled in here', { span: place(), fix }));
      return null;
    }
    return { pointer, kind: 'text', text: new Secret(value) };
  }
  if (value instanceof Vaulted) return { pointer, kind: 'vault', value };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const source = value as Readonly<Record<string, unknown>>;
  const kinds = KINDS.filter((kind) => Object.hasOwn(source, kind));
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const found = kinds.length > 1 ? kinds.join(' and ') : 'none of them';
    options.report(
      error('secret-source', `a secret has exactly one source of ${KINDS.join(', ')}; this has ${found}`, {
        span: place(),
        fix: '{ env: NAME }, { file: PATH } or { command: [program, argument] }',
      }),
    );
    return null;
  }
  return readSource(document, kind, source[kind], [...pointer, kind], options);
}

/** What is encrypted of a secret: itself, or its master. */
export function vaultOf(spec: SecretSpec): Vaulted | undefined {
  if (spec.kind === 'vault') return spec.value;
  return spec.kind === 'derive' ? vaultOf(spec.master) : undefined;
}

const KINDS = ['env', 'file', 'command', 'derive'] as const;

function readSource(
  document: Located,
  kind: (typeof KINDS)[number],
  value: unknown,
  pointer: Pointer,
  options: { readonly derive: boolean; readonly report: (diagnostic: Diagnostic) => void },
): SecretSpec | null {
  const refuse = (message: string, fix: string) => {
    options.report(error('secret-source', message, { span: document.span(pointer), fix }));
    return null;
  };
  if (kind === 'derive') {
    if (!options.derive) return refuse('only a psk can be derived', 'the key, or where it comes from');
    const master = readSecret(document, value, pointer, { ...options, derive: false });
    return master && { pointer, kind, master };
  }
  if (kind === 'command') {
    if (!Array.isArray(value)) return null;
    const argv = value.filter((word): word is string => typeof word === 'string');
    if (argv.length < value.length) return null;
    if (!argv[0]) return refuse('the command is empty', 'command: [program, argument]');
    return { pointer, kind, argv };
  }
  if (typeof value !== 'string') return null;
  if (value === '') return refuse(`${kind} names nothing`, kind === 'env' ? 'env: NAME' : 'file: PATH');
  return kind === 'env' ? { pointer, kind, name: value } : { pointer, kind, path: value };
}
