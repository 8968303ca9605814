import { prelude } from '../prelude.ts';
import { quote } from '../sh.ts';
import { FOLLOW } from './follow.ts';
import { hostKit, type RunOnHost } from './host-kit.ts';
import { OTHERWISE } from './prepare.ts';

/** Exit code of a way back from where nothing was changed. */
export const NOTHING_DONE = 3;

/**
 * Nothing was changed here, or what was is undone: every trace of the run goes. Frame: `abandon`; exit code 75 where
 * something is changed still: then the keeper goes back, and the backups stay until it has.
 */
export function abandonScript(run: RunOnHost, nonce: string): string {
  return settled(
    run,
    nonce,
    'abandon',
    `[ -d "$ip_dir" ] || exit 0
ip_word "$ip_dir/state"
# On a full disk nothing can be decided any more, and nothing be begun.
if ip_link begun forget || [ "$ip_w" = restored ] || { [ "$ip_w" = prepared ] && [ ! -h "$ip_dir/begun" ]; }; then
  ip_end "$ip_dir/keeper.pid"; ip_end "$ip_dir/restore.pid"; ip_forget
else case $ip_w in
  restore-failed | given-up)
    ip_end "$ip_dir/keeper.pid"; ip_end "$ip_dir/restore.pid"
    ip_unstage; rm -f "$ip_dir"/part-*.sh; ip_unlock ;;
  *)
    # Its backups are all that leads back, so somebody who goes that way is left as well.
    ip_go_back && { ip_alive "$ip_dir/keeper.pid" || ip_keeper; }
    exit ${OTHERWISE} ;;
esac; fi`,
  );
}

/** All hosts of the transaction hold: from here on the keeper does not go back where the tunnels work. Frame: `verified`. */
export function verifiedScript(run: RunOnHost, nonce: string): string {
  return settled(run, nonce, 'verified', proven('verified', 'ip_mark session'));
}

/**
 * All hosts of the transaction hold, and a person is to say whether they stay so: from here on the keeper counts, and goes
 * back without an answer. Frame: `awaiting`.
 */
export function awaitScript(run: RunOnHost, nonce: string): string {
  return settled(run, nonce, 'awaiting', proven('awaiting', ':'));
}

/**
 * A sign of life for the keeper, while other hosts are still at work. Frame: `hold`; exit code 75 where the old state comes
 * back. Where the new one is for good already, as on the first of several that are confirmed, it stands.
 */
export function holdScript(run: RunOnHost, nonce: string): string {
  return settled(
    run,
    nonce,
    'hold',
    `ip_fate
case $ip_f in keep) exit 0 ;; ?*) exit ${OTHERWISE} ;; esac
ip_mark session; printf 'hold\\n' >>"$ip_dir/journal"`,
  );
}

/**
 * The new state is for good. Frame: `confirm`; exit code 75 where the keeper was faster, with the state it has left. The
 * backups stay for RUNS_KEPT runs (fate.ts).
 */
export function confirmScript(run: RunOnHost, nonce: string): string {
  return settled(
    run,
    nonce,
    'confirm',
    `ip_link proven verified && ip_link ended keep || { cat "$ip_dir/state"; exit ${OTHERWISE}; }
ip_end "$ip_dir/keeper.pid"
# What cannot be carried out now, as on a full disk, a keeper carries out later.
ip_kept || ip_keeper`,
  );
}

/**
 * Starts the way back, detached: it may cut this connection off, too. To be sent again where it is not known to have
 * come: a way back that was ended half-way begins anew. The keeper goes it, so that there is somebody who begins anew where
 * nobody sends this again. Frame: `rollback`; exit code 75 where the new state is for good, with that state, and 3 where nothing was changed.
 */
export function rollbackScript(run: RunOnHost, nonce: string): string {
  return settled(
    run,
    nonce,
    'rollback',
    `[ -d "$ip_dir" ] && ip_fate && [ "$ip_f" != forget ] || exit ${NOTHING_DONE}
# A keeper that heard of the decision before it is replaced would go back as well.
[ -n "$ip_f" ] || ip_end "$ip_dir/keeper.pid"
ip_go_back || { cat "$ip_dir/state"; exit ${OTHERWISE}; }
ip_word "$ip_dir/state"
case $ip_w in restored | restore-failed | given-up) exit 0 ;; esac
if ip_alive "$ip_dir/restore.pid"; then exit 0; fi
ip_end "$ip_dir/keeper.pid"; ip_end "$ip_dir/restore.pid"; ip_end "$ip_dir/runner.pid"
ip_keeper`,
  );
}

/** Copies the run's output from its beginning until a line comes on stdin; frame `gone` as in commitScript. */
export function followScript(run: RunOnHost, nonce: string, last: string, process: 'runner' | 'restore'): string {
  return `${prelude(nonce)}
${hostKit(run)}${FOLLOW}
ip_follow ${quote(last)} ${process}; ip_b done; ip_e done 0
`;
}

/**
 * Verified may have been said before, and something decided upon that: a way back is told, and neither its state nor that of
 * a confirmed run is written over.
 */
function proven(state: 'verified' | 'awaiting', sign: string): string {
  return `ip_otherwise() { cat "$ip_dir/state"; exit ${OTHERWISE}; }
ip_link proven verified || ip_otherwise
ip_fate
case $ip_f in keep) exit 0 ;; ?*) ip_otherwise ;; esac
${sign}; ip_say ${state} state && printf '${state}\\n' >>"$ip_dir/journal" || exit 1
# The keeper may have been faster still.
ip_fate; [ "$ip_f" != back ] || ip_otherwise`;
}

function settled(run: RunOnHost, nonce: string, id: string, body: string): string {
  return `${prelude(nonce)}
${hostKit(run)}
ip_b ${id}; (
${body}
) </dev/null; ip_e ${id} $?; ip_b done; ip_e done 0
`;
}
