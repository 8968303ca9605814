import type { FileState } from '../model/host-state.ts';
import { READ_STAT } from './end-tasks.ts';
import type { Frame } from './frames.ts';
import type { ProbeOutput } from './module.ts';
import { probePrelude } from './prelude.ts';
import { path, type Rendering, render, type Script, sh } from './sh.ts';

/** Paths read by one stat and one cat. */
const CHUNK = 64;

export interface ProbeScript {
  readonly text: string;
  /** Gives each script's answer from the frames; null when a file changed size while it was read. */
  read(frames: ReadonlyMap<string, Frame>): readonly ProbeOutput[] | null;
}

/**
 * All probes of a host as one script, in one shell: a fork for each would take longer than most of them run. Files are read
 * for all tasks together, two forks for {@link CHUNK} of them; equal texts run once. Probes travel in argv, so one that
 * carries a secret is a bug. TERM ends it after the running program.
 */
export function probeScript(scripts: readonly Script[], nonce: string, rendering: Rendering): ProbeScript {
  const paths = [...new Set(scripts.flatMap((script) => script.files))];
  const chunks: string[][] = [];
  for (let at = 0; at < paths.length; at += CHUNK) chunks.push(paths.slice(at, at + CHUNK));

  const texts = new Map<string, string>();
  const idOf = scripts.map((script) => {
    if (script.hasSecrets) throw new Error('a probe carries a secret');
    if (script.isEmpty) return null;
    const text = render(script, rendering);
    const known = texts.get(text);
    if (known !== undefined) return known;
    const id = `p${texts.size}`;
    texts.set(text, id);
    return id;
  });

  const pieces = [
    ...chunks.map((chunk, index) => ({
      id: `f${index}`,
      body: `ip_files ${render(sh`${chunk.map(path)}`, rendering)} </dev/null`,
    })),
    ...[...texts].map(([text, id]) => ({ id, body: `{\n${text}\n} </dev/null` })),
  ];
  if (pieces.length === 0) pieces.push({ id: 'nothing', body: ':' });
  const body = pieces.map((piece, index) => {
    const next = pieces[index + 1];
    return `${piece.body}; ${next === undefined ? `ip_d ${piece.id} $?` : `ip_n ${piece.id} $? ${next.id}`}`;
  });
  return {
    text: `${probePrelude(nonce)}
${READ_FILES}
trap 'exit 143' TERM
${READ_STAT}
printf '\\n@@${nonce} b pid\\n%s\\n%s\\n\\n@@${nonce} f pid 0\\n\\n@@${nonce} b %s\\n' $$ "$ip_l" ${pieces[0]?.id}
${body.join('\n')}`,
    read: (frames) => {
      const files = new Map<string, FileState>();
      for (const [index, chunk] of chunks.entries()) {
        const read = readChunk(frames.get(`f${index}`)?.stdout ?? '', chunk, rendering.root);
        if (read === null) return null;
        for (const [name, state] of read) files.set(name, state);
      }
      return scripts.map((script, index) => {
        const frame = frames.get(idOf[index] ?? '');
        return {
          stdout: frame?.stdout ?? '',
          exitCode: frame?.exitCode ?? 0,
          files: new Map(script.files.map((name) => [name, files.get(name) ?? { kind: 'absent' as const }])),
        };
      });
    },
  };
}

/**
 * Prints, for all paths that there are: their stat lines; `|`; the names of those whose content follows; `|`; the contents,
 * one after the other, cut by the sizes that stat gave. Where stat knows no -c (BSD), `ls -ldn` and `ls -ld` give the same;
 * where it failed and does know it, a file went meanwhile.
 */
const READ_FILES = `ip_files() {
  ip_l=
  for ip_p do
    shift
    if [ -e "$ip_p" ]; then set -- "$@" "$ip_p"; fi
  done
  if [ $# -eq 0 ] || stat -L -c '%F|%a|%u|%g|%U|%G|%s|%n' "$@" 2>/dev/null || stat -L -c %a / >/dev/null 2>&1; then :; else
    for ip_p do
      if [ -e "$ip_p" ]; then printf 'ls|%s\\n' "$ip_p"; ls -Lldn "$ip_p"; ls -Lld "$ip_p"; fi
    done
  fi
  for ip_p do
    shift
    if [ -f "$ip_p" ] && [ -r "$ip_p" ]; then ip_l="$ip_l$ip_p
"; set -- "$@" "$ip_p"; fi
  done
  printf '|\\n%s|\\n' "$ip_l"
  if [ $# -gt 0 ]; then cat "$@"; fi
}`;

function readChunk(output: string, paths: readonly string[], root: string): Map<string, FileState> | null {
  const statEnd = output.startsWith('|\n') ? 0 : output.indexOf('\n|\n') + 1;
  const namesStart = statEnd + 2;
  const namesEnd = output.startsWith('|\n', namesStart) ? namesStart : output.indexOf('\n|\n', namesStart) + 1;
  if (namesEnd < namesStart) return null;

  const byTargetName = new Map(paths.map((name) => [Buffer.from(root + name).toString('latin1'), name]));
  const stats = readStats(output.slice(0, statEnd));
  const files = new Map<string, FileState>(paths.map((name) => [name, { kind: 'absent' }]));
  for (const [target, stat] of stats) {
    const name = byTargetName.get(target);
    if (name !== undefined) files.set(name, withoutContent(stat));
  }

  let at = namesEnd + 2;
  for (const target of output.slice(namesStart, namesEnd).split('\n').slice(0, -1)) {
    const stat = stats.get(target);
    const name = byTargetName.get(target);
    if (!stat || name === undefined || stat.kind !== 'file') return null;
    const bytes = output.slice(at, at + stat.size);
    if (bytes.length !== stat.size) return null;
    files.set(name, { ...(withoutContent(stat) as Extract<FileState, { kind: 'file' }>), bytes });
    at += stat.size;
  }
  return at === output.length ? files : null;
}

interface Stat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly owner: string;
  readonly group: string;
  readonly size: number;
}

function withoutContent(stat: Stat): FileState {
  const { kind, type, mode, uid, gid, owner, group } = stat;
  if (kind === 'other') return { kind, type };
  if (kind === 'directory') return { kind, mode, uid, gid, owner, group };
  return { kind, mode, uid, gid, owner, group, bytes: undefined };
}

function readStats(text: string): Map<string, Stat> {
  const stats = new Map<string, Stat>();
  const lines = text.split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (line.startsWith('ls|')) {
      const stat = readLs(lines[index + 1] ?? '', lines[index + 2] ?? '');
      if (stat) stats.set(line.slice(3), stat);
      index += 2;
      continue;
    }
    const [type = '', mode = '', uid = '', gid = '', owner = '', group = '', size = '', ...name] = line.split('|');
    if (name.length === 0) continue;
    const kind = type.startsWith('regular') ? 'file' : type === 'directory' ? 'directory' : 'other';
    stats.set(name.join('|'), {
      kind,
      type,
      mode: Number.parseInt(mode, 8),
      uid: Number(uid),
      gid: Number(gid),
      owner,
      group,
      size: Number(size),
    });
  }
  return stats;
}

/** `-rw-r--r-- 1 0 0 12 Jan 1 00:00 /etc/x`, once with numbers and once with names. */
function readLs(numeric: string, named: string): Stat | null {
  const [flags = '', , uid = '', gid = '', size = ''] = numeric.split(/\s+/);
  const [, , owner = '', group = ''] = named.split(/\s+/);
  if (flags.length < 10) return null;
  const kind = flags[0] === '-' ? 'file' : flags[0] === 'd' ? 'directory' : 'other';
  return {
    kind,
    type: flags[0] ?? '',
    mode: modeOf(flags),
    uid: Number(uid),
    gid: Number(gid),
    owner,
    group,
    size: Number(size),
  };
}

function modeOf(flags: string): number {
  let mode = 0;
  for (let bit = 0; bit < 9; bit += 1) {
    const letter = flags[bit + 1] ?? '-';
    if (letter !== '-' && letter !== 'S' && letter !== 'T') mode |= 1 << (8 - bit);
  }
  if (/[sS]/.test(flags[3] ?? '')) mode |= 0o4000;
  if (/[sS]/.test(flags[6] ?? '')) mode |= 0o2000;
  if (/[tT]/.test(flags[9] ?? '')) mode |= 0o1000;
  return mode;
}
