import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { jsonObject } from '../../lang/json-object.ts';
import { checkValue } from '../../lang/schema.ts';
import { PLAN_SCHEMA, type PlanDocument, planText, sealedText } from '../../report/plan-document.ts';
import { planSchema } from '../../report/plan-schema.ts';
import type { PlanSeal } from '../../secrets/plan-seal.ts';
import { UsageFault } from '../exit.ts';

/** Refuses a file that is there, or that cannot be made, before any work is done for it. */
export function mustBeFree(file: string, force: boolean): void {
  if (!force && existsSync(file)) throw new UsageFault(`${file} is there already`, '--force, or another name');
  const folder = dirname(file);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new UsageFault(
      `${file} cannot be written: there is no folder ${folder}`,
      `mkdir -p ${folder}, or another name`,
    );
}

/** With mode 0600. Without `force` no file is ever overwritten. */
export function writePlan(file: string, document: PlanDocument, force: boolean): void {
  const beside = join(dirname(file), `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    writeFileSync(force ? beside : file, planText(document), { flag: 'wx', mode: 0o600, flush: true });
    if (force) renameSync(beside, file);
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault);
    if (code === 'EEXIST') mustBeFree(file, false);
    throw new UsageFault(`${file} cannot be written: ${code}`);
  } finally {
    rmSync(beside, { force: true });
  }
}

export interface PlanRead {
  /** Null: see the diagnostics. */
  readonly plan: PlanDocument | null;
  /** The key is here, and the file is as it was written. */
  readonly isProven: boolean;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a plan. Where its key is here, a file that was altered is refused; without the key nobody can tell. */
export function readPlan(file: string, seal: PlanSeal | null): PlanRead {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return refused('file-unreadable', `${file} cannot be read`, 'check that it is a file and may be read');
  }
  const value = jsonObject(text);
  if (value?.schema !== PLAN_SCHEMA) return refused('plan-form', `${file} is no plan of this version`, MAKE);
  const [fault] = checkValue(planSchema, value);
  if (fault !== undefined)
    return refused('plan-form', `${file} is no plan: ${[...fault.pointer, fault.message].join(': ')}`, MAKE);
  const plan = value as unknown as PlanDocument;
  if (seal === null || seal.keyId !== plan.keyId) return { plan, isProven: false, diagnostics: [] };
  const { seal: given, ...rest } = plan;
  // Also what a reader of the text could take for another plan: keys that come twice.
  if (seal.isSealOf(given, sealedText(rest)) && text === planText(plan))
    return { plan, isProven: true, diagnostics: [] };
  return refused('plan-altered', `${file} was altered after it was written`, MAKE);
}

const MAKE = 'ipsec-play plan PLAYBOOK --out FILE';

function refused(code: string, message: string, fix: string): PlanRead {
  return { plan: null, isProven: false, diagnostics: [error(code, message, { fix })] };
}
