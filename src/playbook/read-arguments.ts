import { error } from '../lang/diagnostic.ts';
import { checkSchema, checkValue, diagnostic } from '../lang/schema.ts';
import { type Pointer, Vaulted } from '../lang/yaml.ts';
import type { Span } from '../model/span.ts';
import { isMapping, type Mapping, mappingField, type Reading } from './fields.ts';
import type { Argument, PlayTask } from './play.ts';
import type { ModuleSpec } from './registry.ts';
import { checkTemplates } from './templates.ts';

type Arguments = Pick<PlayTask, 'args' | 'argsAt'>;

/**
 * Reads a module's arguments: a mapping, or the bare text that stands for one argument, with more under `args`. They are
 * checked against the module's schema as far as they hold no templates; the rest is checked once it is rendered.
 */
export function readArguments(reading: Reading, task: Mapping, key: string, spec: ModuleSpec, at: Pointer): Arguments {
  const { document, diagnostics } = reading;
  const value = task[key];
  const place = [...at, key];
  const more = mappingField(reading, task, 'args', at);
  const morePlace = [...at, 'args'];
  checkTemplates(reading, value, place);
  checkTemplates(reading, more, morePlace);
  const keySpan = document.keySpan(place);

  if (isMapping(value) || value === null) {
    const own = value ?? {};
    const args = [
      ...listed(reading, own, place),
      ...listed(reading, more, morePlace).filter(({ name }) => !(name in own)),
    ];
    if (Object.keys(more).length === 0 && value !== null) {
      diagnostics.push(...checkSchema(spec.args as object, document, place, { templates: true }));
    } else checkMerged(reading, spec, args, keySpan);
    return located(args, keySpan);
  }

  const bare = (free: string, whole: unknown): Arguments => {
    const args = [{ name: free, value: whole, span: document.span(place) }, ...listed(reading, more, morePlace)];
    checkMerged(reading, spec, args, keySpan);
    return located(args, keySpan);
  };
  if (value instanceof Vaulted && spec.free !== undefined) return bare(spec.free, value);
  const text = typeof value === 'string' ? value : document.sourceText(place);
  if (spec.free === undefined || text === undefined) {
    diagnostics.push(notAMapping(reading, place, key, spec, text));
    return located([], keySpan);
  }
  const swallowed = swallowedArgument(text, spec);
  if (swallowed !== undefined) {
    const message = `"${swallowed}=" inside the text of "${key}" would be part of it`;
    const fix = `write \`args:\` below the module, with \`${swallowed}: …\` in it`;
    diagnostics.push(error('key-value-arguments', message, { span: document.span(place), fix }));
  }
  return bare(spec.free, text);
}

function listed(reading: Reading, map: Mapping, at: Pointer): readonly Argument[] {
  return Object.entries(map).map(([name, value]) => ({ name, value, span: reading.document.span([...at, name]) }));
}

function located(args: readonly Argument[], otherwise: Span): Arguments {
  return { args, argsAt: (...path) => args.find(({ name }) => name === path[0])?.span ?? otherwise };
}

function checkMerged(reading: Reading, spec: ModuleSpec, args: readonly Argument[], otherwise: Span): void {
  const values = Object.fromEntries(args.map(({ name, value }) => [name, value]));
  const { argsAt } = located(args, otherwise);
  for (const { pointer, ...complaint } of checkValue(spec.args as object, values, { templates: true })) {
    reading.diagnostics.push(diagnostic(complaint, argsAt(...pointer)));
  }
}

function notAMapping(reading: Reading, place: Pointer, key: string, spec: ModuleSpec, text: string | undefined) {
  const pairs = text === undefined ? [] : keyValues(text);
  const span = reading.document.span(place);
  const [first = '…'] = required(spec);
  if (pairs.length === 0) {
    const fix = `write them as a mapping: \`${key}: { ${first}: … }\``;
    return error('arguments-form', `the arguments of "${key}" must be a mapping`, { span, fix });
  }
  const fix = `write \`${key}: { ${pairs.map((name) => `${name}: …`).join(', ')} }\``;
  return error('key-value-arguments', `"key=value" arguments are not read here`, { span, fix });
}

/** The names in `path=/etc/motd mode=0644`; none when the text is something else. */
function keyValues(text: string): readonly string[] {
  const words = text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? [];
  const names = words.map((word) => /^([a-z_]+)=/.exec(word)?.[1]);
  return names.every((name) => name !== undefined) ? names : [];
}

/** `command: make creates=/x`: Ansible takes the last words as arguments. We do not, and so must say so. */
function swallowedArgument(text: string, spec: ModuleSpec): string | undefined {
  const names = properties(spec).filter((name) => name !== spec.free);
  return names.find((name) => new RegExp(`(^|\\s)${name}=`).test(text));
}

function properties(spec: ModuleSpec): readonly string[] {
  const schema: unknown = spec.args;
  return isMapping(schema) && isMapping(schema.properties) ? Object.keys(schema.properties) : [];
}

function required(spec: ModuleSpec): readonly string[] {
  const schema: unknown = spec.args;
  return isMapping(schema) && Array.isArray(schema.required) ? schema.required.map(String) : [];
}
