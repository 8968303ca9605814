import type { TaskResult } from './result.ts';

/** A host's first plan in a form that can be compared. */
export function digestOf(results: Iterable<TaskResult>): string {
  const digest: Digest = [...results].map(({ id, status, diff }) => [id, status, JSON.stringify(diff)]);
  return JSON.stringify(digest);
}

/**
 * Whether a plan is the one that a person has agreed to. What could not be known then may be anything now. Once an
 * earlier play of the same run has changed the host, its files are no more to the letter as they were foreseen: then it
 * is the same tasks that must change something.
 */
export function isAsAgreed(agreed: string, now: string, changedBefore: boolean): boolean {
  if (agreed === now) return true;
  if (agreed === '') return false;
  const [before, after] = [agreed, now].map((digest) => JSON.parse(digest) as Digest) as [Digest, Digest];
  return (
    before.length === after.length &&
    before.every(([id, status, diff], index) => {
      const [nowId, nowStatus, nowDiff] = after[index] ?? [];
      if (id !== nowId) return false;
      return status === 'unknown' || (status === nowStatus && (changedBefore || diff === nowDiff));
    })
  );
}

type Digest = readonly (readonly [id: string, status: string, diff: string])[];
