import { resolve } from 'node:path';
import { RUNS_KEPT } from '../../engine/transaction/fate.ts';
import { formatDiagnostics } from '../../lang/format-diagnostics.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { keyAges } from '../keys/ages.ts';
import { readTunnelsFile, type TunnelsFile } from '../keys/tunnels-file.ts';
import { replaceFile } from '../machine/replace-file.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { finishRun } from '../settle/finish-run.ts';
import { isGoingOn, openRecorded, type RecordedRun } from '../settle/open-recorded.ts';
import { idsOn, isOpen, runOn, type SurveyedHost } from '../settle/runs-on-hosts.ts';
import { digestOf, type RotationJournal, rotationJournals } from './journal.ts';
import { oldSecrets, overlayOf, standing, withKeys } from './rotated-text.ts';

/** Where the hosts of an entry stand: all have the new key for good, all the old one, or it is not so. */
type Stand = 'new' | 'old' | 'open' | 'unknown';

/** Brings every rotation of this directory to its end that was cut off; the exit code. */
export async function settleRotations(given: RunOptions, terminal: Terminal): Promise<number> {
  let code: number = EXIT.done;
  const journals = rotationJournals(terminal);
  journals.tidy();
  const [closed] = journals.unreadable();
  if (closed !== undefined) {
    throw new UsageFault(
      `the journal of a rotation, .ipsec-play/rotations/${closed}, cannot be read, and new keys may stand in it`,
      'run this as its owner, and with the version of ipsec-play that made it',
    );
  }
  for (const journal of journals.all()) {
    mustBeThere(journal, given, terminal);
    if (isGoingOn({ ended: null, pid: journal.pid })) {
      throw new UsageFault(
        `the rotation ${journal.run} is still going on here (process ${journal.pid})`,
        'wait for its end, or stop it with Ctrl-C',
      );
    }
    const names = journal.entries.map(({ name }) => name).join(', ');
    terminal.stderr(`ipsec-play: the rotation ${journal.run} of ${names} was cut off and is brought to its end\n`);
    code = Math.max(code, await settleRotation(journal, given, terminal));
  }
  return code;
}

/** Stand-ins know nothing of what became of the hosts themselves. */
function mustBeThere({ run, entries, lab }: RotationJournal, given: RunOptions, { cwd }: Terminal): void {
  if (given.lab === undefined || (lab !== null && resolve(cwd, lab) === resolve(cwd, given.lab))) return;
  const where = lab === null ? 'the hosts themselves' : `the lab in ${lab}`;
  throw new UsageFault(
    `the rotation ${run} of ${entries.map(({ name }) => name).join(', ')} was cut off on ${where}, and comes first`,
    `ipsec-play rotate --resume, without --lab${lab === null ? '' : '; it knows which'}`,
  );
}

/**
 * Asks the hosts what they have; what is undecided there is settled as `resume` does. The new keys that are there for good
 * are written into tunnels.yml, those that are gone are dropped, and of what cannot be told the journal stays.
 */
export async function settleRotation(journal: RotationJournal, given: RunOptions, terminal: Terminal): Promise<number> {
  const { lab: _, ...rest } = given;
  const lab = journal.lab === null ? {} : { lab: journal.lab };
  const options: RunOptions = { ...rest, inventory: journal.inventory, ...lab };
  const stands = await ask(journal, options, terminal);
  if (![...stands.values()].includes('open')) return conclude(journal, stands, options, terminal);
  const tunnels = await editable(options, terminal);
  if (tunnels === null) return EXIT.input;
  const made = await withKeys(tunnels, journal.keys);
  if ('severity' in made) {
    terminal.stderr(formatDiagnostics([made], tunnels.loaded.sources, { color: false }));
    return EXIT.input;
  }
  const { overlay } = overlayOf(tunnels, made.after, journal.entries, oldSecrets(tunnels, journal.keys));
  // A document on stdout stands alone.
  const aside = options.output === 'human' ? terminal : { ...terminal, stdout: terminal.stderr };
  await finishRun(journal.run, { ...options, output: 'human' }, aside, overlay);
  return conclude(journal, await ask(journal, options, terminal), options, terminal);
}

async function editable(options: RunOptions, terminal: Terminal): Promise<TunnelsFile | null> {
  const { tunnels, loaded, diagnostics } = await readTunnelsFile(options, terminal);
  if (diagnostics.length > 0) terminal.stderr(formatDiagnostics(diagnostics, loaded.sources, { color: false }));
  return tunnels;
}

/** By the entries' names. */
async function ask(
  journal: RotationJournal,
  options: RunOptions,
  terminal: Terminal,
): Promise<ReadonlyMap<string, Stand>> {
  const limit = [...new Set(journal.entries.flatMap(({ hosts }) => hosts))].join(',');
  let found: ReadonlyMap<string, Stand> = new Map();
  await openRecorded(journal.run, { ...options, limit }, terminal, async (recorded) => {
    found = new Map(journal.entries.map((entry) => [entry.name, standOf(entry, recorded, journal)]));
    return EXIT.done;
  });
  return found;
}

function standOf(
  { tunnels, hosts }: RotationJournal['entries'][number],
  { surveyed, record, run }: RecordedRun,
  { rollbackOf, run: named }: RotationJournal,
): Stand {
  const own = surveyed.filter(({ host }) => hosts.includes(host.host));
  if (own.length < hosts.length) return 'unknown';
  const states = own.flatMap((host): Stand[] => {
    if (host.fault !== null) return ['unknown'];
    const bringing = record?.plays.filter(({ hosts: played }) =>
      played[host.host.host]?.tunnels.some((tunnel) => tunnels.includes(tunnel)),
    );
    // A way back is recorded by its hosts alone.
    const ids = bringing === undefined || rollbackOf !== null ? idsOn(host, run) : bringing.map(({ id }) => id);
    const runs = ids.flatMap((id) => runOn(host, id) ?? []);
    if (runs.length === 0) return [mayHaveForgotten(host, named) ? 'unknown' : 'old'];
    return runs.map((each): Stand => {
      if (isOpen(each)) return 'open';
      if (each.state === 'confirmed') return each.by === null ? 'new' : 'old';
      return each.state === 'restored' ? 'old' : 'unknown';
    });
  });
  const [first] = states;
  if (states.includes('open')) return 'open';
  return first !== undefined && states.every((state) => state === first) ? first : 'unknown';
}

/** Of the runs that it confirmed a host keeps the last few: one that is not among them was never there, or was before them. */
function mayHaveForgotten({ survey }: SurveyedHost, run: string): boolean {
  const confirmed = (survey?.runs ?? []).filter(({ state }) => state === 'confirmed');
  return confirmed.filter(({ id }) => id > run).length >= RUNS_KEPT;
}

/** Writes, drops and keeps, each entry as its hosts stand. */
async function conclude(
  journal: RotationJournal,
  stands: ReadonlyMap<string, Stand>,
  options: RunOptions,
  terminal: Terminal,
): Promise<number> {
  const named = (...wanted: readonly Stand[]) =>
    journal.entries.filter(({ name }) => wanted.includes(stands.get(name) ?? 'unknown')).map(({ name }) => name);
  const say = saying(options, terminal);
  const [fresh, old, unknown] = [named('new'), named('old'), named('open', 'unknown')];
  const written = fresh.length === 0 ? true : await writeBack(journal, fresh, options, terminal, { anew: true });
  if (old.length > 0) say(`${old.join(', ')}: the hosts ${stayed(journal)}, and so does ${journal.file}\n`);
  if (unknown.length > 0) {
    say(
      `${unknown.join(', ')}: it is not known which key the hosts have: not all answer, or they had ${RUNS_KEPT} runs since and forgot this one. When all answer: ${RESUME}
  To give that up, and bring the key of ${journal.file} to them: rm ${journalFile(journal)}, and then ipsec-play apply\n`,
    );
  }
  keepOnly(journal, [...unknown, ...(written ? [] : fresh)], terminal);
  return unknown.length > 0 || !written ? EXIT.failed : EXIT.done;
}

/** Of the journal what is not at its end yet. */
export function keepOnly(journal: RotationJournal, names: readonly string[], terminal: Terminal): void {
  const journals = rotationJournals(terminal);
  const fault = names.length === 0 ? journals.remove(journal.run) : null;
  if (fault !== null) {
    terminal.stderr(`ipsec-play: ${journalFile(journal)} is done with, and cannot be removed (${fault}): remove it\n`);
  }
  if (names.length === 0 || names.length === journal.entries.length) return;
  journals.write({
    ...journal,
    entries: journal.entries.filter(({ name }) => names.includes(name)),
    keys: journal.keys.filter(({ entry }) => names.includes(entry)),
  });
}

/**
 * Writes new keys that the hosts have into tunnels.yml, and notes their age; false, and why is said, where that cannot be.
 * `anew`: others may have edited the file since, as long as the old keys stand where they did.
 */
export async function writeBack(
  journal: RotationJournal,
  names: readonly string[],
  options: RunOptions,
  terminal: Terminal,
  { anew }: { readonly anew: boolean },
): Promise<boolean> {
  const say = saying(options, terminal);
  const all = names.join(', ');
  const refuse = (why: string, fix: string) => {
    terminal.stderr(
      `ipsec-play: the hosts of ${all} have ${which(journal)}, and ${journal.file} was not written: ${why}\n  write: ${fix}\n`,
    );
    return false;
  };
  const tunnels = await editable(options, terminal);
  if (tunnels === null) return refuse('it cannot be read', RESUME);
  const { document, text } = tunnels;
  const { file } = document.source;
  if (!anew && digestOf(text) !== journal.before) return refuse('somebody changed it meanwhile', RESUME);
  const keys = journal.keys.filter(({ entry }) => names.includes(entry));
  const stands = await Promise.all(keys.map((key) => standing(tunnels, key)));
  if (stands.includes('other')) {
    return refuse(
      'it has another key there by now',
      `rm ${journalFile(journal)}, and ipsec-play apply, for the key in the file; or put the old text back, and ${RESUME}`,
    );
  }
  const due = keys.filter((_, index) => stands[index] === 'old');
  if (due.length > 0) {
    const made = await withKeys(tunnels, due);
    if ('severity' in made) return refuse(made.message, RESUME);
    const fault = replaceFile(file, made.after, { before: text });
    if (fault !== null) return refuse(fault.why, `${fault.fix}; then ${RESUME}`);
  }
  const now = new Date().toISOString();
  const fresh = Object.fromEntries(
    names.map((name) => [name, journal.ages.fresh === null ? now : (journal.ages.fresh[name] ?? null)]),
  );
  const unkept = rotationJournals(terminal).keep({
    ...journal,
    entries: journal.entries.filter(({ name }) => names.includes(name)),
    keys,
    ages: { fresh, old: journal.ages.old },
  });
  if (unkept !== null) {
    terminal.stderr(
      `ipsec-play: .ipsec-play/rotations/done cannot be written (${unkept}), so rollback will not bring the old key back into ${file}\n`,
    );
  }
  if (!keyAges(terminal).note(names.map((name) => ({ file, name, at: fresh[name] ?? null, run: journal.run })))) {
    terminal.stderr('ipsec-play: .ipsec-play/keys.json cannot be written, so --older-than will not know these keys\n');
  }
  say(`${all}: ${which(journal)} is on both ends and in ${file}\n`);
  if (journal.rollbackOf === null)
    say(`run ${journal.run}; \`ipsec-play rollback ${journal.run}\` takes it back, there as well\n`);
  if (journal.lab !== null) {
    terminal.stderr(
      `ipsec-play: the ends are stand-ins, in ${journal.lab}; the hosts themselves get the key of ${file} with the next apply\n`,
    );
  }
  return true;
}

function which({ rollbackOf }: RotationJournal): string {
  return rollbackOf === null ? 'the new key' : `the key of before ${rollbackOf}`;
}

function stayed({ rollbackOf }: RotationJournal): string {
  return rollbackOf === null ? 'have the old key' : 'keep the key that they have';
}

export function journalFile({ run }: Pick<RotationJournal, 'run'>): string {
  return `.ipsec-play/rotations/${run}.json`;
}

export const RESUME = 'ipsec-play rotate --resume';

/** A document on stdout stands alone. */
function saying({ output }: RunOptions, terminal: Terminal): (text: string) => void {
  return output === 'human' ? terminal.stdout : terminal.stderr;
}
