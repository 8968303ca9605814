import { Ajv } from 'ajv';
import { AJV_OPTIONS } from './ajv-options.ts';

/** What one keyword of a schema found wrong. */
export interface SchemaFault {
  readonly keyword: string;
  /** JSON pointer (RFC 6901) into the value. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The keyword's own value, and the schema it stands in. */
  readonly schema?: unknown;
  readonly parentSchema?: unknown;
  readonly data?: unknown;
}

export type Validator = (value: unknown) => readonly SchemaFault[];

/**
 * The validator of a JSON Schema (draft 7). In the bundle scripts/compiled-schemas.mjs takes the place of this file: there
 * every schema of scripts/checked-schemas.ts was compiled when it was built, and ajv is not loaded.
 */
export function compileSchema(schema: object): Validator {
  ajv ??= new Ajv(AJV_OPTIONS);
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? [] : ((validate.errors ?? []) as readonly SchemaFault[]));
}

let ajv: Ajv | undefined;
