import { exitCodeOf } from '../../engine/result.ts';
import { planRotation, type RotationPlan } from '../../inventory/tunnels/plan-rotation.ts';
import { type Diagnostic, error, hasErrors } from '../../lang/diagnostic.ts';
import { runDocument } from '../../report/json.ts';
import { SealFault } from '../../secrets/vault/vault.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { keyAges, parseAge } from '../keys/ages.ts';
import { newKeyFaults } from '../keys/faults.ts';
import { readTunnelsFile, type TunnelsFile } from '../keys/tunnels-file.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RotateOptions, RunOptions } from '../options/options.ts';
import { type Overlay, showDiagnostics } from '../project/load.ts';
import { presentable } from '../project/shown-diagnostics.ts';
import { showProof } from '../prove/show-verdicts.ts';
import {
  digestOf,
  type JournalKey,
  type RotationJournal,
  rotationJournals,
  rotationSchema,
  writeJournal,
} from '../rotate/journal.ts';
import { drawRotation, oldSecrets, overlayOf, withKeys } from '../rotate/rotated-text.ts';
import { keepOnly, settleRotation, settleRotations, writeBack } from '../rotate/settle.ts';
import { type OpenRun, openRun, type PassOutcome, printJson } from '../run/open.ts';
import { agrees, asksFirst, hasChanges } from './run-playbook.ts';

/**
 * Gives tunnels new keys: on both ends as one transaction, proven by traffic with SAs that were made with them, and only
 * then in tunnels.yml. Whatever was cut off before is brought to its end first.
 */
export async function rotate(names: readonly string[], given: RotateOptions, terminal: Terminal): Promise<number> {
  const { olderThan, dryRun, resume, ...rest } = given;
  const options: RunOptions = { ...rest, verify: true };
  const age = olderThan === undefined ? null : parseAge(olderThan);
  mustMakeSense(names, given);
  if (dryRun === true && rotationJournals(terminal).all().length > 0) {
    throw new UsageFault('a rotation was cut off and comes first', 'ipsec-play rotate --resume');
  }
  const settled = await settleRotations(options, terminal);
  if (resume === true || settled !== EXIT.done) return settled;

  const { tunnels, loaded, diagnostics } = await readTunnelsFile(options, terminal);
  const show = (found: readonly Diagnostic[]) => {
    const shown = presentable([...found], loaded.sources, tunnels?.vault.opened ?? []);
    showDiagnostics(shown, loaded.sources, options, terminal);
    return hasErrors(shown) ? EXIT.input : EXIT.done;
  };
  if (tunnels === null) return show(diagnostics);
  const plan = planRotation(tunnels.document, names, (name) => age === null || isOlder(name, age, tunnels, terminal));
  if (plan.unknown.length > 0) throw unknownNames(plan.unknown);
  if (plan.diagnostics.length > 0) return show([...diagnostics, ...plan.diagnostics]);
  const say = options.output === 'human' ? terminal.stdout : terminal.stderr;
  for (const line of keptLines(plan)) say(`${line}\n`);
  const ageless = age === null ? [] : plan.rotated.filter(({ name }) => ageOf(name, tunnels, terminal) === null);
  if (ageless.length > 0)
    say(
      `${ageless.map(({ name }) => name).join(', ')}: how old the key is, is not known here, so it counts as older\n`,
    );
  if (plan.rotated.length === 0) {
    say('nothing to rotate\n');
    return EXIT.done;
  }
  const drawn = await draw(plan, tunnels);
  if ('faults' in drawn) return show([...diagnostics, ...drawn.faults]);
  show(diagnostics);
  const { playbook, overlay } = overlayOf(tunnels, drawn.after, plan.rotated, oldSecrets(tunnels, drawn.keys));
  const journal = {
    schema: rotationSchema,
    pid: process.pid,
    begun: new Date().toISOString(),
    inventory: options.inventory,
    lab: options.lab ?? null,
    file: tunnels.document.source.file,
    sealed: tunnels.document.source.sealed === true,
    before: digestOf(tunnels.text),
    entries: plan.rotated,
    keys: drawn.keys,
    rollbackOf: null,
    ages: {
      fresh: null,
      old: Object.fromEntries(plan.rotated.map(({ name }) => [name, ageOf(name, tunnels, terminal)])),
    },
  };
  const unwritable =
    dryRun === true ? null : replaceFile(journal.file, drawn.after, { before: tunnels.text, rehearse: true });
  if (unwritable !== null) {
    throw new UsageFault(
      `${journal.file} could not get the new keys afterwards: ${unwritable.why}; nothing was changed`,
      unwritable.fix,
    );
  }
  return bring({ journal, playbook, overlay, dryRun: dryRun === true }, options, terminal);
}

function mustMakeSense(names: readonly string[], { limit, olderThan, resume, tags, skipTags }: RotateOptions): void {
  if (limit !== undefined) {
    throw new UsageFault('--limit chooses hosts, and a key belongs to both ends of a tunnel', 'ipsec-play rotate NAME');
  }
  if (tags.length > 0 || skipTags.length > 0) {
    throw new UsageFault('rotate has no tasks to choose from by tags', 'ipsec-play rotate NAME');
  }
  if (resume === true && (names.length > 0 || olderThan !== undefined)) {
    throw new UsageFault('--resume only brings to its end what was begun', 'ipsec-play rotate --resume');
  }
  if (names.length === 0 && olderThan === undefined && resume !== true) {
    const fix = "ipsec-play rotate NAME, or --older-than 90d; '*' stands for all of them";
    throw new UsageFault('rotate wants to know which tunnels get new keys', fix);
  }
}

/** A key that nobody has recorded may be of any age: it counts as older. */
function isOlder(name: string, age: number, tunnels: TunnelsFile, terminal: Terminal): boolean {
  const at = ageOf(name, tunnels, terminal);
  return at === null || Date.now() - Date.parse(at) >= age;
}

/** When its key came; null: nobody has recorded that. */
function ageOf(name: string, { document }: TunnelsFile, terminal: Terminal): string | null {
  const at = keyAges(terminal).of(document.source.file, name)?.at;
  return at === undefined || Number.isNaN(Date.parse(at)) ? null : at;
}

function unknownNames(unknown: RotationPlan['unknown']): UsageFault {
  const names = unknown.map(({ name }) => JSON.stringify(name)).join(', ');
  const nearest = unknown.flatMap((each) => (each.nearest === undefined ? [] : [JSON.stringify(each.nearest)]));
  const fix = nearest.length === 0 ? 'names of tunnels.yml, or globs' : `did you mean ${nearest.join(', ')}?`;
  return new UsageFault(`there is no tunnel, mesh or hub ${names}`, fix);
}

function keptLines({ kept }: RotationPlan): readonly string[] {
  return kept.map(({ origin, why }) => `${origin.name}  kept: ${why}`);
}

type Drawn =
  | { readonly keys: readonly JournalKey[]; readonly after: string }
  | { readonly faults: readonly Diagnostic[] };

/** The new keys, and the file with them; or what is wrong with that. */
async function draw(plan: RotationPlan, tunnels: TunnelsFile): Promise<Drawn> {
  const { document, loaded, extraVars, vault } = tunnels;
  try {
    const keys = await drawRotation(plan, tunnels);
    const made = await withKeys(tunnels, keys);
    if ('severity' in made) return { faults: [made] };
    await vault.openAll(keys.flatMap(({ kind, value }) => (kind === 'vault' ? [value] : [])));
    const faults = await newKeyFaults(loaded.inventory, document, made.edited, extraVars, {
      open: vault.open,
      openAll: (texts) => vault.openAll(texts),
    });
    return faults.length > 0 ? { faults } : { keys, after: made.after };
  } catch (fault) {
    if (!(fault instanceof SealFault)) throw fault;
    const message = `the new keys cannot be encrypted: ${fault.message}`;
    return { faults: [error('vault-no-password', message, { fix: fault.fix })] };
  }
}

interface Bringing {
  readonly journal: Omit<RotationJournal, 'run'>;
  readonly playbook: string;
  readonly overlay: Overlay;
  readonly dryRun: boolean;
}

/** Brings the new keys to the hosts; null of `run`: nothing was begun. */
async function bring(bringing: Bringing, options: RunOptions, terminal: Terminal): Promise<number> {
  const { playbook, overlay } = bringing;
  const begun: { journal: RotationJournal | null } = { journal: null };
  const code = await openRun({ command: 'apply', playbook, options, terminal, overlay }, (opened) =>
    overHosts(bringing, opened, options, (journal) => {
      begun.journal = journal;
    }),
  );
  const { journal } = begun;
  if (journal === null) return code;
  if (code !== EXIT.done) {
    // What went back, what stays and what nobody knows: the hosts tell.
    const settled = await settleRotation(journal, options, terminal);
    return code === EXIT.interrupted ? code : Math.max(code, settled);
  }
  const names = journal.entries.map(({ name }) => name);
  if (!(await writeBack(journal, names, options, terminal, { anew: false }))) return EXIT.failed;
  keepOnly(journal, [], terminal);
  return code;
}

async function overHosts(
  { journal, playbook, dryRun }: Bringing,
  opened: OpenRun,
  options: RunOptions,
  begin: (journal: RotationJournal) => void,
): Promise<number> {
  const { terminal, stop } = opened;
  const names = journal.entries.map(({ name }) => name);
  let agreed: ReadonlyMap<string, string> | undefined;
  if (dryRun || asksFirst(options, terminal)) {
    const foreseen = await opened.pass('check');
    const code = exitCodeOf('check', foreseen);
    if (dryRun) {
      if (options.output !== 'human') return tell('check', playbook, options, foreseen, terminal);
      if (code === EXIT.pending) terminal.stdout(`${names.join(', ')}: would get a new key\n`);
      return code === EXIT.pending ? EXIT.done : code;
    }
    if (code !== EXIT.pending || !hasChanges(foreseen)) return code;
    if (!(await opened.waitFor(() => agrees(terminal, foreseen)))) {
      terminal.stderr('Nothing was changed.\n');
      return stop.requested ? EXIT.interrupted : EXIT.done;
    }
    agreed = foreseen.digests;
  }
  const written: RotationJournal = { ...journal, run: opened.id };
  writeJournal(written, terminal);
  begin(written);
  const outcome = await opened.pass('apply', agreed === undefined ? {} : { agreed });
  return tell('apply', playbook, options, outcome, terminal);
}

/** As apply does, but for the way back: that is said when tunnels.yml has the key. */
function tell(
  command: 'check' | 'apply',
  playbook: string,
  options: RunOptions,
  outcome: PassOutcome,
  terminal: Terminal,
): number {
  const code = exitCodeOf(command, outcome);
  if (options.output === 'json') printJson(runDocument(command, playbook, code, outcome), terminal);
  if (options.output === 'human') {
    showProof(outcome, options, terminal);
  }
  return code;
}
