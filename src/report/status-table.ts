import type { EndStanding } from '../model/standing.ts';
import type { Verified } from '../model/verdict.ts';
import { bytes, duration } from './amounts.ts';
import { keyAge, type TunnelStatus, trafficOf } from './tunnel-status.ts';
import { visibleLine } from './visible.ts';

export const STATUS_HEAD = ['TUNNEL', 'ENDS', 'CONFIGURED', 'ACTIVE', 'SAS', 'KEY AGE', 'VERIFIED', 'PENDING'];

/** A row a tunnel, both ends side by side. `now`: milliseconds since 1970. */
export function statusRow(status: TunnelStatus, now: number): readonly string[] {
  const [one, other] = endCells(status);
  const sides = one.map((cell, column) => `${cell} | ${other[column]}`);
  return [nameOf(status), ...sides, ...proofCells(status, now)].map(visibleLine);
}

export const NARROW_HEAD = ['TUNNEL', 'CONFIGURED', 'ACTIVE', 'SAS', 'KEY AGE'];

/** The same for a narrow screen: a row an end, below the tunnel's name. */
export function narrowRows(status: TunnelStatus, now: number): readonly (readonly string[])[] {
  const [verified = '', pending = ''] = proofCells(status, now);
  const rows = endCells(status).map(([end = '', ...cells]) => [`  ${end}`, ...cells]);
  const more = [`  verified: ${verified}`, ...(pending === '' ? [] : [`  pending: ${pending}`])];
  return [[nameOf(status)], ...rows, ...more.map((line) => [line])].map((row) => row.map(visibleLine));
}

function nameOf({ tunnel }: TunnelStatus): string {
  return tunnel.state === 'absent' ? `${tunnel.name} (to be removed)` : tunnel.name;
}

/** What differs between the ends: which it is, its files, its kernel, its SAs, its key. */
function endCells({ tunnel, ends }: TunnelStatus): readonly [readonly string[], readonly string[]] {
  const cells = (index: 0 | 1) => {
    const { host, nickname, managed } = tunnel.ends[index];
    const end = ends[index];
    const shown =
      end === null
        ? Array.from({ length: 4 }, () => (managed ? '?' : 'external'))
        : [configuration(end), activity(end), associations(end), ageOfKey(end)];
    return [`${host} ${nickname}`, ...shown];
  };
  return [cells(0), cells(1)];
}

function configuration({ configured, differing }: EndStanding): string {
  return configured === 'differs' ? `differs (${differing.join(', ')})` : configured;
}

function ageOfKey(end: EndStanding): string {
  const age = keyAge(end);
  return age === null ? '-' : duration(age);
}

function proofCells({ verified, pending }: TunnelStatus, now: number): readonly string[] {
  return [verified === null ? 'never' : lastProof(verified, now), pending.join(', ')];
}

function activity({ active, daemon }: EndStanding): string {
  return daemon === 'absent' && active === 'yes' ? 'yes, no daemon' : active;
}

/** `4, 12 min, 336 B`: how many, how old the oldest is, and what they carried both ways. */
function associations(end: EndStanding): string {
  const { count, isLarval, age, bytes: carried } = trafficOf(end);
  if (count === 0) return isLarval ? 'larval' : '-';
  return [String(count), ...(age === null ? [] : [duration(age)]), bytes(carried.in + carried.out)].join(', ');
}

function lastProof({ at, status, cause }: Verified, now: number): string {
  const word = status === 'failed' ? `FAILED${cause === null ? '' : ` (${cause})`}` : WORDS[status];
  return `${word}, ${duration((now - Date.parse(at)) / 1000)} ago`;
}

const WORDS = { proven: 'proven', unproven: 'not proven' } as const;
