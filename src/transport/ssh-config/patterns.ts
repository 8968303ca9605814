/** PATTERNS of ssh_config(5): `*` and `?`, case-sensitive. */
export function matchesPattern(text: string, pattern: string): boolean {
  return patternOf(pattern).test(text);
}

/** The patterns of a `Host` line: one must match, and none that is negated. */
export function matchesHostLine(host: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const written of patterns) {
    const negated = written.startsWith('!');
    if (!matchesPattern(host, negated ? written.slice(1) : written)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** A pattern list of `Match`, with commas (match.c, match_pattern_list). */
export function matchesList(text: string, list: string): boolean {
  return matchesHostLine(text.toLowerCase(), list.toLowerCase().split(','));
}

const compiled = new Map<string, RegExp>();

/** `*` and `?` are the only special characters. */
export function patternOf(pattern: string): RegExp {
  const known = compiled.get(pattern);
  if (known) return known;
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  const made = new RegExp(`^${source}$`, 's');
  compiled.set(pattern, made);
  return made;
}
