import type { Plan } from '../../src/engine/module.ts';
import { type Content, fromBytes } from '../../src/model/content.ts';
import { reveal } from '../../src/model/secret.ts';

/** A plan's diff for comparing: `PATH: before -> after`, with secrets in angle brackets. */
export function shown(plan: Plan<unknown>): string[] {
  if (plan.kind !== 'change') return [plan.kind];
  return plan.diff.map(({ path, before, after }) => `${path}: ${side(before)} -> ${side(after)}`);
}

function side(content: Content | null): string {
  if (content === null) return 'null';
  return JSON.stringify(
    content.map((part) => (typeof part === 'string' ? fromBytes(part) : `<${reveal(part)}>`)).join(''),
  );
}
