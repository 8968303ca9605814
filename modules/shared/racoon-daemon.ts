import { type Script, sh } from '../../src/engine/sh.ts';
import { resourceKind } from '../../src/model/host-state.ts';

/**
 * Whether racoon ran when the run began, under the one name `host`. Of the run's scope, because the run itself starts it:
 * ifup does so for automatic keying, ifdown never ends it.
 */
export const racoonResource = resourceKind<boolean>('racoon-ran', 'run');

/** One line, the same text for every connection. */
export const probeRacoon: Script = sh`if pidof racoon >/dev/null 2>&1; then echo 'racoon runs'; else echo 'racoon is down'; fi
`;

/** Cuts what {@link probeRacoon} printed from what came after it. */
export function parseRacoon(stdout: string): { readonly ran: boolean; readonly rest: string } {
  const end = stdout.indexOf('\n');
  return { ran: stdout.slice(0, end) === 'racoon runs', rest: stdout.slice(end + 1) };
}

/** racoon reads its old files again. */
export const rereadRacoon: Script = sh`killall -HUP racoon 2>/dev/null || :`;

/** The same where it did not run before: it ends, unless somebody's traffic may wait for it. */
export const endRacoon: Script = sh`if setkey -DP 2>/dev/null | grep -q ipsec; then ${rereadRacoon}
else killall racoon 2>/dev/null || :; fi`;
