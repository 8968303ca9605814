import type { SchemaFault } from './compile-schema.ts';
import { nearestName } from './did-you-mean.ts';
import { isSensitiveKey } from './sensitive-keys.ts';

/** What to tell a user about one fault. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly found?: string | undefined;
  readonly fix?: string | undefined;
  /** Whether it is about a key of a mapping or about a value. */
  readonly place: 'key' | 'value';
  /** The value itself helps to understand the complaint. */
  readonly showFound: boolean;
}

export function complain(fault: SchemaFault): Complaint {
  const make = COMPLAINTS[fault.keyword] ?? other;
  return make(fault, nameOf(fault));
}

type Make = (fault: SchemaFault, name: string) => Complaint;

const COMPLAINTS: Readonly<Record<string, Make>> = {
  additionalProperties: unknownKey,
  unevaluatedProperties: unknownKey,
  propertyNames: (fault, name) => ({
    code: 'bad-name',
    message: `"${fault.params.propertyName}" is no name for an entry of ${name}`,
    fix: described((fault.schema as Schema | undefined) ?? {}),
    place: 'key',
    showFound: false,
  }),
  required: (fault, name) => ({
    code: 'missing-key',
    message: `"${fault.params.missingProperty}" is missing in ${name}`,
    fix: `add ${fault.params.missingProperty}: …`,
    place: 'key',
    showFound: false,
  }),
  dependentRequired: dependency,
  dependencies: dependency,
  type: (fault, name) => {
    const types = [fault.schema].flat().map(String);
    return about(
      fault,
      'wrong-type',
      `${fault.instancePath === '' ? 'this' : name} must be ${list(types.map((type) => TYPES[type] ?? type))}`,
      quoting(fault, types),
    );
  },
  enum: (fault, name) => notAllowed(fault, name, fault.params.allowedValues as unknown[]),
  const: (fault, name) => notAllowed(fault, name, [fault.params.allowedValue]),
  oneOf: choice,
  anyOf: choice,
  minLength: (fault, name) =>
    about(
      fault,
      'bad-value',
      Number(fault.schema) === 1 ? `${name} is empty` : `${name} is too short, at least ${fault.schema} characters`,
    ),
  maxLength: (fault, name) => about(fault, 'bad-value', `${name} is too long, at most ${fault.schema} characters`),
  minimum: (fault, name) => about(fault, 'bad-value', `${name} must be at least ${fault.schema}`),
  maximum: (fault, name) => about(fault, 'bad-value', `${name} must be at most ${fault.schema}`),
  exclusiveMinimum: (fault, name) => about(fault, 'bad-value', `${name} must be more than ${fault.schema}`),
  exclusiveMaximum: (fault, name) => about(fault, 'bad-value', `${name} must be less than ${fault.schema}`),
  minItems: (fault, name) => count(fault, `${name} needs at least ${entries(fault.schema)}`),
  maxItems: (fault, name) => count(fault, `${name} takes at most ${entries(fault.schema)}`),
  minProperties: (fault, name) => count(fault, `${name} needs at least ${entries(fault.schema)}`),
  maxProperties: (fault, name) => count(fault, `${name} takes at most ${entries(fault.schema)}`),
  uniqueItems: (_fault, name) => ({
    code: 'bad-value',
    message: `${name} names something twice`,
    fix: 'keep one of them',
    place: 'value',
    showFound: false,
  }),
  not: (fault, name) => about(fault, 'bad-value', `${name} must not be written like this`, described(schemaOf(fault))),
};

type Schema = Readonly<Record<string, unknown>>;

function other(fault: SchemaFault, name: string): Complaint {
  return about(fault, 'bad-value', `${name} does not have the right form`, described(schemaOf(fault)));
}

function unknownKey(fault: SchemaFault, name: string): Complaint {
  const key = String(fault.params.additionalProperty ?? fault.params.unevaluatedProperty);
  const known = Object.keys((schemaOf(fault).properties as object | undefined) ?? {});
  const near = nearestName(key, known);
  const fix =
    near !== undefined ? `did you mean "${near}"?` : known.length > 0 ? `one of: ${known.join(', ')}` : 'leave it out';
  return { code: 'unknown-key', message: `unknown key "${key}" in ${name}`, fix, place: 'key', showFound: false };
}

function dependency(fault: SchemaFault, name: string): Complaint {
  const { property, missingProperty } = fault.params;
  return {
    code: 'missing-key',
    message: `"${missingProperty}" is missing in ${name}: "${property}" needs it`,
    fix: `add ${missingProperty}: …`,
    place: 'key',
    showFound: false,
  };
}

function notAllowed(fault: SchemaFault, name: string, allowed: readonly unknown[]): Complaint {
  const shown = allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  const near = typeof fault.data === 'string' ? nearestName(fault.data, shown) : undefined;
  const all = shown.length === 1 ? `${shown[0]}` : `one of: ${shown.join(', ')}`;
  return about(
    fault,
    'not-allowed',
    `${name} cannot have this value`,
    near === undefined ? all : `did you mean "${near}"? ${all}`,
  );
}

function choice(fault: SchemaFault, name: string): Complaint {
  const branches = (Array.isArray(fault.schema) ? fault.schema : []) as Schema[];
  const keys = branches
    .map((branch) => branch.required)
    .filter((keys): keys is string[] => Array.isArray(keys) && keys.length === 1);
  if (keys.length === branches.length && isMapping(fault.data)) {
    const many = Boolean(fault.params.passingSchemas);
    return {
      code: many ? 'too-many-keys' : 'missing-key',
      message: many
        ? `${name} takes only one of ${keys.flat().join(', ')}`
        : `${name} needs ${fault.keyword === 'oneOf' ? 'exactly' : 'at least'} one of ${keys.flat().join(', ')}`,
      fix: many ? 'keep one of them' : `add one of: ${keys.flat().join(', ')}`,
      place: 'key',
      showFound: false,
    };
  }
  const forms = branches.map((branch) => described(branch)).filter((form) => form !== undefined);
  return about(
    fault,
    'wrong-type',
    `${name} has none of the allowed forms`,
    forms.length > 0 ? list([...new Set(forms)]) : undefined,
  );
}

function about(fault: SchemaFault, code: string, message: string, fix?: string): Complaint {
  const isSecret = fault.data !== null && fault.instancePath.split('/').some(isSensitiveKey);
  const found = isSecret ? '[secret]' : kindOf(fault.data);
  return { code, message, found, fix: fix ?? descriptionOf(fault), place: 'value', showFound: true };
}

function count(fault: SchemaFault, message: string): Complaint {
  const size = Array.isArray(fault.data) ? fault.data.length : Object.keys((fault.data as object | null) ?? {}).length;
  return {
    code: 'wrong-count',
    message,
    found: entries(size),
    fix: descriptionOf(fault),
    place: 'key',
    showFound: false,
  };
}

/** A number where a string is wanted is mostly a string without quotes, and the other way round. */
function quoting(fault: SchemaFault, types: readonly string[]): string | undefined {
  const { data } = fault;
  if (types.includes('string') && (typeof data === 'number' || typeof data === 'boolean')) return 'put it in quotes';
  if (typeof data === 'string' && types.some((type) => type === 'integer' || type === 'number')) {
    return /^[-+]?\d+(?:\.\d+)?$/.test(data) ? 'write it without quotes' : 'a number';
  }
  if (types.includes('boolean')) return 'true or false';
  if (types.includes('array') && !Array.isArray(data)) return 'a list: [a, b], or one "- " line for each entry';
  if (types.includes('object') && Array.isArray(data)) return 'a mapping: "name: value" lines without "- "';
  return undefined;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'empty',
};

/** What a schema asks for, in a few words: its `description`, else what can be read off it. */
function described(schema: Schema): string | undefined {
  if (typeof schema.description === 'string') return schema.description;
  if (Array.isArray(schema.enum)) return `one of: ${schema.enum.map(String).join(', ')}`;
  if ('const' in schema) return String(schema.const);
  const required = schema.required;
  if (Array.isArray(required) && required.length > 0) return `a mapping with ${required.join(', ')}`;
  if (schema.type === undefined) return undefined;
  return list([schema.type].flat().map((type) => TYPES[String(type)] ?? String(type)));
}

function descriptionOf(fault: SchemaFault): string | undefined {
  const { description } = schemaOf(fault);
  return typeof description === 'string' ? description : undefined;
}

function schemaOf(fault: SchemaFault): Schema {
  return (fault.parentSchema as Schema | undefined) ?? {};
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  if (value === '[secret]') return value;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The place's name: its key, an entry of a list by its number, or the whole. */
function nameOf(fault: SchemaFault): string {
  if (fault.instancePath === '') return 'this mapping';
  const steps = fault.instancePath.split('/').slice(1);
  const last = (steps.at(-1) ?? '').replaceAll('~1', '/').replaceAll('~0', '~');
  if (!/^\d+$/.test(last)) return `"${last}"`;
  return steps.length > 1 ? `entry ${Number(last) + 1} of "${steps.at(-2)}"` : `entry ${Number(last) + 1}`;
}

function entries(count: unknown): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
