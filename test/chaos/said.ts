import type { Ran } from './command-line.ts';

interface Document {
  readonly hosts?: Readonly<
    Record<
      string,
      {
        readonly status: string;
        readonly error?: Named | null;
        readonly tasks?: readonly { readonly error?: Named | null }[];
      }
    >
  >;
}

interface Named {
  readonly code: string;
  readonly message: string;
}

/** What a run says of its hosts. */
export function said(stdout: string): string {
  const document = read(stdout);
  if (document === null) return stdout;
  return Object.entries(document.hosts ?? {})
    .map(([name, { status, error }]) => `${name} ${status}${error ? ` ${error.code}: ${error.message}` : ''}`)
    .join(' | ');
}

/** The codes of what went wrong with its hosts. */
export function codesOf({ stdout }: Ran): readonly string[] {
  return Object.values(read(stdout)?.hosts ?? {}).flatMap(({ error }) => (error ? [error.code] : []));
}

/** All that is named of one host, its tasks included: `code: message`. */
export function namedOf({ stdout }: Ran, host: string): readonly string[] {
  const of = read(stdout)?.hosts?.[host];
  const errors = [of?.error, ...(of?.tasks ?? []).map(({ error }) => error)];
  return errors.flatMap((error) => (error ? [`${error.code}: ${error.message}`] : []));
}

function read(stdout: string): Document | null {
  try {
    return JSON.parse(stdout) as Document;
  } catch {
    return null;
  }
}
