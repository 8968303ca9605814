import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import type { PlanWindow } from '../../report/plan-document.ts';
import { shownTime } from '../../report/plan-facts.ts';
import { UsageFault } from '../exit.ts';

/** `--not-before` and `--not-after`, as they were written. */
export function readWindow(notBefore: string | undefined, notAfter: string | undefined, now: Date): PlanWindow {
  const window = { notBefore: readTime(notBefore, '--not-before'), notAfter: readTime(notAfter, '--not-after') };
  if (window.notBefore !== null && window.notAfter !== null && window.notAfter <= window.notBefore)
    throw new UsageFault('--not-after is not later than --not-before');
  if (window.notAfter !== null && window.notAfter <= now.toISOString())
    throw new UsageFault('--not-after is over already');
  return window;
}

/** What keeps a plan from being applied now. */
export function windowFaults({ notBefore, notAfter }: PlanWindow, now: Date): readonly Diagnostic[] {
  const at = now.toISOString();
  if (notBefore !== null && at < notBefore)
    return [error('plan-window', `the plan may be applied from ${shownTime(notBefore)} on, not yet`, { fix: 'wait' })];
  if (notAfter !== null && at > notAfter)
    return [error('plan-window', `the plan could be applied until ${shownTime(notAfter)}`, { fix: 'make a new plan' })];
  return [];
}

/** ISO 8601. Without a time a date could mean its beginning or its end. */
const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(Z|[+-]\d\d:?\d\d)?$/;

function readTime(text: string | undefined, option: string): string | null {
  if (text === undefined) return null;
  const [, date = '', time = '', zone = ''] = TIME.exec(text) ?? [];
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const read = new Date(`${date}T${time}${offset}`);
  // A day that its month has not would be counted into the next one.
  const isDay = !Number.isNaN(read.getTime()) && new Date(`${date}T00:00Z`).toISOString().startsWith(date);
  if (isDay) return read.toISOString();
  throw new UsageFault(
    `${option} ${text} is no time`,
    `${option} 2026-11-22T22:00 (here), 2026-11-22T22:00Z (UTC) or 2026-11-22T22:00+01:00`,
  );
}
