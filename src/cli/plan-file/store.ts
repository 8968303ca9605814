import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../model/secret.ts';
import { type PlanSeal, planSeal } from '../../secrets/plan-seal.ts';
import { UsageFault } from '../exit.ts';

/** Beside the working directory: what plans need that must not be in them. */
const FOLDER = '.ipsec-play/plans';

/** Who has applied a plan. */
export interface PlanUse {
  readonly at: string;
  readonly by: string;
  readonly run: string;
}

/** The seal of this checkout's plans; null where none was made yet. */
export function knownSeal(cwd: string): PlanSeal | null {
  const file = join(cwd, FOLDER, 'key');
  const text = readOrNull(file);
  if (text === null) return null;
  const key = text.trim();
  if (!/^[0-9a-f]{64}$/.test(key))
    throw new UsageFault(`${FOLDER}/key is no key of plans`, `take the file away; plans made with it are lost`);
  if ((statSync(file).mode & 0o077) !== 0)
    throw new UsageFault(
      `${FOLDER}/key may be read by others: with it, short keys can be guessed from the plans of this folder`,
      `chmod 600 ${FOLDER}/key`,
    );
  return planSeal(new Secret(key));
}

/** The same, with a key drawn where there is none. */
export function ownSeal(cwd: string): PlanSeal {
  const known = knownSeal(cwd);
  if (known !== null) return known;
  const folder = privateFolder(cwd);
  create(join(folder, 'key'), `${randomBytes(32).toString('hex')}\n`);
  const made = knownSeal(cwd);
  if (made === null) throw new Error('the key of plans is not there');
  return made;
}

export function useOf(cwd: string, id: string): PlanUse | null {
  const text = readOrNull(usePath(cwd, id));
  if (text === null) return null;
  try {
    const { at, by, run } = JSON.parse(text) as Partial<PlanUse>;
    return { at: `${at}`, by: `${by}`, run: `${run}` };
  } catch {
    // Cut off while it was written: it was used all the same.
    return { at: 'at an unknown time', by: 'somebody', run: 'unknown' };
  }
}

/** Takes the plan for this use; false when it is taken already. Of two at the same time one gets it. */
export function takePlan(cwd: string, id: string, use: PlanUse): boolean {
  mkdirSync(join(privateFolder(cwd), 'used'), { recursive: true, mode: 0o700 });
  return create(usePath(cwd, id), `${JSON.stringify(use)}\n`);
}

function usePath(cwd: string, id: string): string {
  return join(cwd, FOLDER, 'used', id);
}

/** Kept out of version control. */
function privateFolder(cwd: string): string {
  const folder = join(cwd, FOLDER);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    create(join(folder, '.gitignore'), '*\n');
  } catch (fault) {
    throw new UsageFault(`${FOLDER} cannot be written: ${codeOf(fault)}`);
  }
  return folder;
}

/** False when it is there already. */
function create(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600, flush: true });
    return true;
  } catch (fault) {
    if (codeOf(fault) === 'EEXIST') return false;
    throw new UsageFault(`${file} cannot be written: ${codeOf(fault)}`);
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (fault) {
    if (codeOf(fault) === 'ENOENT') return null;
    throw new UsageFault(`${file} cannot be read: ${codeOf(fault)}`);
  }
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);
}
