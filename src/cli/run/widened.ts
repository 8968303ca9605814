import type { Widened } from '../../compile/widen.ts';

/** Says which hosts are taken along beside those that --limit names, and why. */
export function widenedLines(limit: string | undefined, widened: readonly Widened[]): readonly string[] {
  return widened.map(
    ({ host, tunnels }) => `--limit ${limit}: ${host} is the other end of ${some([...tunnels])} and is taken along\n`,
  );
}

function some(names: readonly string[]): string {
  const [last] = names.slice(-1);
  if (names.length === 1) return `${last}`;
  if (names.length > 4) return `${names.slice(0, 3).join(', ')} and ${names.length - 3} more tunnels`;
  return `${names.slice(0, -1).join(', ')} and ${last}`;
}
