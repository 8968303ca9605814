import { Secret } from '../model/secret.ts';
import type { Span } from '../model/span.ts';
import { compileSchema, type SchemaFault, type Validator } from './compile-schema.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isPlainMapping, mapInner } from './map-inner.ts';
import { fold } from './schema-fold.ts';
import { type Complaint, complain } from './schema-messages.ts';
import { Vaulted } from './vaulted.ts';
import { Verbatim } from './verbatim.ts';
import type { Located, Pointer } from './yaml.ts';

export interface CheckOptions {
  /** Strings that hold a template are not judged: what they will be is not known yet. */
  readonly templates?: boolean;
}

/**
 * Checks a document, or the part of it at `at`, against a JSON Schema (draft 7). One diagnostic for each mistake.
 * `!vault` values count as strings.
 */
export function checkSchema(
  schema: object,
  document: Located,
  at: Pointer = [],
  options: CheckOptions = {},
): readonly Diagnostic[] {
  return checkValue(schema, valueAt(document.value, at), options).map(({ pointer, place, showFound, ...complaint }) => {
    const where = [...at, ...pointer];
    const found = place === 'value' && showFound ? foundText(document, where, complaint.found) : undefined;
    return diagnostic({ ...complaint, found }, place === 'key' ? document.keySpan(where) : document.span(where));
  });
}

/** A schema's complaint about a value that has no place in a file. */
export interface ValueFault extends Complaint {
  readonly pointer: Pointer;
}

/** Checks a plain value, such as a task's arguments after rendering. Messages never quote a sensitive key's value. */
export function checkValue(schema: object, value: unknown, options: CheckOptions = {}): readonly ValueFault[] {
  const plain = plainly(value);
  const faults = fold(validatorOf(schema)(plain)).filter(
    (fault) => !(options.templates && typeof fault.data === 'string' && /\{[{%]/.test(fault.data)),
  );
  return unique(faults.map((fault) => ({ ...complain(fault), pointer: pointerOf(fault) })));
}

/** A complaint as a diagnostic at a place of the caller's choice. */
export function diagnostic(complaint: Omit<Complaint, 'place' | 'showFound'>, span: Span | undefined): Diagnostic {
  const { code, message, found, fix } = complaint;
  return {
    severity: 'error',
    code,
    message,
    ...(found === undefined ? {} : { found }),
    ...(fix === undefined ? {} : { fix }),
    ...(span === undefined ? {} : { span }),
  };
}

const validators = new WeakMap<object, Validator>();

function validatorOf(schema: object): Validator {
  const cached = validators.get(schema);
  if (cached) return cached;
  const compiled = compileSchema(schema);
  validators.set(schema, compiled);
  return compiled;
}

/** The pointer of what the fault is about: for an unknown key, that key. */
function pointerOf(fault: SchemaFault): Pointer {
  const path = fault.instancePath
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const key = fault.params.additionalProperty ?? fault.params.propertyName;
  return typeof key === 'string' ? [...path, key] : path;
}

function valueAt(value: unknown, pointer: Pointer): unknown {
  return pointer.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value);
}

/** What the user wrote, where a scalar may be shown; else the kind of value. */
function foundText(document: Located, pointer: Pointer, kind: string | undefined): string | undefined {
  if (kind === undefined || kind === '[secret]') return kind;
  return document.sourceText(pointer) || kind;
}

/** Values of our own types as the strings they stand for, so that a schema sees only JSON. */
function plainly(value: unknown): unknown {
  if (value instanceof Vaulted) return '$ANSIBLE_VAULT';
  if (value instanceof Secret) return '[secret]';
  if (value instanceof Verbatim) return plainly(value.value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value) || isPlainMapping(value)) return mapInner(value, plainly);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainly(inner)]));
}

function unique(faults: readonly ValueFault[]): readonly ValueFault[] {
  const seen = new Set<string>();
  return faults.filter((fault) => {
    const id = JSON.stringify([fault.pointer, fault.message]);
    return !seen.has(id) && seen.add(id);
  });
}
