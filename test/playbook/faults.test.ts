import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../src/lang/diagnostic.ts';
import { readText } from '../compile/support/world.ts';

const FOLDER = join(import.meta.dirname, 'faults');
const CUT = '\n====\n';

/** `UPDATE_GOLDEN=1` writes what is found below the playbook of each case: read the diff. */
const update = process.env.UPDATE_GOLDEN === '1';

describe('what is told of a faulty playbook, at which place', () => {
  for (const name of readdirSync(FOLDER)) {
    test(name.replace('.case', ''), () => {
      const path = join(FOLDER, name);
      const [playbook = '', expected = ''] = readFileSync(path, 'utf8').split(CUT);
      const found = readText(playbook).diagnostics.map(line).join('');
      if (update) writeFileSync(path, `${playbook}${CUT}${found}`);
      else expect(found).toBe(expected);
      expect(found).not.toBe('');
    });
  }
});

function line({ severity, code, message, found, fix, span, related = [] }: Diagnostic): string {
  const places = related.map((one) => `\n    ${one.message}: ${one.span.line}:${one.span.column}`).join('');
  const shown = found === undefined ? '' : `\n    found: ${found}`;
  return `${span?.line}:${span?.column} ${severity} ${code}: ${message}${shown}\n    fix: ${fix ?? ''}${places}\n`;
}
