import { statementsIn } from '../../../modules/shared/shell-assignments.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import type { Files } from './fake-host.ts';

/** The same files as somebody may have written them: in another order, with comments, quotes, and variables of others. */
export function handWritten(
  { name, files }: { readonly name: string; readonly files: Files },
  all: readonly Tunnel[],
  random: () => number,
  /** Not where a kernel runs already that took another of the host's addresses. */
  withSource = true,
): Files {
  return new Map(
    [...files].map(([path, { mode, text }]) => {
      const nickname = /\/(?:ifcfg|keys)-(.*)$/.exec(path)?.[1];
      if (nickname === undefined) return [path, { mode, text }];
      const tunnel = all.find(({ ends }) => ends.some((end) => end.host === name && end.nickname === nickname));
      const own = tunnel?.ends.find((end) => end.host === name);
      const isIfcfg = path.includes('/ifcfg-');
      const kept = statementsIn(text).assignments.filter(
        (each) => !(isIfcfg && OWN_CONCLUSION.test(each.name) && random() % 3 === 0),
      );
      const lines = kept.map(
        (each) => `${pick(['', '', '  ', 'export '], random)}${each.name}=${quoted(each.value ?? '', random)}`,
      );
      if (isIfcfg && withSource && random() % 2 === 0) lines.push(`SRC=${own?.address}`);
      if (isIfcfg && random() % 2 === 0)
        lines.push(`KEYING=${tunnel?.keying.method === 'manual' ? 'manual' : 'automatic'}`);
      for (let count = random() % 5; count > 0; count -= 1) lines.push(pick(STRANGE, random));
      const shuffled = lines.map((line) => ({ line, rank: random() })).sort((a, b) => a.rank - b.rank);
      const written = shuffled
        .map(({ line }) => `${line}${pick(['\n', '\n', '  # why\n', '\n\n', ' \n'], random)}`)
        .join('');
      return [path, { mode: isIfcfg && random() % 3 === 0 ? 0o600 : mode, text: written }];
    }),
  );
}

/** What the scripts know without being told. */
const OWN_CONCLUSION = /^(SRCGW|DSTGW)$/;

const STRANGE = [
  '# an old one: IKE_PSK=before',
  'USERCTL=no',
  '',
  '\t',
  "NOTE='$(date)'",
  'LOGGED="$(date)"',
  'PEERDNS="no"',
  '#DST=10.0.0.1',
];

function pick<T>(items: readonly T[], random: () => number): T {
  return items[random() % items.length] as T;
}

function quoted(value: string, random: () => number): string {
  const single = `'${value.replaceAll("'", `'\\''`)}'`;
  const double = `"${value.replaceAll(/[$`"\\]/g, '\\$&')}"`;
  const escaped = value.replaceAll(/[^A-Za-z0-9]/g, '\\$&');
  const bare = /^[A-Za-z0-9_@%+=:,./-]+$/.test(value) ? value : single;
  return pick([single, double, escaped, bare], random);
}
