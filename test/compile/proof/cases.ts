import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `== NAME`, what a program printed, `--`, what is read in it. */
export function casesOf(
  name: string,
): readonly (readonly [string, { readonly input: string; readonly read: string }])[] {
  const text = readFileSync(join(import.meta.dirname, 'cases', `${name}.case`), 'utf8');
  return text
    .split(/^== /m)
    .slice(1)
    .map((one) => {
      const [title = '', ...lines] = one.split('\n');
      const cut = lines.indexOf('--');
      return [
        title,
        {
          input: lines.slice(0, cut).join('\n'),
          read: lines
            .slice(cut + 1)
            .join('\n')
            .trimEnd(),
        },
      ] as const;
    });
}
