import type { Options } from 'ajv';

/** How schemas are read, at run time and where the build compiles them. `verbose`: messages quote the schema and the value. */
export const AJV_OPTIONS: Options = {
  allErrors: true,
  verbose: true,
  strict: false,
  validateFormats: false,
  logger: false,
};
