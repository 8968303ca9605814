import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { reveal, Secret } from '../../model/secret.ts';
import { UsageFault } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import { decoded } from './vault-files.ts';

/**
 * What somebody makes of a text in an editor. While it is open, the text lies in a folder that only its owner can enter,
 * in memory where the machine has a place for that; the folder goes with all that the editor left in it, in any case.
 */
export async function editText(text: Secret, name: string, terminal: Terminal): Promise<Secret> {
  const folder = mkdtempSync(join(placeFor(terminal), 'ipsec-play-vault-'));
  const stay = terminal.onInterrupt(() => {});
  try {
    // the ending tells editors what to colour
    const file = join(folder, `text${extname(name)}`);
    writeFileSync(file, reveal(text), { mode: 0o600, flag: 'wx' });
    await runEditor(file, terminal);
    const edited = decoded(readFileSync(file));
    if (edited === undefined) throw new UsageFault(`the text is not UTF-8 any more; ${name} is as it was`);
    return new Secret(edited);
  } catch (fault) {
    if (fault instanceof UsageFault) throw fault;
    const code = fault instanceof Error && 'code' in fault ? fault.code : 'unknown';
    throw new UsageFault(`the text cannot be edited: ${code}; ${name} is as it was`);
  } finally {
    stay();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As git runs it: by a shell, so that it may have arguments. */
function runEditor(file: string, { env, cwd }: Terminal): Promise<void> {
  const editor = env.VISUAL || env.EDITOR || 'vi';
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', `${editor} "$@"`, editor, file], { cwd, env, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else
        reject(
          new UsageFault(`the editor ended with ${code === null ? signal : `exit code ${code}`}; nothing was changed`),
        );
    });
  });
}

function placeFor({ env }: Terminal): string {
  const places = [env.XDG_RUNTIME_DIR, '/dev/shm'].filter((place) => place?.startsWith('/'));
  return places.find((place) => isUsable(place as string)) ?? tmpdir();
}

function isUsable(place: string): boolean {
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}
