import { resolve } from 'node:path';
import { UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import type { Project } from '../project/load.ts';
import { isGoingOn } from '../settle/open-recorded.ts';
import { type RotationJournal, rotationJournals } from './journal.ts';
import { journalFile, RESUME } from './settle.ts';

/**
 * Rotations whose keys are not in tunnels.yml yet, of tunnels that these plays bring to the hosts: a check warns of them. An
 * apply is refused, for it would bring back the old key, perhaps to one end of a tunnel before the other.
 */
export function heedRotations(
  command: 'check' | 'apply',
  project: Pick<Project, 'plays' | 'inventory'>,
  options: RunOptions,
  terminal: Terminal,
): void {
  for (const journal of rotationJournals(terminal).all()) {
    const names = touched(journal, project, options, terminal);
    if (names.length === 0) continue;
    const all = names.join(', ');
    if (isGoingOn({ ended: null, pid: journal.pid })) {
      if (command === 'apply') {
        throw new UsageFault(
          `the rotation ${journal.run} of ${all} is going on (process ${journal.pid})`,
          'wait for its end',
        );
      }
      terminal.stderr(
        `ipsec-play: the rotation ${journal.run} of ${all} is going on: what this shows is on the move\n`,
      );
      continue;
    }
    const what = `the rotation ${journal.run} of ${all} was cut off: the hosts may have new keys that ${journal.file} does not have`;
    if (command === 'apply') {
      throw new UsageFault(
        what,
        `${RESUME}; or, to go back to the key of ${journal.file}: rm ${journalFile(journal)}, and this again`,
      );
    }
    terminal.stderr(`ipsec-play: ${what}\n  write: ${RESUME}\n`);
  }
}

/** The entries of a journal that these plays bring to their hosts. */
function touched(
  { lab, file, entries }: RotationJournal,
  { plays, inventory }: Pick<Project, 'plays' | 'inventory'>,
  options: RunOptions,
  { cwd }: Terminal,
): readonly string[] {
  const own = inventory.tunnelsDocument?.source.file;
  const named = (path: string | null | undefined) => (path == null ? null : resolve(cwd, path));
  if (named(own) !== named(file) || named(options.lab) !== named(lab)) return [];
  const brought = new Set(
    plays.flatMap(({ hosts }) => hosts.flatMap(({ tasks }) => tasks.map(({ tunnel }) => tunnel))),
  );
  return entries.filter(({ tunnels }) => tunnels.some((name) => brought.has(name))).map(({ name }) => name);
}
