import { type Diagnostic, warning } from '../../lang/diagnostic.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import type { Span } from '../../model/span.ts';
import type { Inventory } from '../inventory.ts';
import { isMapping, mappingOf } from '../tunnels/origin.ts';
import { withSourceTexts } from '../tunnels/source-text.ts';
import { describePlace, keygenFix } from './places.ts';

/** Keys, and passwords of connections, that stand in the clear in a file that `exposed` says is shared with others. */
export function plaintextSecrets(inventory: Inventory, exposed: (file: string) => boolean): readonly Diagnostic[] {
  const { tunnelsDocument } = inventory;
  const source = tunnelsDocument?.source;
  const readable = source !== undefined && source.sealed !== true && exposed(source.file);
  const own = tunnelsDocument && readable ? plaintextKeys(tunnelsDocument) : [];
  return [...own, ...plaintextPasswords(inventory, exposed)];
}

function plaintextKeys(written: Located): readonly Diagnostic[] {
  const document = withSourceTexts(written);
  const root = mappingOf(document.value);
  const keyings: Pointer[] = [
    ['defaults', 'keying'],
    ...['tunnels', 'meshes', 'hubs'].flatMap((kind) =>
      Object.keys(mappingOf(root[kind])).map((name) => [kind, name, 'keying']),
    ),
  ];
  const places = keyings.flatMap((pointer) => textsIn(at(root, pointer), pointer));
  return places.map((pointer) =>
    warning('secret-plaintext', `${describePlace(pointer)} stands in plain text in a git work tree`, {
      span: document.span(pointer),
      fix: `${keygenFix(pointer)}; ipsec-play vault encrypt-string keeps this one`,
    }),
  );
}

/** The places of the texts that are keys. What `env`, `file` and `command` hold is no key itself. */
function textsIn(value: unknown, pointer: Pointer): Pointer[] {
  if (typeof value === 'string') return value !== '' && KEYS.has(String(pointer.at(-1))) ? [pointer] : [];
  if (!isMapping(value) || Object.getPrototypeOf(value) !== Object.prototype) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsIn(inner, [...pointer, key]));
}

const KEYS = new Set(['psk', 'derive', 'key', 'authentication_key']);

function plaintextPasswords(inventory: Inventory, exposed: (file: string) => boolean): readonly Diagnostic[] {
  const found = new Map<string, { readonly name: string; readonly span: Span }>();
  for (const { name: host, vars } of inventory.hosts.values()) {
    for (const name of PASSWORDS) {
      const value = vars[name];
      const span = inventory.origins.get(host)?.get(name);
      if (span && isPlain(value) && exposed(span.file)) found.set(JSON.stringify([name, span]), { name, span });
    }
  }
  return [...found.values()].map(({ name, span }) =>
    warning('secret-plaintext', `${name} stands in plain text in a git work tree`, {
      span,
      fix: 'what ipsec-play vault encrypt-string makes of it; or leave it out, and use a key or -k and -K',
    }),
  );
}

const PASSWORDS = [
  'ansible_password',
  'ansible_ssh_pass',
  'ansible_ssh_password',
  'ansible_become_password',
  'ansible_become_pass',
];

/** A template brings the password from elsewhere. */
function isPlain(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '' && !value.includes('{{'));
}

function at(value: unknown, pointer: Pointer): unknown {
  return pointer.reduce<unknown>((inner, step) => mappingOf(inner)[step], value);
}
