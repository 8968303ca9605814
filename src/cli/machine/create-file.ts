import { existsSync, writeFileSync } from 'node:fs';
import { UsageFault } from '../exit.ts';

/** Refuses a file that is there already, before anything is written. */
export function refuseExisting(option: string, file: string | undefined): void {
  if (file !== undefined && existsSync(file)) throw taken(option, file);
}

/** Writes a file that must be new; not even a symbolic link may be in its place. */
export function createFile(option: string, file: string, text: string, mode: number): void {
  try {
    writeFileSync(file, text, { flag: 'wx', mode, flush: true });
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);
    throw code === 'EEXIST' ? taken(option, file) : new UsageFault(`${file} cannot be written: ${code}`);
  }
}

function taken(option: string, file: string): UsageFault {
  return new UsageFault(`${file} is there already, and is not overwritten`, `${option} with another name`);
}
