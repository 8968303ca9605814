import { error, warning } from '../lang/diagnostic.ts';
import type { Pointer } from '../lang/yaml.ts';
import { type Mapping, type Reading, wrongType } from './fields.ts';
import type { Condition } from './play.ts';
import { checkCondition } from './templates.ts';

/** Reads `when`, `changed_when` or `failed_when`: an expression, a boolean, or a list of which all must hold. */
export function readConditions(reading: Reading, map: Mapping, key: string, at: Pointer): readonly Condition[] {
  const value = map[key];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) return readCondition(reading, value, key, [...at, key]);
  return value.flatMap((item, index) => readCondition(reading, item, key, [...at, key, index]));
}

function readCondition(reading: Reading, value: unknown, key: string, at: Pointer): readonly Condition[] {
  const span = reading.document.span(at);
  if (typeof value === 'boolean') return [{ text: String(value), span }];
  if (typeof value !== 'string' || value.trim() === '') {
    wrongType(reading, at, key, 'an expression, such as `ansible_distribution == "RedHat"`');
    return [];
  }
  const text = withoutBraces(reading, value, key, at);
  if (text === null) return [];
  checkCondition(reading, text, at);
  return [{ text, span }];
}

/** Ansible takes `when: "{{ x }}"` with a warning, and so do we; braces in the middle of an expression are a mistake. */
function withoutBraces(reading: Reading, text: string, key: string, at: Pointer): string | null {
  if (!/\{\{|\{%/.test(text)) return text;
  const span = reading.document.span(at);
  const inner = /^\s*\{\{((?:(?!\{\{|\}\}).)*)\}\}\s*$/s.exec(text)?.[1]?.trim();
  const message = `"${key}" is an expression already and takes no braces`;
  if (inner === undefined) {
    const fix = 'write the expression without {{ }}: variables stand in it by their names';
    reading.diagnostics.push(error('condition-braces', message, { span, fix }));
    return null;
  }
  reading.diagnostics.push(warning('condition-braces', message, { span, fix: `write \`${key}: ${inner}\`` }));
  return inner;
}
