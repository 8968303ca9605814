import { lastReading } from './racoon-log.ts';
import { isNotBefore, loggedAt, SLACK } from './syslog-time.ts';
import { type Finding, failed, type View } from './view.ts';

/** racoon runs, and has read the files as they are now. */
export function daemonLayer({ end, seen, manual }: View): Finding {
  const { tunnel, src } = end;
  if (manual !== null) return { status: 'skipped', what: 'manual keying needs no daemon' };
  if (seen.racoon.state === 'unknown') return { status: 'unknown', what: 'whether racoon runs could not be seen' };
  if (seen.racoon.state === 'absent') {
    return failed('racoon does not run', {
      code: 'racoon-not-running',
      message: `racoon does not run on ${src.host}: no new keys can be negotiated`,
      fix: `start it: ifup ${src.nickname} on ${src.host}; where it ends at once, \`racoon -F -f /etc/racoon/racoon.conf\` says why`,
      at: tunnel.at(),
    });
  }
  const unread = unreadFiles(seen);
  if (unread === null) return { status: 'unknown', what: 'racoon runs; when it last read its files could not be seen' };
  if (unread.length > 0)
    return {
      status: 'unknown',
      what: `racoon runs, and may not have read ${unread.join(' and ')} since it was written`,
    };
  return { status: 'ok', what: 'racoon runs, and has read its files' };
}

/**
 * The files that racoon is not known to have read as they are; null: nothing is known. psk.txt is read at each negotiation.
 * Its start tells; at SIGHUP most releases read without a word (session.c, check_sigreq), so not known is not the same as not.
 */
export function unreadFiles({ racoon, written, log }: View['seen']): readonly string[] | null {
  const readAt = lastReading(log);
  if (racoon.started === null && readAt === null) return null;
  return written
    .filter(({ at, shown }) => {
      const byStart = racoon.started !== null && racoon.started >= at - SLACK;
      const file = loggedAt(shown);
      return !byStart && !(readAt !== null && file !== null && isNotBefore(readAt, file));
    })
    .map(({ name }) => name);
}
