import { policyTable } from '../../../../../modules/shared/policies.ts';
import { pskLines } from '../../../../../modules/shared/psk-lines.ts';
import { Secret } from '../../../../model/secret.ts';
import type { Perspective } from '../../../../model/tunnel.ts';
import { peerConfPath, RACOON_CONF } from '../paths.ts';
import { parseAssociations } from './associations.ts';
import type { EndEvidence, Way, WrittenFile } from './end-evidence.ts';
import { type Packet, parsePacket } from './packets.ts';
import { parsePhase1, parseSainfo } from './racoon-settings.ts';

/** What the evidence script printed, by the tunnel's name. Nothing, where it did not even begin. */
export function readEvidence(stdout: string, ends: readonly Perspective[]): ReadonlyMap<string, EndEvidence> {
  const { said, packets } = saidIn(stdout);
  if (!said.has('begin')) return new Map();
  const shared = hostEvidence(said, packets);
  return new Map(ends.map((end, index) => [end.tunnel.name, { ...shared, ...endEvidence(end, index, said, shared) }]));
}

export type Said = ReadonlyMap<string, readonly string[]>;

/** What is told, by its name, and the packets that stand between. */
export function saidIn(stdout: string): { readonly said: Said; readonly packets: readonly Packet[] } {
  const said = new Map<string, string[]>();
  const packets: Packet[] = [];
  for (const line of stdout.split('\n')) {
    const [, name, text] = /^([a-z0-9/-]+)\t(.*)$/s.exec(line) ?? [];
    if (name === undefined) {
      const packet = parsePacket(line);
      if (packet) packets.push(packet);
      continue;
    }
    const texts = said.get(name);
    if (texts) texts.push(text ?? '');
    else said.set(name, [text ?? '']);
  }
  return { said, packets };
}

function text(said: Said, name: string): string {
  return (said.get(name) ?? []).join('\n');
}

function hostEvidence(said: Said, packets: readonly Packet[]) {
  const pids = text(said, 'racoon');
  const forwarding = text(said, 'forwarding').trim();
  const states = said.get('wire');
  const isWatched = packets.length > 0 || states?.includes('listening') === true;
  return {
    racoon: {
      state: pids === 'absent' ? ('absent' as const) : /\d/.test(pids) ? ('running' as const) : ('unknown' as const),
      started: numberOf(text(said, 'started')),
    },
    written: writtenFile(RACOON_CONF, text(said, 'conf')),
    policies: said.has('policies')
      ? policyTable(text(said, 'policies'), Number(text(said, 'policies-code')) || 0)
      : { kind: 'fault' as const, why: 'setkey -DP was not run' },
    associations: {
      before: parseAssociations(text(said, 'before')),
      after: parseAssociations(text(said, said.has('after') ? 'after' : 'before')),
    },
    sainfo: parseSainfo(text(said, 'settings')),
    forwarding: /^\d+$/.test(forwarding) ? forwarding !== '0' : null,
    wire: {
      state: isWatched ? ('watched' as const) : wireStateOf(states),
      packets,
    },
    log: said.get('log') ?? [],
  };
}

function wireStateOf(states: readonly string[] | undefined): 'off' | 'absent' | 'deaf' {
  if (states === undefined) return 'off';
  return states.includes('no tcpdump') ? 'absent' : 'deaf';
}

function endEvidence(
  { dst }: Perspective,
  index: number,
  said: Said,
  shared: { readonly written: readonly WrittenFile[] },
) {
  const own = (name: string) => text(said, `${index}/${name}`);
  const peer = own('peer');
  const outside = wayOf(own('outside'));
  return {
    written: [...shared.written, ...writtenFile(peerConfPath(dst.address), own('phase1-written'))],
    psk: pskOf(said.get(`${index}/psk`), dst.address),
    phase1: parsePhase1(own('phase1')),
    outside,
    onlyLeaving: outside.device !== null && said.get('leaving')?.includes(outside.device) === true,
    route: own('route').trim() || null,
    way: wayOf(own('way')),
    peerAnswers: peer === '' ? null : peer === 'answers',
    ping: pingOf(own('answered'), own('ping')),
    mtu: numberOf(own('mtu')),
  };
}

function pskOf(lines: readonly string[] | undefined, peer: string): EndEvidence['psk'] {
  if (lines === undefined) return 'unknown';
  const line = pskLines(lines.join('\n')).find((each) => each.peer === peer);
  return line ? new Secret(line.key) : 'absent';
}

/** `1790000000 Nov 22 14:34:39` */
function writtenFile(name: string, said: string): readonly WrittenFile[] {
  const match = /^(\d+) (.*)$/.exec(said);
  return match ? [{ name, at: Number(match[1]), shown: match[2] ?? '' }] : [];
}

function wayOf(said: string): Way {
  if (said === '') return { found: null, device: null, source: null };
  const device = / dev (\S+)/.exec(said)?.[1] ?? null;
  const source = / src (\S+)/.exec(said)?.[1] ?? null;
  return { found: device !== null && !/^(?:unreachable|prohibit|blackhole) /.test(said), device, source };
}

function pingOf(answered: string, summary: string): EndEvidence['ping'] {
  if (answered === 'no ping') return 'absent';
  const tries = numberOf(answered);
  if (tries === null) return null;
  const match = /(\d+) packets transmitted, (\d+)(?: packets)? received/.exec(summary);
  return { tries, sent: Number(match?.[1] ?? 0), received: Number(match?.[2] ?? 0) };
}

function numberOf(said: string): number | null {
  return /^\d+$/.test(said.trim()) ? Number(said.trim()) : null;
}
