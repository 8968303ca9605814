/** `20261122-101530-3fa9`: names a run, or a plan, here and on the hosts. */
export function runId(now: Date, random: Buffer): string {
  const [date = '', time = ''] = now.toISOString().split('T');
  return `${date.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${random.toString('hex')}`;
}
