import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { drawAll, insertKeys } from '../../inventory/tunnels/new-keys.ts';
import type { RotatedEntry, RotationPlan } from '../../inventory/tunnels/plan-rotation.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import type { YamlEdit } from '../../lang/edit-yaml.ts';
import { Vaulted } from '../../lang/vaulted.ts';
import type { Located, Pointer } from '../../lang/yaml.ts';
import { reveal, Secret } from '../../model/secret.ts';
import type { LazyVault } from '../../secrets/vault/lazy-vault.ts';
import { sealAgain } from '../keys/seal-again.ts';
import type { TunnelsFile } from '../keys/tunnels-file.ts';
import type { Overlay } from '../project/load.ts';
import type { JournalKey } from './journal.ts';

/**
 * Draws the new keys, each in the form of the old one: encrypted by the password that opened that, or plain. Of a file
 * that is encrypted as a whole all are encrypted, until they are in it.
 */
export async function drawRotation(plan: RotationPlan, { document, text, vault }: TunnelsFile): Promise<JournalKey[]> {
  const drawn = drawAll(plan, randomBytes);
  const sealed = document.source.sealed === true;
  const keys: JournalKey[] = [];
  for (const [{ origin, place }, value] of drawn) {
    if (!(value instanceof Secret)) continue;
    const { pointer } = place;
    const old = valueAt(document, pointer);
    const entry = { entry: origin.name, pointer };
    if (old instanceof Vaulted) {
      const { ciphertext } = old;
      keys.push({ ...entry, kind: 'vault', value: await sealAs(value, ciphertext, vault), old: ciphertext });
      continue;
    }
    const written = async (key: Secret) => (sealed ? await sealAs(key, text, vault) : JSON.stringify(reveal(key)));
    const stood = new Secret(writtenAt(document, pointer));
    keys.push({ ...entry, kind: 'scalar', value: await written(value), old: await written(stood) });
  }
  return keys;
}

/** The way back of keys that were written: what stood there before, where they still stand. */
export function turned(keys: readonly JournalKey[]): readonly JournalKey[] {
  return keys.map((key) => ({ ...key, value: key.old, old: key.value }));
}

/** Opens what opened before, so that it is known whose password that was. */
async function sealAs(key: Secret, like: string, vault: LazyVault): Promise<string> {
  await vault.openAll([like]);
  const keyed = await vault.load();
  keyed.open(like);
  const identity = keyed.identityOf(like);
  return identity === null ? vault.seal(key) : keyed.sealAs(key, identity);
}

/** The text of tunnels.yml with these keys, as it is to lie on the disk; or why it cannot have them. */
export async function withKeys(
  { document, text, vault }: TunnelsFile,
  keys: readonly JournalKey[],
): Promise<{ readonly edited: string; readonly after: string } | Diagnostic> {
  const sealed = document.source.sealed === true;
  const edits: YamlEdit[] = [];
  for (const { pointer, kind, value } of keys) {
    if (kind === 'vault') edits.push({ pointer, value: { kind, ciphertext: value } });
    else edits.push({ pointer, value: { kind, yaml: JSON.stringify(await plain(value, vault)) } });
  }
  const edited = insertKeys(document, edits);
  if (typeof edited !== 'string') return edited;
  return { edited, after: sealed ? await sealAgain(edited, text, vault, {}) : edited };
}

/** Whether a place still has its old key, has the new one already, or something else. */
export async function standing(
  { document, vault }: TunnelsFile,
  { pointer, kind, value, old }: JournalKey,
): Promise<'old' | 'new' | 'other'> {
  const found = valueAt(document, pointer);
  const is = (text: string, fresh: string, gone: string) => (text === fresh ? 'new' : text === gone ? 'old' : 'other');
  if (kind === 'vault') {
    return found instanceof Vaulted ? is(found.ciphertext.trimEnd(), value.trimEnd(), old.trimEnd()) : 'other';
  }
  if (typeof found === 'object' || found === undefined) return 'other';
  return is(writtenAt(document, pointer), await plain(value, vault), await plain(old, vault));
}

/** The files that make a run of it: tunnels.yml with the new keys, and a playbook that brings them to the hosts. */
export function overlayOf(
  { document }: TunnelsFile,
  after: string,
  entries: readonly RotatedEntry[],
  secrets: readonly Secret[],
): { readonly playbook: string; readonly overlay: Overlay } {
  const tunnels = entries.flatMap((entry) => entry.tunnels);
  const hosts = [...new Set(entries.flatMap((entry) => entry.hosts))];
  const { file } = document.source;
  // Beside the inventory: a playbook's folder has variables of its own.
  const playbook = join(dirname(file), 'rotate.yml');
  const play = {
    name: 'Rotate keys',
    hosts,
    tasks: [{ name: 'New keys', ipsec_tunnels: { tunnels, activation: 'tunnel' } }],
  };
  const texts = new Map([
    [file, after],
    [playbook, `${JSON.stringify([play], null, 1)}\n`],
  ]);
  return { playbook, overlay: { texts, renewed: new Set(tunnels), secrets } };
}

/** The keys that go. */
export function oldSecrets({ document }: TunnelsFile, keys: readonly JournalKey[]): readonly Secret[] {
  return keys.flatMap(({ pointer }) => {
    const found = valueAt(document, pointer);
    const open = found instanceof Vaulted ? found.open() : (document.sourceText(pointer) ?? found);
    if (open instanceof Secret) return [open];
    return typeof open === 'string' && open !== '' ? [new Secret(open)] : [];
  });
}

/** A scalar of a journal: one line of YAML, or, of a file that was encrypted as a whole, a text of Ansible Vault. */
async function plain(scalar: string, vault: LazyVault): Promise<string> {
  if (scalar.startsWith('"')) return JSON.parse(scalar);
  await vault.openAll([scalar]);
  const opened = vault.open(scalar);
  if (opened instanceof Secret) return reveal(opened);
  throw new Error(`a key of a journal does not open: ${opened.code}`);
}

function writtenAt(document: Located, pointer: Pointer): string {
  return document.sourceText(pointer) ?? String(valueAt(document, pointer));
}

function valueAt(document: Located, pointer: Pointer): unknown {
  return pointer.reduce<unknown>((value, step) => (value as Readonly<Record<string, unknown>>)?.[step], document.value);
}
