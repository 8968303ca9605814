import { normal, type Traffic } from '../../../../../modules/shared/policies.ts';
import { type Fault, faultsOf } from './racoon-texts.ts';
import { isNotBefore, loggedAt } from './syslog-time.ts';

/**
 * The faults with one peer since SAs were last made with it, or since racoon began, or its files were written (`since`, as
 * syslog writes the time). Most lines name nobody: such a one belongs to the peer that the negotiation before it was begun
 * with, and to any peer where none is named before it. One that names networks is about theirs.
 */
export function logFaults(
  lines: readonly string[],
  traffic: Pick<Traffic, 'peer' | 'source' | 'destination'>,
  since: string | null = null,
): readonly Fault[] {
  const from = since === null ? null : loggedAt(since);
  let current = true;
  const about = lines.filter((line) => {
    const text = textOf(line);
    const time = loggedAt(line);
    if (text === null || (from !== null && time !== null && !isNotBefore(time, from))) return false;
    const named = isAbout(text, traffic);
    if (named !== null && BEGUN.test(text)) current = named;
    return named ?? current;
  });
  return faultsOf(about.slice(about.findLastIndex((line) => AFRESH.test(line)) + 1));
}

/** When racoon last said that it read its files; null: it did not say. */
export function lastReading(lines: readonly string[]): number | null {
  const line = lines.findLast((each) => READ.test(textOf(each) ?? ''));
  return line === undefined ? null : loggedAt(line);
}

/** What racoon says in a line, of syslog or of a log of its own (plog.c: `2026-11-22 14:34:39: INFO: …`); null: it is another's. */
function textOf(line: string): string | null {
  return /^(?:.*?\bracoon(?:\[\d+\])?: |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: )(.*)$/.exec(line)?.[1] ?? null;
}

/** Null: it names nobody. */
function isAbout(text: string, { peer, source, destination }: Pick<Traffic, 'peer' | 'source' | 'destination'>) {
  const named = (text.match(/\b\d+(?:\.\d+){3}\b(?:\/\d+)?/g) ?? []).map(normal);
  const networks = named.filter((each) => each.includes('/'));
  if (networks.length > 0) return [source, destination].some((each) => networks.includes(each)) || named.includes(peer);
  return named.length === 0 ? null : named.includes(peer);
}

/** isakmp.c: `initiate new phase 1 negotiation: A[500]<=>B[500]`, `IPsec-SA request for B queued due to no phase1 found.` */
const BEGUN = /(?:initiate|respond) new phase [12] negotiation|IPsec-SA request for|request for establishing IPsec-SA/;

/** main.c: what a racoon says first, up to 0.6 by itself, later with the file that it reads. */
const READ = /caught signal (?:1|HUP)$|Reading configuration from|@\(#\)(?!This product)/;

/** pfkey.c, pk_recvupdate and pk_recvadd; main.c. */
const AFRESH = /IPsec-SA established|@\(#\)(?!This product)/;
