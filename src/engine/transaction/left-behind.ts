import { path, Script, sh } from '../sh.ts';
import { pathIn } from './earlier-state.ts';
import { baseProbe, KIT } from './host-kit.ts';

/** How the runs that a host still knows have left its files, against how they are now. */
export interface LeftBehind {
  /** Confirmed runs, the oldest first. */
  readonly runs: readonly {
    readonly id: string;
    /** When it was confirmed: seconds since 1970, by the host's clock. */
    readonly at: number;
    /** By path: whether it is as the run has left it. */
    readonly files: ReadonlyMap<string, boolean>;
    /** The same of its mode and owner; a run of an earlier version has not noted them. */
    readonly modes: ReadonlyMap<string, boolean>;
  }[];
  /** When the file, or its mode or owner, was last changed (st_ctime); a file that is not there is missing. */
  readonly changed: ReadonlyMap<string, number>;
  /** Only root may read it. */
  readonly isDenied: boolean;
}

/** Reads it, for these files beside those of the runs. Only reads. */
export function leftBehindScript(files: readonly string[]): Script {
  return sh`${new Script([{ raw: KIT }])}${baseProbe}
if [ -d "$ip_base" ] && { [ ! -r "$ip_base" ] || [ ! -x "$ip_base" ]; }; then echo denied; fi
for ip_dir in "$ip_base"/runs/*; do
  [ -f "$ip_dir/left" ] && ip_word "$ip_dir/state" && [ "$ip_w" = confirmed ] || continue
  echo "run \${ip_dir##*/}"
  echo "at $(stat -c %Z "$ip_dir/left")"
  ip_stand | while IFS= read -r ip_l; do echo "now $ip_l"; done
  while IFS= read -r ip_l; do echo "left $ip_l"; done <"$ip_dir/left"
  [ -f "$ip_dir/modes" ] || continue
  ip_modes 2>/dev/null | while IFS= read -r ip_l; do echo "mode-now $ip_l"; done
  while IFS= read -r ip_l; do echo "mode-left $ip_l"; done <"$ip_dir/modes"
done
for ip_path in ${files.map((file) => path(file))}; do
  if [ -e "$ip_path" ]; then echo "changed $(stat -c %Z "$ip_path") $ip_path"; fi
done
`;
}

export function readLeftBehind(printed: string, root: string): LeftBehind {
  const said = printed.split('\n');
  const starts = said.flatMap((line, index) => (line.startsWith('run ') ? [index] : []));
  const runs = starts.map((start, index) => {
    const own = said.slice(start, starts[index + 1]);
    const all = (name: string) =>
      own.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
    const compared = (left: string, now: string) => {
      const standing = new Set(all(now));
      return new Map(all(left).map((line): [string, boolean] => [pathIn(line, root), standing.has(line)]));
    };
    const [files, modes] = [compared('left', 'now'), compared('mode-left', 'mode-now')];
    return { id: all('run')[0] ?? '', at: Number(all('at')[0] ?? 0), files, modes };
  });
  const changed = said.flatMap((line): [string, number][] => {
    const [, at, name] = /^changed (\d+) (\/.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.startsWith(`${root}/`) ? name.slice(root.length) : name, Number(at)]];
  });
  return { runs: runs.sort((a, b) => a.at - b.at), changed: new Map(changed), isDenied: said.includes('denied') };
}

export interface Origin {
  /** `left`: as the last run left it. `unknown`: no run has been here. */
  readonly state: 'left' | 'changed' | 'unknown';
  readonly run: string | null;
  /** No run that is kept wrote it: it is concluded from times. */
  readonly byTime: boolean;
}

/**
 * Whether somebody has changed a file since the last run that wrote it; where none that is kept did, since the last run,
 * which found it in order. `attributes`: its mode and owner are asked for.
 */
export function originOf(file: string, attributes: boolean, { runs, changed }: LeftBehind): Origin {
  const last = runs.at(-1);
  if (last === undefined) return { state: 'unknown', run: null, byTime: false };
  const wrote = runs.findLast(({ files }) => files.has(file));
  const isLeft = wrote?.files.get(file);
  const known = attributes ? (wrote?.modes.get(file) ?? (isLeft === false ? false : undefined)) : isLeft;
  if (wrote !== undefined && known !== undefined)
    return { state: known ? 'left' : 'changed', run: wrote.id, byTime: false };
  const at = changed.get(file);
  // Of what a run has written itself, the time may be that of its end.
  const isLater = at !== undefined && (wrote === undefined ? at >= last.at : at > wrote.at);
  return { state: isLater ? 'changed' : 'left', run: wrote?.id ?? null, byTime: true };
}
