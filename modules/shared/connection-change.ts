import type { Undo } from '../../src/engine/module.ts';
import { lines, nothing, type Script, sh } from '../../src/engine/sh.ts';
import { dropAssociations } from './associations.ts';
import { forgetStale, keepingListed } from './ike-files.ts';
import { notePsks, putPsksBack } from './kept-psks.ts';
import { putRoutesBack } from './kept-routes.ts';
import { applyMade, type MadeChange, removeMadeFolders } from './made.ts';
import { clearMarker, connectionPaths, hasPolicy, removeFolders, setMarker, type Traffic } from './policies.ts';
import { endRacoon, rereadRacoon } from './racoon-daemon.ts';

/** What of a connection's arguments matters once it is decided what to do. */
interface ChangedConnection {
  readonly nickname: string;
  readonly shared?: boolean;
  /** SPIs of manual SAs with the same peer, which stay. */
  readonly spared?: readonly number[];
}

/** The steps, in this order. The marker is set before, and cleared after, what it stands for. */
export interface ConnectionChange {
  readonly setMarker?: boolean;
  readonly down?: Traffic | undefined;
  readonly up?: Traffic | undefined;
  /** What the new files bring up; a network restart or a boot may do so before we do. */
  readonly next?: Traffic | undefined;
  /** The peer whose SAs go while the connection is down, or with it. */
  readonly renews?: string;
  /** It was up before, and only something about it was not in order. */
  readonly wasUp?: boolean;
  /** racoon did not run when the host was read; ifup starts it. */
  readonly startsRacoon?: boolean;
  readonly clearMarker?: boolean;
  /** What is remembered of who created what. */
  readonly made?: readonly MadeChange[];
}

/** The script that makes the change. */
export function makeChange(change: ConnectionChange, args: ChangedConnection): Script {
  const { marker } = connectionPaths(args.nickname);
  return lines([
    change.setMarker ? setMarker(marker) : nothing,
    change.down || change.up ? hasPolicy : nothing,
    change.down ? takeDown(args, change.down) : nothing,
    change.renews ? dropAssociations(change.renews, args.spared ?? []) : nothing,
    change.up && change.clearMarker ? forgetStale(change.up.peer, connectionPaths(args.nickname).ifcfg) : nothing,
    change.up ? bringUp(args.nickname, change.up) : nothing,
    change.clearMarker ? clearMarker(marker) : nothing,
    applyMade(change.made ?? []),
  ]);
}

/** ifdown works with the files in place, so what came up with the new ones goes down while they are there. */
export function undoChange(
  { setMarker: marks, up, next, wasUp, startsRacoon, down, made, renews }: ConnectionChange,
  { nickname, spared }: ChangedConnection,
): Undo {
  const raised = wasUp ? undefined : (up ?? next);
  const hadUp = down ?? (wasUp ? up : undefined);
  return {
    ...(raised ? { before: lines([hasPolicy, takeDownAgain(nickname, raised)]) } : {}),
    after: lines([
      made?.length ? removeMadeFolders : nothing,
      marks ? removeFolders : nothing,
      // ifdown has told racoon to forget the peer, which another connection may lead to as well.
      raised ? (startsRacoon ? endRacoon : rereadRacoon) : nothing,
      hadUp ? hasPolicy : nothing,
      hadUp && wasUp ? bringUp(nickname, hadUp) : nothing,
      hadUp && !wasUp
        ? sh`if ${isUp(hadUp)}; then :; else
${renews ? dropAssociations(renews, spared ?? []) : nothing}${bringUp(nickname, hadUp)}
fi`
        : nothing,
    ]),
    last: putRoutesBack,
  };
}

/** Of an ifup that was cut short the kernel may have the policies of one direction only. */
function takeDownAgain(nickname: string, { source, destination }: Traffic): Script {
  const isLeft = sh`has_policy out ${source} ${destination} || has_policy in ${destination} ${source}`;
  return sh`if ${isLeft}; then ifdown ${nickname} >&2 || :; fi
if ${isLeft}; then
  echo ${`ifdown ${nickname} ran, but the kernel still has its policies (setkey -DP): take it down by hand`} >&2
  exit 1
fi`;
}

function isUp({ source, destination }: Traffic): Script {
  return sh`has_policy out ${source} ${destination} && has_policy in ${destination} ${source}`;
}

// Neither ifup nor ifdown says by its exit code whether it worked: the kernel is asked. What they print goes to stderr,
// and not through a pipe of ours, which racoon would keep open.
function takeDown({ nickname, shared }: ChangedConnection, traffic: Traffic): Script {
  const ifdown = sh`ifdown ${nickname} >&2 || :\n`;
  return sh`${shared ? keepingListed(traffic.peer, ifdown) : ifdown}if has_policy out ${traffic.source} ${traffic.destination}; then
  echo ${`ifdown ${nickname} ran, but the kernel still has its policies (setkey -DP): take it down by hand`} >&2
  exit 1
fi`;
}

function bringUp(nickname: string, traffic: Traffic): Script {
  return sh`${notePsks}ifup ${nickname} >&2 || :
${putPsksBack}if ${isUp(traffic)}; then :; else
  echo ${`ifup ${nickname} ran, but the kernel has no ipsec policies for it (setkey -DP)`} >&2
  exit 1
fi`;
}
