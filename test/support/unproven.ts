/** An apply without the proof of its tunnels, which takes seconds: for tests of everything else. */
export function unproven(argv: readonly string[]): readonly string[] {
  return argv[0] === 'apply' ? ['apply', '--no-verify', ...argv.slice(1)] : argv;
}
