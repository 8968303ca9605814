import type { RecordedRun } from './open-recorded.ts';
import { isOpen, runOn, type SurveyedHost } from './runs-on-hosts.ts';

/** Hosts that the changed tunnels of a run bind together: what one of them comes to, all have to. */
export interface BoundSet {
  /** Of these the run is neither kept nor taken back. */
  readonly open: readonly SurveyedHost[];
  /** A host is confirmed only when all know that all others hold. */
  readonly confirmed: readonly SurveyedHost[];
  /** Gone back, or left in the middle of that. */
  readonly back: readonly SurveyedHost[];
  readonly silent: readonly SurveyedHost[];
  /** It took part in the run, and knows nothing of it: it had nothing to change, or was only prepared and is cleared. */
  readonly unchanged: readonly SurveyedHost[];
}

/** The sets of one play's run, by its record; without one all hosts that know it, or do not answer, are taken for bound. */
export function boundSets(
  id: string,
  { surveyed, record }: Pick<RecordedRun, 'surveyed' | 'record'>,
): readonly BoundSet[] {
  const play = record?.plays.find((each) => each.id === id);
  const takesPart = (host: SurveyedHost) =>
    play === undefined
      ? host.fault !== null || runOn(host, id) !== undefined
      : play.hosts[host.host.host] !== undefined;
  const left = new Set(surveyed.filter(takesPart));
  const tunnelsOf = ({ host }: SurveyedHost) => play?.hosts[host.host]?.tunnels ?? [];
  const sets: BoundSet[] = [];
  for (const first of left) {
    left.delete(first);
    const set = new Set([first]);
    for (const member of set) {
      const own = new Set(tunnelsOf(member));
      for (const other of left) {
        if (play !== undefined && !tunnelsOf(other).some((tunnel) => own.has(tunnel))) continue;
        left.delete(other);
        set.add(other);
      }
    }
    if ([...set].some((host) => runOn(host, id) !== undefined)) sets.push(boundSet(id, [...set]));
  }
  return sets;
}

/**
 * Nobody here can tell whether it is confirmed on a host that does not answer: all others know that all hold, so it may
 * be. They are left to themselves; each keeps the new state as long as its tunnels work.
 */
export function isPerhapsKept(id: string, { open, confirmed, back, silent }: BoundSet): boolean {
  return (
    silent.length > 0 &&
    confirmed.length === 0 &&
    back.length === 0 &&
    open.length > 0 &&
    open.every((host) => runOn(host, id)?.state === 'verified')
  );
}

export function perhapsKept({ silent }: BoundSet) {
  const names = silent.map(({ host }) => host.host).join(', ');
  const message = `proven on all ends, and perhaps kept on ${names}, which cannot be asked: nothing was done here, the tunnel would have one old end. Try again when it answers; until then this host keeps the new state while its tunnels work`;
  return { code: 'other-end', message };
}

function boundSet(id: string, set: readonly SurveyedHost[]): BoundSet {
  const isUnchanged = (host: SurveyedHost) => host.fault === null && runOn(host, id) === undefined;
  const reached = set.filter((host) => host.fault === null && !isUnchanged(host));
  const isConfirmed = (host: SurveyedHost) => runOn(host, id)?.state === 'confirmed';
  const isUndecided = (host: SurveyedHost) => {
    const found = runOn(host, id);
    return found !== undefined && isOpen(found);
  };
  return {
    open: reached.filter(isUndecided),
    confirmed: reached.filter(isConfirmed),
    back: reached.filter((host) => !isUndecided(host) && !isConfirmed(host)),
    silent: set.filter(({ fault }) => fault !== null),
    unchanged: set.filter(isUnchanged),
  };
}
