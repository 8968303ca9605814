import {
  connectionVariables,
  differingVariables,
  isReadByIfup,
} from '../../../../../modules/shared/connection-files.ts';
import { saying } from '../../../../../modules/shared/sourced-file.ts';
import { type Diagnostic, error, warning } from '../../../../lang/diagnostic.ts';
import { type Content, joined } from '../../../../model/content.ts';
import { reveal } from '../../../../model/secret.ts';
import { perspectives, type Tunnel } from '../../../../model/tunnel.ts';
import { connectionFiles } from '../connection.ts';
import type { EndSeen } from './end.ts';
import { variablePlace } from './place.ts';

/**
 * Holds the files of one end against those that would be written for the tunnel, by the modules' own comparison. What a
 * check would change without harm is told; what it would change for another connection leaves the tunnel out.
 */
export function standsAsWanted(tunnel: Tunnel, index: 0 | 1, end: EndSeen): readonly Diagnostic[] {
  const { host, connection } = end;
  const wanted = connectionFiles(perspectives(tunnel)[index]);
  const texts = [connection.ifcfg, ...(connection.keys === null ? [] : [connection.keys])].map(({ text }) =>
    reveal(text),
  );
  const contents = [wanted.ifcfg.content, ...(wanted.keys.content === null ? [] : [wanted.keys.content])].map(plain);
  const { sourced } = wanted.ifcfg;
  const together = differingVariables(connectionVariables(texts), connectionVariables(contents), sourced, isReadByIfup);
  const hard = together.filter((name) => !SOFT.test(name));
  if (hard.length > 0) {
    const message = `connection ${connection.nickname} of ${host} is left out: ${hard.join(', ')} cannot be expressed as it stands there`;
    return [
      error('import-inexpressible', message, {
        span: variablePlace(host, connection, hard[0] ?? ''),
        fix: 'take it out of the file where it is not needed, and import again',
      }),
    ];
  }
  const [ifcfg = '', keys] = texts;
  const files = [
    saying(wanted.ifcfg.content, ifcfg, sourced) === undefined ? [] : [`ifcfg-${connection.nickname}`],
    isKept(wanted.keys.content, keys) ? [] : [`keys-${connection.nickname}`],
  ].flat();
  if (files.length === 0) return [];
  const names = together.length > 0 ? ` (${together.join(', ')})` : '';
  const message = `${files.join(' and ')} of ${host} will change${names}: it says this in another way, or another place, than the tunnel`;
  return [
    warning('import-pending', message, {
      span: variablePlace(host, connection, together[0] ?? (files[0]?.startsWith('ifcfg') ? 'ONBOOT' : 'IKE_PSK')),
      fix: 'look at it with ipsec-play check',
    }),
  ];
}

function isKept(wanted: Content | null, found: string | undefined): boolean {
  if (wanted === null || found === undefined) return wanted === null && found === undefined;
  return saying(wanted, found, {}) === undefined;
}

/** What makes no other tunnel of it. */
const SOFT = /^(ONBOOT|SRCGW|DSTGW|IKE_ENC|IKE_AUTH|IKE_PSK)$/;

function plain(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}
