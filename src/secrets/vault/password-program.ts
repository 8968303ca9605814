import { spawn } from 'node:child_process';
import { closeSync, openSync, readSync } from 'node:fs';
import type { PasswordFault } from './password-sources.ts';

/**
 * Runs a program that prints a vault password. As with Ansible it may use the terminal to ask for what it needs; a
 * `-client` program talks to a keyring, and what it complains about is told with the fault.
 */
export function runPasswordProgram(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  isClient: boolean,
): Promise<{ readonly stdout: Buffer } | Pick<PasswordFault, 'why'> | 'no such id'> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ['inherit', 'pipe', isClient ? 'pipe' : 'inherit'] });
    const stdout: Buffer[] = [];
    let size = 0;
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MOST) stdout.push(chunk);
      else {
        // What the program itself has started may go on printing.
        child.stdout?.destroy();
        child.kill();
        resolve({ why: 'printed too much for a password' });
      }
    });
    // What a client complains about is not shown: nobody knows what it puts there.
    child.stderr?.resume();
    child.on('error', (cause: NodeJS.ErrnoException) => resolve({ why: `cannot be run: ${cause.code ?? 'unknown'}` }));
    child.on('close', (code, signal) => {
      if (code === UNKNOWN_ID && isClient) resolve('no such id');
      else if (code !== 0)
        resolve({ why: `was run and failed: ${code === null ? `ended by ${signal}` : `exit code ${code}`}` });
      else resolve({ stdout: Buffer.concat(stdout) });
    });
  });
}

/**
 * Whether the system would run a file by itself. Where it does not, execvp(3) has a shell run it: the password would be
 * the name of a command, and stand in the shell's complaint. What may not be read cannot be read by the shell either.
 */
export function isProgram(file: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return true;
  }
  try {
    const start = Buffer.alloc(256);
    const head = start.subarray(0, readSync(descriptor, start));
    return head.subarray(0, 2).toString('latin1') === '#!' || head.includes(0);
  } finally {
    closeSync(descriptor);
  }
}

/** Bytes. */
const MOST = 1 << 16;

/** By Ansible's convention: the client has no password for the id it was asked for. */
const UNKNOWN_ID = 2;
