import { prelude } from '../prelude.ts';
import { quote } from '../sh.ts';
import { hostKit, type RunOnHost } from './host-kit.ts';

/** What one step needs to be undone beside its files, as shell text; see Undo of module.ts. */
export interface WayBack {
  readonly id: string;
  readonly before: string;
  readonly after: string;
  readonly last?: string;
  /** Whose note it finds; its own where nothing is said. */
  readonly note?: string;
  /** The same for taking that back again. */
  readonly redo?: { readonly before: string; readonly after: string };
}

/**
 * Puts the old state back: what the steps that began have brought up goes down, then the files go back, then what was up
 * comes up, the last step first each time, and then what else was running. It goes on whatever fails, and may be run again. Frames: `b-ID`, `files`,
 * `a-ID`, `l-ID`, and `restored` with 0 where every file is as it was and nothing failed.
 *
 * With two arguments it serves a later run that takes a confirmed one back, says nothing of its own, and leaves the
 * run's state alone: `back DIR` is all of the above; `undo-before DIR` and `undo-after DIR` are its rounds before and after
 * the files, `redo-before DIR` and `redo-after DIR` those of going forward again. DIR holds the journal, and the backups.
 */
export function restoreScript(run: RunOnHost, nonce: string, ways: readonly WayBack[]): string {
  const piece = (round: 'b' | 'a' | 'l', { id, note = id }: WayBack, text: string | undefined) =>
    text === '' || text === undefined
      ? []
      : [
          `if grep -q ${quote(`^begun ${id}$`)} "$ip_dir/journal"; then ip_b ${round}-${id}; ( set -e; ip_note=$ip_dir/backup/${note}.note\n${text}\n); ip_rc=$?; ip_e ${round}-${id} $ip_rc; [ $ip_rc = 0 ] || ip_bad=1; fi`,
        ];
  const lastFirst = [...ways].reverse();
  const round = (name: string, pieces: readonly string[]) => `${name}() {\n:\n${pieces.join('\n')}\n}`;
  const body = [
    'ip_before',
    'ip_b files; ip_each ip_return; ip_rc=$?; ip_e files $ip_rc',
    'ip_after',
    // What came up may have written its own files.
    'ip_each ip_restore || ip_bad=1',
    'ip_last',
  ];
  return `${prelude(nonce)}
${hostKit(run)}trap '' 1 2 13
ip_restore() { { ip_same "$1" "$2" "$3" && ip_alike "$1" "$2" "$3"; } || { ip_return "$1" "$2" "$3" && ip_same "$1" "$2" "$3"; }; }
${round(
  'ip_before',
  lastFirst.flatMap((way) => piece('b', way, way.before)),
)}
${round(
  'ip_after',
  lastFirst.flatMap((way) => piece('a', way, way.after)),
)}
${round(
  'ip_last',
  lastFirst.flatMap((way) => piece('l', way, way.last)),
)}
if [ $# = 2 ]; then
ip_b() { :; }; ip_e() { :; }
${round(
  'ip_redo_before',
  ways.flatMap((way) => piece('b', way, way.redo?.before)),
)}
${round(
  'ip_redo_after',
  ways.flatMap((way) => piece('a', way, way.redo?.after)),
)}
ip_dir=$2; ip_bad=0
case $1 in
  back) ip_before; ip_each ip_return || ip_bad=1; ip_after; ip_each ip_restore || ip_bad=1 ;;
  undo-before) ip_before ;;
  undo-after) ip_after ;;
  redo-before) ip_redo_before ;;
  redo-after) ip_redo_after ;;
esac </dev/null
exit $ip_bad
fi
ip_mark restore.pid
# Their place may be needed.
ip_unstage
ip_undo() {
ip_bad=0
${body.join('\n')}
if [ $ip_bad = 0 ]; then ip_say restored state; else ip_say restore-failed state; fi
ip_b restored; ip_e restored $ip_bad
}
ip_undo </dev/null
printf 'restored\\n' >>"$ip_dir/journal"
rm -f "$ip_dir/restore.pid"
`;
}
