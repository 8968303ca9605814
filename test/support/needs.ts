import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * True when this machine can run a test that needs all of these: `root`, or a program by its name. Where it cannot, says
 * so in one line; in CI (`CI=true`) that is a failure, because there everything must have been installed.
 */
export function needs(...requirements: readonly string[]): boolean {
  const missing = requirements.filter((requirement) => !isThere(requirement));
  if (missing.length === 0) return true;
  const message = `skipped: this machine lacks ${missing.join(', ')}`;
  if (process.env.CI === 'true') throw new Error(message);
  if (!said.has(message)) console.warn(message);
  said.add(message);
  return false;
}

/** The path of a program, searched for as `needs` does. */
export function programPath(name: string): string | undefined {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isThere(requirement: string): boolean {
  return requirement === 'root' ? process.getuid?.() === 0 : programPath(requirement) !== undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const said = new Set<string>();
