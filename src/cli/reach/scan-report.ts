import pico from 'picocolors';
import { visibleLine } from '../../report/visible.ts';
import { fingerprint, hostName, type KnownHostLine } from '../../transport/known-hosts.ts';
import type { KeyStatus, ReviewedKey } from '../../transport/review-host-keys.ts';
import { table } from '../machine/table.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { ScanOptions } from '../options/options.ts';
import { editOf, type ScannedHost } from './project-keys.ts';

export interface ProjectFile {
  /** As the user names it. */
  readonly file: string;
  /** The name of a known_hosts file for people. */
  shown(path: string): string;
}

/** The keys for review, and what must be looked into before they may be written. */
export function scanLines(
  scanned: readonly ScannedHost[],
  { file, shown }: ProjectFile,
  options: ScanOptions,
  terminal: Terminal,
): readonly string[] {
  const colors = pico.createColors(terminal.color.stdout && options.color);
  const rows = scanned.flatMap((one) => rowsOf(one, shown));
  const [head = '', ...body] = table(['HOST', 'NAME', 'TYPE', 'FINGERPRINT', 'STATUS'], rows).split('\n');
  const painted = body.map((line, index) => {
    const [, , , , status = ''] = rows[index] ?? [];
    if (status === 'new') return colors.yellow(line);
    return /^known/.test(status) ? line : colors.red(line);
  });
  const advice = scanned.flatMap((one) => adviceOn(one, { file, shown }, options.replace === true));
  const isNew = scanned.some(({ review }) => review?.keys.some(({ status }) => status.kind === 'new'));
  return [
    colors.bold(head),
    ...painted,
    ...(advice.length === 0 ? [] : ['', ...advice.map((line) => colors.red(line))]),
    ...(isNew ? ['', TRUST] : []),
    '',
  ];
}

const TRUST =
  'A scan believes the network: before you commit new keys, compare them on the consoles of the hosts: ' +
  'ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub';

/** What there is to be written, in words. */
export function summary(scanned: readonly ScannedHost[], file: string, replace: boolean) {
  const edits = scanned.map((one) => editOf(one, replace)).filter((edit) => edit !== null);
  const keys = new Set(
    edits.flatMap(({ name, port, add }) => add.map((key) => `${hostName(name, port)} ${key.toString('base64')}`)),
  );
  const gone = new Set(edits.flatMap(({ remove }) => remove.map(({ line }) => line))).size;
  const what = keys.size === 1 ? '1 key' : `${keys.size} keys`;
  const instead = gone === 0 ? '' : ` in place of ${gone}`;
  return {
    count: keys.size,
    question: `Write ${what}${instead} to ${file}? [y/N] `,
    done: `Wrote ${what}${instead} to ${file}.`,
    left:
      keys.size === 0
        ? `There is nothing to write to ${file}.`
        : `Nothing was written. ${what} can go to ${file}${instead}: --yes writes ${keys.size === 1 ? 'it' : 'them'}.`,
  };
}

/** What `-o json` prints. */
export function scanDocument(
  scanned: readonly ScannedHost[],
  { file, shown }: ProjectFile,
  written: number,
  exitCode: number,
) {
  const hosts = scanned.flatMap((one) => {
    const { knownAs, review, fault } = one;
    const value = {
      name: knownAs === null ? null : hostName(knownAs.name, knownAs.port),
      keys: (review?.keys ?? []).map((reviewed) => ({
        type: reviewed.type,
        fingerprint: fingerprint(reviewed.key),
        status: reviewed.status.kind,
        known: reviewed.status.kind === 'new' ? null : placeOf(reviewed.status.line, shown),
        key: reviewed.key.toString('base64'),
      })),
      error: fault === null ? null : { code: fault.code, message: fault.message, fix: fault.fix ?? null },
    };
    return one.hosts.map((host) => [host, value] as const);
  });
  return { schema: 'ipsec-play/hosts-scan/1', exitCode, file, written, hosts: Object.fromEntries(hosts) };
}

function placeOf({ file, line, type, key }: KnownHostLine, shown: ProjectFile['shown']) {
  return { file: shown(file), line, type, fingerprint: fingerprint(Buffer.from(key, 'base64')) };
}

function rowsOf({ hosts, knownAs, review, fault }: ScannedHost, shown: ProjectFile['shown']): readonly string[][] {
  const host = hosts.join(', ');
  const name = knownAs === null ? '' : hostName(knownAs.name, knownAs.port);
  if (fault !== null) return [[host, name, '', '', fault.message].map(visibleLine)];
  return (review?.keys ?? []).map((key) =>
    [host, name, key.type, fingerprint(key.key), statusOf(key, shown)].map(visibleLine),
  );
}

function statusOf({ type, status }: ReviewedKey, shown: ProjectFile['shown']): string {
  if (status.kind === 'new') return 'new';
  const place = `${shown(status.line.file)}:${status.line.line}`;
  if (status.kind === 'known') return `known ${place}`;
  if (status.kind === 'revoked') return `REVOKED ${place}`;
  const known = fingerprint(Buffer.from(status.line.key, 'base64'));
  return `CHANGED, known is ${status.line.type === type ? '' : `${status.line.type} `}${known} ${place}`;
}

function adviceOn(
  { hosts, knownAs, review, fault }: ScannedHost,
  { file, shown }: ProjectFile,
  replace: boolean,
): readonly string[] {
  const host = hosts.join(', ');
  if (fault !== null) return fault.fix === undefined ? [] : [visibleLine(`${host}: ${fault.fix}`)];
  if (review === null || knownAs === null || review.isSound) return [];
  if (review.keys.some(({ status }) => status.kind === 'revoked')) {
    return [
      `${host}: none of its keys is written. Whoever holds a revoked key is not trusted any more: give it new ones.`,
    ];
  }
  if (replace && review.replaceable.length > 0) return [];
  const name = hostName(knownAs.name, knownAs.port);
  const files = new Set(review.keys.flatMap(({ status }) => changedFile(status)));
  const ways = [
    ...[...files].map((each) => `ssh-keygen -R '${name}' -f '${shown(each)}'`),
    ...(review.replaceable.length > 0 ? [`or, in ${file} alone, hosts scan --replace`] : []),
  ];
  return [
    visibleLine(
      `${host}: none of its keys is written. Somebody may be listening in between. If it was reinstalled, compare the keys ` +
        `on its console, then remove the old ones: ${ways.join(', ')}`,
    ),
  ];
}

function changedFile(status: KeyStatus): readonly string[] {
  return status.kind === 'changed' ? [status.line.file] : [];
}
