import { everySecret } from '../model/secret.ts';
import { makeRedactor } from '../secrets/redact.ts';
import { EXIT } from './exit.ts';
import type { Terminal } from './machine/terminal.ts';

/** Where Node tells of what nobody caught. */
interface Crashes {
  on(event: 'uncaughtException' | 'unhandledRejection' | 'beforeExit', listener: (bug: unknown) => void): unknown;
}

/**
 * Runs a command to its exit code, whatever happens: what it throws, and what is thrown beside it in an event or a
 * promise that nobody waits for, is a bug of ours, and is told with no secret in it. What nobody caught ends the command
 * at once, because nothing is known any more of what it left undone.
 */
export async function crashSafe(terminal: Terminal, crashes: Crashes, command: () => Promise<number>): Promise<number> {
  const crashed = new Promise<number>((resolve) => {
    let told = false;
    const tell = (bug: unknown) => {
      // A second one may come of telling the first.
      if (!told) report(bug, terminal);
      told = true;
      resolve(EXIT.bug);
    };
    crashes.on('uncaughtException', tell);
    crashes.on('unhandledRejection', tell);
    // Node's own exit code would be 0, of a command that has not come to its end.
    crashes.on('beforeExit', () => tell(new Error('it waits for what never comes')));
  });
  try {
    return await Promise.race([command(), crashed]);
  } catch (bug) {
    report(bug, terminal);
    return EXIT.bug;
  }
}

function report(bug: unknown, terminal: Terminal): void {
  try {
    terminal.stderr(crashText(bug, terminal.env.IPSEC_PLAY_DEBUG === '1'));
  } catch {
    // A terminal that cannot be written to may well be the bug.
  }
}

/** What is told of a bug. Of what is thrown only an Error's own texts are shown: anything else may hold anything. */
function crashText(bug: unknown, debug: boolean): string {
  const redactor = makeRedactor();
  for (const secret of everySecret()) redactor.add(secret);
  const message = bug instanceof Error ? bug.message : 'unknown';
  const where = debug && bug instanceof Error ? `${bug.stack}\n` : '';
  return redactor.redact(
    `ipsec-play: this is a bug in ipsec-play, not in your inventory: ${message}\n` +
      'What it was doing on hosts may be half done or still going on: run check.\n' +
      `Please report it with the command you ran; IPSEC_PLAY_DEBUG=1 adds where it happened.\n${where}`,
  );
}
