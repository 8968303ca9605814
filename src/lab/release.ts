/** What a host of the lab runs when the inventory does not say. */
export const DEFAULT_RELEASE = '5.11';

/**
 * The line of /etc/redhat-release for a version (`5.11`, `4`), or the line itself where it is written out
 * (`Fedora release 12 (Constantine)`).
 */
export function releaseLine(release: string): string {
  if (/\brelease \d/.test(release)) return release;
  const major = Number.parseInt(release, 10);
  if (major <= 4) return `Red Hat Enterprise Linux AS release ${major} (Nahant)`;
  return `Red Hat Enterprise Linux Server release ${release} (${CODE_NAMES[major] ?? 'Lab'})`;
}

/** Major number of RHEL and its rebuilds; undefined for others. */
export function majorOf(line: string): number | undefined {
  if (/Fedora/.test(line)) return undefined;
  const major = / release (\d+)/.exec(line)?.[1];
  return major === undefined ? undefined : Number(major);
}

const CODE_NAMES: Readonly<Record<number, string>> = { 5: 'Tikanga', 6: 'Santiago', 7: 'Maipo', 8: 'Ootpa', 9: 'Plow' };
