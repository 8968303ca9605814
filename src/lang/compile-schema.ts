import { Ajv } from 'ajv';

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

/** The validator of a JSON Schema (draft 7); the only place that knows ajv. */
export function compileSchema(schema: object): Validator {
  ajv ??= new Ajv({ allErrors: true, verbose: true, strict: false, validateFormats: false, logger: false });
  const validate = ajv.compile(schema);
  return (value) => (validate(value) ? [] : ((validate.errors ?? []) as readonly SchemaFault[]));
}

let ajv: Ajv | undefined;
