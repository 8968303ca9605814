import { crashSafe } from './crash.ts';
import { processTerminal } from './machine/terminal.ts';
import { runProgram } from './program.ts';

void main();

/** Only here does the process end. */
async function main(): Promise<void> {
  const terminal = processTerminal();
  process.exitCode = await crashSafe(terminal, process, () => runProgram(process.argv.slice(2), terminal));
  // Nothing may keep a finished command alive: a daemon on a host can hold its end of a connection open.
  await terminal.flushed();
  process.exit();
}
