import type { DriftItem, DriftKind } from '../../model/drift.ts';
import { driftRecap } from '../../report/drift-document.ts';
import { visibleLine } from '../../report/visible.ts';
import { table } from '../machine/table.ts';

/** What drifted, a line each, and how much of each kind. What is ignored is shown with `verbose` only. */
export function driftText(items: readonly DriftItem[], verbose: boolean): string {
  const rows = items
    .filter(({ ignored }) => ignored === null || verbose)
    .map(({ host, kind, what, tunnel, why, ignored }) =>
      [host, ignored === null ? WORDS[kind] : 'ignored', what, tunnel ?? '', ignored?.reason ?? why].map(visibleLine),
    );
  const recap = driftRecap(items);
  const parts = (['kernel', 'edited', 'not-applied'] as const).flatMap((kind) =>
    recap[kind] === 0 ? [] : `${recap[kind]} ${WORDS[kind]}`,
  );
  const ignored = recap.ignored === 0 ? '' : ` ${recap.ignored} ignored.`;
  const summary = `${parts.length === 0 ? 'No drift' : parts.join(', ')}.${ignored}`;
  return rows.length === 0 ? summary : `${table(['HOST', 'DRIFT', 'WHAT', 'TUNNEL', 'WHY'], rows)}\n\n${summary}`;
}

const WORDS: Readonly<Record<DriftKind, string>> = {
  'not-applied': 'not yet applied',
  edited: 'edited on the host',
  kernel: 'kernel differs',
};
