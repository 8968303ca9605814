import { randomBytes } from 'node:crypto';
import type { LoadedInventory } from '../../inventory/load-inventory.ts';
import { drawAll, insertKeys, keyEdits } from '../../inventory/tunnels/new-keys.ts';
import { type KeyPlan, planKeys } from '../../inventory/tunnels/plan-keys.ts';
import { type Diagnostic, error, hasErrors, warning } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import { Secret } from '../../model/secret.ts';
import type { LazyVault } from '../../secrets/vault/lazy-vault.ts';
import { SealFault } from '../../secrets/vault/vault.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { keyAges } from '../keys/ages.ts';
import { newKeyFaults } from '../keys/faults.ts';
import { keygenDocument, keygenTable } from '../keys/keygen-report.ts';
import { sealAgain } from '../keys/seal-again.ts';
import { readToEdit } from '../keys/tunnels-file.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { KeygenOptions } from '../options/options.ts';
import type { ExtraVars } from '../project/extra-vars.ts';
import { showDiagnostics } from '../project/load.ts';
import { presentable } from '../project/shown-diagnostics.ts';
import { vaultAccess } from '../project/vault.ts';

/** Draws the keys that tunnels.yml lacks and writes them into it, encrypted. Nothing of a key is ever shown. */
export async function keygen(names: readonly string[], options: KeygenOptions, terminal: Terminal): Promise<number> {
  if (options.limit !== undefined) {
    throw new UsageFault('--limit chooses hosts, and keygen works on tunnels', 'ipsec-play keygen NAME');
  }
  if (options.force === true && names.length === 0) {
    const fix = "ipsec-play keygen NAME --force; '*' stands for all of them";
    throw new UsageFault('--force overwrites keys, and wants to know of which tunnels', fix);
  }
  const access = vaultAccess(options, terminal, { fresh: options.dryRun !== true });
  const { loaded, extra, texts } = await readToEdit(options, access);
  const { vault, faults } = access;
  const document = loaded.inventory.tunnelsDocument;
  const file = document?.source.file ?? null;
  const finish = (found: readonly Diagnostic[], plan: KeyPlan | null): number => {
    const diagnostics = presentable([...faults(), ...found], loaded.sources, vault.opened);
    const code = hasErrors(diagnostics) ? EXIT.input : EXIT.done;
    const outcome = { file, plan: code === EXIT.done ? plan : null, exitCode: code, dryRun: options.dryRun === true };
    if (options.output !== 'human') terminal.stdout(keygenDocument(outcome, diagnostics, options.output));
    else {
      showDiagnostics(diagnostics, loaded.sources, options, terminal);
      terminal.stdout(keygenTable(outcome, names.length > 0));
    }
    return code;
  };

  if (document === null) {
    const missing = error('keygen-no-tunnels', `there is no tunnels.yml in ${options.inventory}`, {
      fix: 'tunnels.yml, with tunnels in it; or -i with the folder that has one',
    });
    return finish(hasErrors(loaded.diagnostics) ? loaded.diagnostics : [missing], null);
  }
  const here = loaded.diagnostics.filter(({ span }) => span?.file === file);
  const wrong = [...extra.diagnostics, ...here].filter(({ severity }) => severity === 'error');
  if (wrong.length > 0) return finish(wrong, null);
  const plan = planKeys(document, names, options.force === true);
  if (plan.unknown.length > 0) throw unknownNames(plan.unknown);
  if (plan.diagnostics.length > 0 || plan.draws.length === 0) return finish(plan.diagnostics, plan);
  const context: Writing = {
    plan,
    document,
    inventory: loaded.inventory,
    extraVars: extra.vars,
    vault,
    options,
    cwd: terminal.cwd,
  };
  return finish(await write(context, texts.get(document.source.file) ?? ''), plan);
}

function unknownNames(unknown: KeyPlan['unknown']): UsageFault {
  const names = unknown.map(({ name }) => JSON.stringify(name)).join(', ');
  const nearest = unknown.flatMap((each) => (each.nearest === undefined ? [] : [JSON.stringify(each.nearest)]));
  const fix = nearest.length === 0 ? 'names of tunnels.yml, or globs' : `did you mean ${nearest.join(', ')}?`;
  return new UsageFault(`there is no tunnel, mesh or hub ${names}`, fix);
}

interface Writing {
  readonly plan: KeyPlan;
  readonly document: Located;
  readonly inventory: LoadedInventory['inventory'];
  readonly extraVars: ExtraVars['vars'];
  readonly vault: LazyVault;
  readonly options: KeygenOptions;
  readonly cwd: string;
}

/** Draws, encrypts, inserts, proves and writes; what went wrong. Of an error nothing is written, of a warning all is. */
async function write(context: Writing, before: string): Promise<readonly Diagnostic[]> {
  const { plan, document, inventory, extraVars, vault, options } = context;
  const { file, sealed } = document.source;
  const drawn = drawAll(plan, randomBytes);
  const own = new Map<string, Secret>();
  const seal = async (secret: Secret): Promise<string> => {
    const ciphertext = options.dryRun === true ? stand(own.size) : await vault.seal(secret, options.encryptVaultId);
    own.set(ciphertext.trimEnd(), secret);
    return ciphertext;
  };
  try {
    const edited = insertKeys(document, await keyEdits(drawn, sealed === true ? null : seal));
    if (typeof edited !== 'string') return [edited];
    await vault.load();
    const isOwn = (text: string) => own.has(text.trimEnd());
    const unsound = await newKeyFaults(inventory, document, edited, extraVars, {
      open: (text) => own.get(text.trimEnd()) ?? vault.open(text),
      openAll: (texts) => vault.openAll(texts.filter((text) => !isOwn(text))),
    });
    if (unsound.length > 0) return unsound;
    if (options.dryRun === true) return [];
    const after = sealed === true ? await sealAgain(edited, before, vault, options) : edited;
    const fault = replaceFile(file, after, { before });
    if (fault !== null)
      return [error('keygen-not-written', `${file} was not written: ${fault.why}`, { fix: fault.fix })];
    const at = new Date().toISOString();
    const names = new Set([...drawn].flatMap(([{ origin }, value]) => (value instanceof Secret ? [origin.name] : [])));
    if (!keyAges(context).note([...names].map((name) => ({ file, name, at, run: null })))) {
      return [
        warning(
          'keygen-ages',
          '.ipsec-play/keys.json cannot be written, so rotate --older-than will not know these keys',
          { fix: 'a working directory that you may write to' },
        ),
      ];
    }
    return [];
  } catch (fault) {
    if (!(fault instanceof SealFault)) throw fault;
    const code = options.encryptVaultId === undefined ? 'vault-no-password' : 'vault-unknown-id';
    return [error(code, `the keys cannot be encrypted: ${fault.message}`, { fix: fault.fix })];
  }
}

/** In place of an encrypted key in a dry run, each another one. */
function stand(number: number): string {
  return `$ANSIBLE_VAULT;1.1;AES256\n${number.toString(16).padStart(80, '0')}`;
}
