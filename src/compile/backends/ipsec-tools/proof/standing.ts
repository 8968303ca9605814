import { connectionVariables, sameConnection } from '../../../../../modules/shared/connection-files.ts';
import { lines, nothing, path, type Script, sh } from '../../../../engine/sh.ts';
import { type Content, joined } from '../../../../model/content.ts';
import { reveal } from '../../../../model/secret.ts';
import type { EndStanding, StandingAssociation } from '../../../../model/standing.ts';
import type { Perspective, Tunnel } from '../../../../model/tunnel.ts';
import { isUnopened } from '../../../../model/unopened.ts';
import type { Standing } from '../../backend.ts';
import { connectionFiles } from '../connection.ts';
import { daemonLayer, unreadFiles } from './daemon-layer.ts';
import { functions, host, logs, standingOf, WITHOUT_KEYS } from './evidence-script.ts';
import { policiesLayer } from './policies-layer.ts';
import { readEvidence, type Said, saidIn } from './read-evidence.ts';
import { associationsOf, policiesOf, type View, viewOf } from './view.ts';

/** The part of the evidence that is there to be seen, and the connections' own files. */
export const standing: Standing = { look: standingScript, read: readStanding };

function standingScript(ends: readonly Perspective[]): Script {
  if (ends.length === 0) return nothing;
  return sh`(
exec </dev/null 2>/dev/null
${functions}
whole() {
  if [ -r "$2" ]; then say "$1" "$(cat "$2")"; say "$1-at" "$(stat -c %Y "$2")"
  elif [ -e "$2" ]; then say "$1-denied" yes; fi
}
say begin "$(date +%s)"
${host}
say before "$(setkey -D${WITHOUT_KEYS})"
${lines(ends.map(standingOf))}
${lines(ends.map(ownFiles))}
${logs}
say end "$(date +%s)"
)
`;
}

function ownFiles(end: Perspective, index: number): Script {
  const { ifcfg, keys } = connectionFiles(end);
  return sh`whole ${`${index}/ifcfg`} ${path(ifcfg.path)}
whole ${`${index}/keys`} ${path(keys.path)}
`;
}

function readStanding(stdout: string, ends: readonly Perspective[]): ReadonlyMap<string, EndStanding> {
  const { said } = saidIn(stdout);
  const evidence = readEvidence(stdout, ends);
  const now = secondsOf(said, 'begin');
  return new Map(
    ends.flatMap((end, index): [string, EndStanding][] => {
      const seen = evidence.get(end.tunnel.name);
      if (seen === undefined) return [];
      const view = viewOf(end, seen);
      const keyed = said.has(`${index}/keys`) ? 'keys' : 'ifcfg';
      const stands = {
        ...configuration(view, index, said),
        ...activity(view),
        ...daemon(view),
        associations: associations(view),
        keyChanged: end.tunnel.keying.method === 'x509' ? null : secondsOf(said, `${index}/${keyed}-at`),
        now,
      };
      return [[end.tunnel.name, stands]];
    }),
  );
}

function configuration({ end, seen }: View, index: number, said: Said): Pick<EndStanding, 'configured' | 'differing'> {
  const { nickname } = end.src;
  const own = (name: string) => said.get(`${index}/${name}`)?.join('\n') ?? null;
  if (own('ifcfg-denied') !== null || own('keys-denied') !== null) return { configured: 'unknown', differing: [] };
  const files = connectionFiles(end);
  const [ifcfg, keys] = [own('ifcfg'), own('keys')];
  // Without the inventory's keys it can only be seen whether there are any.
  const closed = hasClosedKeys(end.tunnel);
  const hasKeys = closed ? (keys === null) === (files.keys.content === null) : isSame(keys, files.keys.content);
  const differing = [
    ...(isSame(ifcfg, files.ifcfg.content) ? [] : [`ifcfg-${nickname}`]),
    ...(hasKeys ? [] : [`keys-${nickname}`]),
    ...(hasItsPsk({ end, seen }) ? [] : ['psk.txt']),
  ];
  if (ifcfg === null) return { configured: 'no', differing };
  if (differing.length > 0) return { configured: 'differs', differing };
  const isUnclear = closed || (end.tunnel.keying.method === 'psk' && seen.psk === 'unknown');
  return { configured: isUnclear ? 'unknown' : 'yes', differing };
}

/** By meaning, when it starts among it. */
function isSame(found: string | null, wanted: Content | null): boolean {
  if (found === null || wanted === null) return found === wanted;
  const bytes = joined(wanted);
  const [a, b] = [found, typeof bytes === 'string' ? bytes : reveal(bytes)].map((text) => connectionVariables([text]));
  return a !== undefined && b !== undefined && sameConnection(a, b) && startsAtBoot(a) === startsAtBoot(b);
}

function startsAtBoot({ variables }: ReturnType<typeof connectionVariables>): boolean {
  return !/^(no|false)$/i.test(variables.get('ONBOOT') ?? 'yes');
}

function hasItsPsk({ end: { tunnel }, seen: { psk } }: Pick<View, 'end' | 'seen'>): boolean {
  if (tunnel.keying.method !== 'psk' || psk === 'unknown') return true;
  return psk !== 'absent' && (isUnopened(tunnel.keying.psk) || reveal(psk) === reveal(tunnel.keying.psk));
}

function hasClosedKeys({ keying }: Tunnel): boolean {
  if (keying.method === 'psk') return isUnopened(keying.psk);
  if (keying.method === 'x509') return false;
  const keys = keying.sent.flatMap(({ ah, esp }) => [ah?.key, esp?.key, esp?.authenticationKey]);
  return keys.some((key) => key !== undefined && isUnopened(key));
}

function activity(view: View): Pick<EndStanding, 'active' | 'what'> {
  const { status, what } = policiesLayer(view, null);
  if (status === 'unknown') return { active: 'unknown', what };
  if (status === 'ok') return { active: 'yes', what };
  const isThere = (['out', 'in', 'fwd'] as const).some((direction) => policiesOf(view, direction).length > 0);
  return { active: isThere ? 'differs' : 'no', what };
}

function daemon(view: View): Pick<EndStanding, 'daemon' | 'unread'> {
  if (view.manual !== null) return { daemon: 'unneeded', unread: [] };
  const { state } = view.seen.racoon;
  if (state !== 'running') return { daemon: state, unread: null };
  return { daemon: 'running', unread: daemonLayer(view).status === 'ok' ? [] : unreadFiles(view.seen) };
}

function associations(view: View): readonly StandingAssociation[] {
  return (['out', 'in'] as const).flatMap((direction) =>
    associationsOf(view, direction).map(({ protocol, spi, state, age, bytes }) => ({
      direction,
      protocol,
      spi,
      state,
      age,
      bytes,
    })),
  );
}

function secondsOf(said: Said, name: string): number | null {
  const text = said.get(name)?.[0] ?? '';
  return /^\d+$/.test(text) ? Number(text) : null;
}
