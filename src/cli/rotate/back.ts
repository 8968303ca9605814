import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import { type RotationJournal, rotationJournals, rotationSchema } from './journal.ts';
import { turned } from './rotated-text.ts';
import { keepOnly, settleRotation, writeBack } from './settle.ts';

/**
 * The way back of a rotation that is at its end: what `rollback` by the name `run` has to write into tunnels.yml; null:
 * `rotated` is none, or was made elsewhere.
 */
export function rotationBack(rotated: string, run: string, terminal: Terminal): RotationJournal | null {
  const written = rotationJournals(terminal).kept(rotated);
  if (written === null) return null;
  const { ages } = written;
  return {
    ...written,
    schema: rotationSchema,
    run,
    pid: process.pid,
    begun: new Date().toISOString(),
    keys: turned(written.keys),
    rollbackOf: rotated,
    ages: { fresh: ages.old, old: ages.fresh ?? {} },
  };
}

/** tunnels.yml gets what the hosts have, once a way back has come to its end; the exit code. */
export async function endRotationBack(
  journal: RotationJournal,
  isDone: boolean,
  options: RunOptions,
  terminal: Terminal,
): Promise<boolean> {
  if (!isDone) {
    await settleRotation(journal, options, terminal);
    return true;
  }
  const names = journal.entries.map(({ name }) => name);
  const isWritten = await writeBack(journal, names, { ...options, inventory: journal.inventory }, terminal, {
    anew: true,
  });
  if (isWritten) keepOnly(journal, [], terminal);
  return isWritten;
}
