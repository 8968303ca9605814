import { cksum } from '../../model/cksum.ts';
import { joined } from '../../model/content.ts';
import type { FileState } from '../../model/host-state.ts';
import { reveal } from '../../model/secret.ts';
import { prelude } from '../prelude.ts';
import { type FileWrite, octal, quote } from '../sh.ts';
import { hostKit, type RunOnHost } from './host-kit.ts';

/** A path that the run may change, as it was when the host was read. */
export interface Touched {
  readonly path: string;
  /** `undefined`: nobody has read it, it is only backed up. */
  readonly seen: FileState | undefined;
  /** Programs of the host write it, too, and may put its lines in another order at any time, as ifup does at boot. */
  readonly isHosts: boolean;
}

/** All that is brought to a host before anything on it is changed. */
export interface Preparation {
  readonly run: RunOnHost;
  readonly nonce: string;
  /** The first part takes the lock and starts the keeper; a later one finds it still held. */
  readonly part: number;
  readonly touched: readonly Touched[];
  /** Number of the first of `touched` in the run. */
  readonly firstTouched: number;
  /** By step: what prints the running state that it may lose. */
  readonly notes: ReadonlyMap<string, string>;
  readonly writes: readonly StagedWrite[];
  /** The shell text of the changes, of the way back, and of the keeper. */
  readonly partScript: string;
  readonly restoreScript: string;
  readonly keeperScript: string;
  /** Succeeds while the changed tunnels let traffic through; empty where nobody can tell. */
  readonly healthScript: string;
  /** Who this is, in lines `key value`, for whoever finds the lock. */
  readonly owner: readonly string[];
}

export interface StagedWrite {
  /** Unique in the run. */
  readonly number: string;
  readonly write: FileWrite;
}

/** Exit code of a piece that found the host other than expected (EX_TEMPFAIL of sysexits.h). */
export const OTHERWISE = 75;

/**
 * Takes the lock, compares, backs up, stages the new files beside the old ones, and starts the keeper. Frames: `lock` (75:
 * held by another run, whose owner is printed), `guard` (75: the printed paths changed since they were read), `backup`,
 * `stage`, `keeper`. Whatever fails ends it with nothing left behind.
 */
export function prepareScript(given: Preparation): string {
  const { run, nonce, part } = given;
  const first = part === 1;
  const at = (path: string) => quote(Buffer.from(run.rendering.root + path, 'utf8').toString('latin1'));
  const guards = given.touched.flatMap(({ path, seen }) => guard(at(path), seen));
  const keeps = given.touched.map(
    ({ path, isHosts }, index) =>
      `ip_keep ${given.firstTouched + index} ${at(path)}${isHosts ? ' host' : ''} || exit 1`,
  );
  const notes = [...given.notes].map(([id, text]) => `(\n:\n${text}\n) >"$ip_dir/backup/${id}.note" 2>/dev/null || :`);
  const stages = given.writes.map(({ number, write }) => {
    const bytes = joined(write.content);
    const content = quote(typeof bytes === 'string' ? bytes : reveal(bytes));
    return `ip_stage ${number} ${at(write.path)} ${octal(write.mode)} ${quote(write.owner ?? '')} ${content} || exit 1`;
  });
  const undo = first ? 'ip_forget' : ':';
  const step = (id: string, body: readonly string[], onFailure: string) =>
    `ip_b ${id}; (\n:\n${body.join('\n')}\n) </dev/null; ip_rc=$?; ip_e ${id} $ip_rc; [ $ip_rc = 0 ] || { ${onFailure}; return 0; }`;
  return `${prelude(nonce)}
${hostKit(run)}${STAGE}
ip_prepare() {
${step('lock', first ? lock(given.owner) : [`ip_fate; [ -d "$ip_dir" ] && [ -z "$ip_f" ] || exit ${OTHERWISE}`], ':')}
${step('guard', ['ip_otherwise=0', ...guards, '[ $ip_otherwise = 0 ] || exit 75'], undo)}
${step('backup', [...keeps, ...notes], undo)}
${step('stage', stages, undo)}
${step(
  'keeper',
  [
    `printf %s ${quote(given.partScript)} >"$ip_dir/part-${part}.sh" || exit 1`,
    // A way back that knew less may be on its way already.
    `printf %s ${quote(given.restoreScript)} >"$ip_dir/.restore~" && mv -f "$ip_dir/.restore~" "$ip_dir/restore.sh" || exit 1`,
    ...(given.healthScript === '' ? [] : [`printf %s ${quote(given.healthScript)} >"$ip_dir/health.sh" || exit 1`]),
    ...(first ? startKeeper(given.keeperScript) : []),
  ],
  undo,
)}
}
ip_prepare; ip_b done; ip_e done 0
`;
}

function guard(path: string, seen: FileState | undefined): readonly string[] {
  const differs = `{ printf '%s\\n' ${path}; ip_otherwise=1; }`;
  if (seen === undefined || seen.kind === 'other') return [];
  if (seen.kind === 'absent') return [`[ ! -e ${path} ] || ${differs}`];
  if (seen.kind === 'directory') return [`[ -d ${path} ] || ${differs}`];
  if (seen.bytes === undefined) return [];
  return [`[ "$(cksum <${path} 2>/dev/null)" = ${quote(cksum(seen.bytes))} ] || ${differs}`];
}

function lock(owner: readonly string[]): readonly string[] {
  const lines = owner.map((line) => quote(Buffer.from(line, 'utf8').toString('latin1'))).join(' ');
  return [
    `mkdir -p "$ip_base/runs" || exit 1`,
    // Anybody may make folders where that of who is not root is.
    `if [ -h "$ip_base" ] || [ ! -O "$ip_base" ]; then echo "$ip_base belongs to somebody else" >&2; exit 1; fi`,
    // The run's own folder comes first, so that whoever finds the lock finds who holds it.
    `[ ! -d "$ip_dir" ] || { ${HELD}; exit ${OTHERWISE}; }`,
    `mkdir "$ip_dir" && ip_mark session && ip_boot && printf '%s\\n' "$ip_w" >"$ip_dir/boot" && ip_say prepared state && mkdir "$ip_dir/backup" "$ip_dir/staged" && { printf '%s\\n' "$ip_id" ${lines} && date '+since %s'; } >"$ip_dir/owner" && : >"$ip_dir/manifest" && : >"$ip_dir/journal" || { rm -rf "$ip_dir"; exit 1; }`,
    `if mkdir "$ip_base/lock" 2>/dev/null; then :; elif [ -d "$ip_base/lock" ]; then ${HELD}; rm -rf "$ip_dir"; exit ${OTHERWISE}; else mkdir "$ip_base/lock"; rm -rf "$ip_dir"; exit 1; fi`,
    `cp "$ip_dir/owner" "$ip_base/lock/owner" || { ip_forget; rm -rf "$ip_base/lock"; exit 1; }`,
  ];
}

/** Who has the lock, and what has become of that run. */
const HELD = `cat "$ip_base/lock/owner" 2>/dev/null; if ip_word "$ip_base/lock/owner" && ip_word "$ip_base/runs/$ip_w/state"; then echo "state $ip_w"; fi`;

function startKeeper(script: string): readonly string[] {
  return [`printf %s ${quote(script)} >"$ip_dir/keeper.sh" || exit 1`, 'ip_keeper || exit 1', 'ip_at_boot 2>/dev/null'];
}

/**
 * `ip_stage N PATH MODE OWNER CONTENT` writes beside PATH, so that a full disk or a file system that is read-only shows
 * before anything is changed; where PATH's folder is yet to come, into the run's own.
 */
const STAGE = String.raw`ip_stage() {
  ip_to=$2
  if [ -h "$2" ]; then ip_to=$(readlink -f "$2") || return 1; fi
  if [ -d "$ip_to" ]; then echo "$ip_to is a directory" >&2; return 1; fi
  ip_new=$ip_dir/staged/$1
  if [ -d "${'$'}{ip_to%/*}/" ]; then ip_new=${'$'}{ip_to%/*}/.${'$'}{ip_to##*/}.ipsec-play-$1~; fi
  printf '%s\n' "$ip_new" >>"$ip_dir/staged.list" && printf '%s\n' "$ip_new" >"$ip_dir/staged/$1.at" && rm -f "$ip_new" || return 1
  ( umask 077; set -C; printf %s "$5" >"$ip_new" ) || return 1
  if [ -n "$4" ]; then chown "$4" "$ip_new" || return 1; fi
  chmod "$3" "$ip_new"
}`;
