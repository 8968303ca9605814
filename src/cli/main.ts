import { crashSafe } from './crash.ts';
import { EXIT } from './exit.ts';
import { processTerminal } from './machine/terminal.ts';
import { runProgram } from './program.ts';

void main();

/** Only here does the process end. */
async function main(): Promise<void> {
  const terminal = processTerminal();
  const code = await crashSafe(terminal, process, () => runProgram(process.argv.slice(2), terminal));
  const lost = await terminal.flushed();
  if (lost !== null) terminal.stderr(`ipsec-play: stdout could not be written, and is not whole: ${lost.message}\n`);
  process.exitCode = lost !== null && code === EXIT.done ? EXIT.input : code;
  await terminal.flushed();
  // Nothing may keep a finished command alive: a daemon on a host can hold its end of a connection open.
  process.exit();
}
