import { EXIT } from './exit.ts';
import { runProgram } from './program.ts';
import { processTerminal } from './terminal.ts';

void main();

/** Only here does the process end, and only here is a bug told apart from what a user or a host did wrong. */
async function main(): Promise<void> {
  const terminal = processTerminal();
  try {
    process.exitCode = await runProgram(process.argv.slice(2), terminal);
  } catch (bug) {
    terminal.stderr(
      `ipsec-play: this is a bug in ipsec-play, not in your inventory: ${bug instanceof Error ? bug.message : 'unknown'}\n` +
        'Please report it with the command you ran; IPSEC_PLAY_DEBUG=1 adds where it happened.\n',
    );
    if (process.env.IPSEC_PLAY_DEBUG === '1' && bug instanceof Error) terminal.stderr(`${bug.stack}\n`);
    process.exitCode = EXIT.bug;
  }
  // Nothing may keep a finished command alive: a daemon on a host can hold its end of a connection open.
  await terminal.flushed();
  process.exit();
}
