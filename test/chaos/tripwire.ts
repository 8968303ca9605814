import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Stops a host's scripts before a program that they start, so that a fault hits between two exact steps: the scripts are
 * made of these programs, and of nothing else that lasts.
 */
export interface Tripwire {
  set(at: TripAt): void;
  isReached(): boolean;
  off(): void;
  /** Calls of a program of which an argument is like the pattern fail, saying so. Gives how to end that. */
  refuse(program: string, pattern: string, why: string): () => void;
  /** `date` is so many seconds off, or tells any time at all. Gives how to end that. */
  jump(by: number | 'anywhere'): () => void;
  /** Lets the stopped program go on. */
  release(): void;
  /** The programs started since it was set. */
  steps(): readonly Step[];
}

/**
 * The n-th program; the first program at a boundary; or only counted, with the boundary of each (`where`) or without.
 */
export type TripAt = { readonly step: number } | { readonly boundary: string } | 'where' | 'nowhere';

export interface Step {
  readonly program: string;
  /**
   * How far the run has come, as its own folder shows it: its state, the last line of its journal, and which of its marks
   * are there; with `service` while a restart of the network goes on.
   */
  readonly boundary: string;
}

/** `swaps` gets a line for each file that a run moves into place: the run, the file. */
export function tripwireOn(installed: string, programs: string, swaps: string): Tripwire {
  const folder = join(dirname(installed), 'tripwire');
  for (const name of PROGRAMS) {
    const real = ['/usr/bin', '/bin'].map((place) => join(place, name)).find(existsSync);
    if (real !== undefined) writeFileSync(join(installed, name), wrapper(name, real, folder, swaps), { mode: 0o755 });
  }
  writeFileSync(
    join(installed, 'service'),
    `#!/bin/sh\n: >'${folder}/service'\n'${programs}/service' "$@"\nrc=$?\n/bin/rm -f '${folder}/service'\nexit $rc\n`,
    { mode: 0o755 },
  );
  return {
    set: (at) => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder);
      const [how, what] =
        typeof at === 'string' ? [at, ''] : 'step' in at ? ['step', String(at.step)] : ['boundary', at.boundary];
      if (how !== 'nowhere') writeFileSync(join(folder, 'at'), `${how}\n${what}\n`);
    },
    refuse: (program, pattern, why) => {
      const file = join(folder, `refuse-${program}`);
      writeFileSync(file, `${pattern}\n${why}\n`);
      return () => rmSync(file);
    },
    jump: (by) => {
      const file = join(folder, 'jump');
      writeFileSync(file, `${by}\n`);
      return () => rmSync(file);
    },
    off: () => rmSync(join(folder, 'at'), { force: true }),
    isReached: () => existsSync(join(folder, 'reached')),
    release: () => mkdirSync(join(folder, 'go'), { recursive: true }),
    steps: () => {
      try {
        const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
        return lines.map((line) => {
          const [program = '', boundary = ''] = line.split('\t');
          return { program, boundary };
        });
      } catch {
        return [];
      }
    },
  };
}

const PROGRAMS = [
  'mv',
  'ln',
  'mkdir',
  'rm',
  'cp',
  'cmp',
  'cksum',
  'setsid',
  'readlink',
  'grep',
  'chmod',
  'mktemp',
  'date',
];

/** Sets `where`; by what a shell can do itself, so that it takes no time. */
const WHERE = `where() {
  where=; base=$LAB_ROOT/var/lib/ipsec-play
  for dir in "$base"/runs/*; do
    word=; [ ! -f "$dir/state" ] || read -r word <"$dir/state"
    [ "$word" != confirmed ] || continue
    [ -d "$dir" ] || continue
    last=; [ ! -f "$dir/journal" ] || while read -r line; do last=$line; done <"$dir/journal"
    where="$where$word/$last/"
    for mark in "$dir"/*; do
      case \${mark##*/} in
        owner | backup | staged.list | keeper.pid | part-? | begun | runner.pid | armed | proven | ended | restore.pid | left) where="$where \${mark##*/}" ;;
      esac
    done
  done
  [ ! -d "$base/lock" ] || where="$where lock"
  [ ! -f "$folder/service" ] || where="$where service"
}
`;

function wrapper(name: string, real: string, folder: string, swaps: string): string {
  return `#!/bin/sh
folder='${folder}'
${WHERE}stop() {
  if /usr/bin/mkdir "$folder/reached" 2>/dev/null; then
    n=0
    while [ ! -d "$folder/go" ] && [ $n -lt 500 ]; do n=$((n + 1)); /usr/bin/sleep 0.01; done
  fi
}
if [ -f "$folder/at" ] && [ ! -d "$folder/reached" ]; then
  { read -r how; IFS= read -r what; } <"$folder/at"
  case $how in
    where) where; printf '%s\\t%s\\n' ${name} "$where" >>"$folder/log" ;;
    boundary) where; if [ "$where" = "$what" ]; then stop; fi ;;
    step)
      echo ${name} >>"$folder/log"
      if [ "$(/usr/bin/wc -l <"$folder/log")" -ge "$what" ]; then stop; fi ;;
  esac
fi
if [ -f "$folder/refuse-${name}" ]; then
  { read -r pattern; read -r why; } <"$folder/refuse-${name}"
  for word do
    case $word in $pattern) echo "${name}: $word: $why" >&2; exit 1 ;; esac
  done
fi
${name === 'date' ? JUMP(real) : ''}${name === 'mv' ? SWAP(swaps) : ''}exec ${real} "$@"
`;
}

const JUMP = (real: string) => `if [ -f "$folder/jump" ]; then
  read -r by <"$folder/jump"
  case $by in
    anywhere) exec ${real} -d "@$(( ($(${real} +%N | sed 's/^0*//') + 0) * 2 ))" "$@" ;;
    *) exec ${real} -d "@$(( $(${real} +%s) + by ))" "$@" ;;
  esac
fi
`;

const SWAP = (swaps: string) => `for word do :; done
case $word in */.*ipsec-play* | */cron.d/*) ;; "$LAB_ROOT"/etc/*) echo "\${IPSEC_PLAY_RUN-} $word" >>'${swaps}' ;; esac
`;
