import { parseCondition, parseTemplate } from '../lang/jinja/parse.ts';
import { faultDiagnostic, hasTemplate, TemplateFault } from '../lang/template.ts';
import type { Pointer } from '../lang/yaml.ts';
import { isMapping, type Reading } from './fields.ts';

/** Reports every template in `value` that is not well-formed, at its own place. */
export function checkTemplates(reading: Reading, value: unknown, at: Pointer): void {
  if (Array.isArray(value)) value.forEach((item, index) => void checkTemplates(reading, item, [...at, index]));
  else if (isMapping(value))
    for (const [key, item] of Object.entries(value)) checkTemplates(reading, item, [...at, key]);
  else if (typeof value === 'string' && hasTemplate(value)) reportFault(reading, at, () => parseTemplate(value));
}

export function checkCondition(reading: Reading, text: string, at: Pointer): void {
  reportFault(reading, at, () => parseCondition(text));
}

function reportFault(reading: Reading, at: Pointer, parse: () => unknown): void {
  try {
    parse();
  } catch (fault) {
    if (!(fault instanceof TemplateFault)) throw fault;
    reading.diagnostics.push(faultDiagnostic(fault, reading.document.span(at)));
  }
}
