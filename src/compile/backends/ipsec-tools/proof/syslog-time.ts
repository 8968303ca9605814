/**
 * When a line was logged, in seconds of a year whose months have 31 days, since syslog writes no year: `Nov 22 14:34:39`;
 * rsyslog's `2026-11-22T14:34:39.123+01:00`; and `2026-11-22 14:34:39`, as racoon has it in a file of its own. Null: it
 * does not begin with a time.
 */
export function loggedAt(line: string): number | null {
  const [, month, ...old] = /^([A-Z][a-z]{2}) +(\d+) (\d+):(\d+):(\d+)/.exec(line) ?? [];
  if (month !== undefined && MONTHS.includes(month)) return seconds(MONTHS.indexOf(month) / 3, old);
  const [, numbered, ...fresh] = /^\d{4}-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)/.exec(line) ?? [];
  return numbered === undefined ? null : seconds(Number(numbered) - 1, fresh);
}

/** What is more than half a year before is of the year after. */
export function isNotBefore(time: number, other: number): boolean {
  return (time - other + SLACK + YEAR) % YEAR < YEAR / 2;
}

/** Seconds: the start of a process is counted from a boot whose time is rounded. */
export const SLACK = 2;

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';
const YEAR = 12 * 31 * 86_400;

function seconds(month: number, numbers: readonly string[]): number {
  const [day = 0, hour = 0, minute = 0, second = 0] = numbers.map(Number);
  return (((month * 31 + day) * 24 + hour) * 60 + minute) * 60 + second;
}
