import { meaning, statements } from '../../../../../modules/shared/racoon-text.ts';
import { racoonConf } from '../racoon-conf.ts';
import { type RacoonOptions, racoonOptions } from '../racoon-options.ts';

/** The options that make this racoon.conf; or where in it something begins that no option says. */
export function optionsOf(text: string): { readonly options: object | null } | { readonly unknownAt: number } {
  const paths: Record<string, string> = {};
  let log: string | undefined;
  let sainfo: Record<string, unknown> = {};
  for (const { tokens } of statements(text)) {
    const [keyword = '', first = '', second = ''] = tokens;
    if (keyword === 'path' && /^".*"$/.test(second)) paths[first] = second.slice(1, -1);
    if (keyword === 'log') log = first;
    if (keyword === 'sainfo') sainfo = sainfoOf(tokens);
  }
  const options = { paths, sainfo, ...(log === undefined ? {} : { log }) };
  const made = racoonConf(racoonOptions([options]));
  if (meaning(made) === meaning(text)) return { options: beside(racoonOptions([options])) };
  const known = new Set(statements(made).map(({ tokens }) => tokens.join('\n')));
  const strange = statements(text).find(({ tokens }) => !known.has(tokens.join('\n')) && tokens[0] !== 'include');
  return { unknownAt: strange?.start ?? 0 };
}

/** Whether these options make this racoon.conf. */
export function saysTheSame(text: string, layers: readonly unknown[]): boolean {
  return meaning(racoonConf(racoonOptions(layers))) === meaning(text);
}

function sainfoOf(tokens: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = { pfs_group: false };
  const body = tokens.slice(tokens.indexOf('{') + 1, tokens.lastIndexOf('}'));
  for (const setting of split(body, ';')) {
    const [name = '', ...words] = setting;
    if (name === '') continue;
    if (name === 'pfs_group') found.pfs_group = Number(words[0]);
    else if (name === 'lifetime') found.lifetime = words.slice(1).join(' ');
    else if (name.endsWith('_algorithm')) {
      const list = split(words, ',').map((each) => each.join(' '));
      found[name] = name === 'compression_algorithm' || list.length === 1 ? list.join(' ') : list;
    }
  }
  return found;
}

function split(tokens: readonly string[], mark: string): readonly (readonly string[])[] {
  const parts: string[][] = [[]];
  for (const token of tokens) {
    if (token === mark) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** What of the options is not the default; null: nothing. */
function beside(options: RacoonOptions): object | null {
  const plain = racoonOptions([]);
  const pick = (all: object, byDefault: object) =>
    Object.fromEntries(
      Object.entries(all).filter(
        ([name, value]) => JSON.stringify(value) !== JSON.stringify(byDefault[name as keyof typeof byDefault]),
      ),
    );
  const paths = pick(options.paths, plain.paths);
  const sainfo = pick(options.sainfo, plain.sainfo);
  const chosen = {
    ...(Object.keys(paths).length === 0 ? {} : { paths }),
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(Object.keys(sainfo).length === 0 ? {} : { sainfo }),
  };
  return Object.keys(chosen).length === 0 ? null : chosen;
}
