import { cksum } from '../../src/model/cksum.ts';
import type { Content } from '../../src/model/content.ts';
import { fileResource, type HostState } from '../../src/model/host-state.ts';
import type { Secret } from '../../src/model/secret.ts';
import type { ConnectionArgs } from './connection-args.ts';
import { contentOf, fileAt, plain } from './file-change.ts';
import { type MadeChange, madeConnection, madePeer } from './made.ts';
import { connectionPaths } from './policies.ts';
import { pskLines } from './psk-lines.ts';

/**
 * What is to be remembered when the files of a connection are about to be written. One that was there before, made by
 * somebody else, is not remembered, though it is changed; one that is remembered stays so when it changes.
 */
export function madeChanges(args: ConnectionArgs, isThere: boolean, state: HostState): readonly MadeChange[] {
  const { record, nickname, selectors } = args;
  if (record === undefined || selectors === undefined) return [];
  const own = fileAt(state, madeConnection(nickname));
  if (isThere && own.kind !== 'file') return [];
  const ifcfg = args.files?.find(({ path }) => path === connectionPaths(nickname).ifcfg);
  if (ifcfg === undefined) return [];
  const keys = args.files?.find(({ path }) => path === connectionPaths(nickname).keys);
  const text = connectionRecord(record, selectors.dst, ifcfg.content, keys?.content);
  const peer = peerRecord(record, selectors.dst, state);
  return [
    ...(own.kind === 'file' && own.bytes === text ? [] : [{ path: madeConnection(nickname), text }]),
    ...(peer === null || fileAt(state, madePeer(selectors.dst)).kind === 'file'
      ? []
      : [{ path: madePeer(selectors.dst), text: peer }]),
  ];
}

/** No secret is in an ifcfg file: those are in the keys file, of which there is a checksum, to tell another key by. */
function connectionRecord(
  { tunnel, other, keying }: NonNullable<ConnectionArgs['record']>,
  peer: string,
  ifcfg: string | Secret | Content,
  keys: string | Secret | Content | undefined,
): string {
  const lines = plain(contentOf(ifcfg)).split('\n').slice(0, -1);
  const head = [`tunnel ${tunnel}`, `other ${other}`, `keying ${keying}`, `peer ${peer}`];
  if (keys !== undefined) head.push(`keys ${cksum(countingLines(plain(contentOf(keys))))}`);
  return [...head, ...lines.map((line) => `ifcfg ${line}`), ''].join('\n');
}

/** See `keysSum` of made.ts. */
function countingLines(text: string): string {
  const lines = text.split('\n').filter((line) => !/^[ \t]*(#.*)?$/.test(line));
  return lines.map((line) => `${line}\n`).join('');
}

/** What is not there yet of the peer's psk and phase 1 is going to be ours; null: all of it was there. */
function peerRecord(
  { psk, conf }: NonNullable<ConnectionArgs['record']>,
  peer: string,
  state: HostState,
): string | null {
  const pskFile = psk === undefined ? undefined : state.get(fileResource, psk);
  const hasPsk =
    pskFile?.kind === 'file' &&
    (pskFile.bytes === undefined || pskLines(pskFile.bytes).some((line) => line.peer === peer));
  const hasConf = conf !== undefined && state.get(fileResource, conf)?.kind !== 'absent';
  const text = [
    ...(psk === undefined || hasPsk ? [] : [`psk ${psk}\n`]),
    ...(conf === undefined || hasConf ? [] : [`conf ${conf}\n`]),
  ].join('');
  return text === '' ? null : text;
}
