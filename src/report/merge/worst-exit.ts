/** Exit codes, the one that goes before all others first, as docs/exit-codes.md has them. */
const PRECEDENCE = [1, 130, 6, 5, 4, 3, 8, 7, 2, 0];

/** Of the exit codes of several runs the one that stands for all of them. One that nobody knows is a bug of somebody's. */
export function worstExit(codes: readonly number[]): number {
  const places = codes.map((code) => PRECEDENCE.indexOf(code));
  return codes.length === 0 ? 0 : (PRECEDENCE[Math.max(0, Math.min(...places))] ?? 1);
}
