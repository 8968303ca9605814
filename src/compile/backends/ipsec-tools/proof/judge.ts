import { type Perspective, perspectives, type Tunnel } from '../../../../model/tunnel.ts';
import {
  type Cause,
  type EndVerdict,
  LAYERS,
  type Layer,
  PROVING,
  type TunnelVerdict,
} from '../../../../model/verdict.ts';
import type { ProofOptions } from '../../backend.ts';
import { associationsLayer } from './associations-layer.ts';
import { daemonLayer } from './daemon-layer.ts';
import type { EndEvidence } from './end-evidence.ts';
import { forwardingLayer, peerLayer, routeLayer } from './network-layers.ts';
import { policiesLayer } from './policies-layer.ts';
import { counterNote, pingLayer, wireLayer } from './traffic-layers.ts';
import { type Finding, type View, viewOf } from './view.ts';

/** Weighs both ends together. The verdict is the same, mirrored, whichever end is named first. */
export function judge(
  tunnel: Tunnel,
  evidence: readonly [EndEvidence | null, EndEvidence | null],
  options: ProofOptions,
): TunnelVerdict {
  const ends = perspectives(tunnel);
  const views = ends.map((end, index) => {
    const seen = evidence[index];
    return seen ? viewOf(end, seen) : null;
  });
  // In an order of their own, so that each text is the same for both orders of the ends.
  const order = [0, 1].sort((a, b) => compare(ends[a], ends[b]));
  const findings = order.map((at) => {
    const [here, there] = [views[at] ?? null, views[1 - at] ?? null];
    return here && { at, here, layers: layersOf(here, there, options) };
  });
  const known = findings.filter((each) => each !== null);
  const isExplained = known.some(({ layers }) => [...layers.values()].some(isDefinite));
  for (const { here, layers } of known) layers.set('peer', peerLayer(here, isExplained));
  const named = namedCause(known.map(({ layers }) => layers));

  const verdicts = ends.map((end, at) => {
    const found = known.find((each) => each.at === at);
    return found ? endVerdict(end, found.layers, named) : unseen(end);
  });
  const mtus = known.flatMap(({ here }) => here.seen.mtu ?? []);
  return {
    tunnel: tunnel.name,
    status: named ? 'failed' : isProven(ends, known) ? 'proven' : 'unproven',
    ends: verdicts,
    cause: named,
    mtu: mtus.length > 0 ? Math.min(...mtus) : null,
    notes: [
      ...notes(order.map((at) => ({ end: ends[at as 0 | 1], view: views[at] ?? null }))),
      ...(options.mtu && mtus.length === 0 ? [NO_MTU] : []),
    ],
  };
}

const NO_MTU =
  'the largest packet was not found: none of 576 bytes passes unfragmented, or the ping there knows no -M do';

type Layers = Map<Layer, Finding>;

interface Found {
  readonly at: number;
  readonly here: View;
  readonly layers: Layers;
}

function layersOf(here: View, there: View | null, options: ProofOptions): Layers {
  return new Map<Layer, Finding>([
    ['daemon', daemonLayer(here)],
    ['policies', policiesLayer(here, there)],
    ['associations', associationsLayer(here, there, options)],
    ['route', routeLayer(here)],
    ['forwarding', forwardingLayer(here)],
    ['ping', pingLayer(here)],
    ['wire', wireLayer(here)],
  ]);
}

/** A fault of its own, from which a silent peer may follow, and which is not itself what a silent peer looks like. */
function isDefinite({ cause }: Finding): boolean {
  return cause !== undefined && !['no-traffic', 'udp-500-blocked', 'one-way'].includes(cause.code);
}

/** The first layer that failed on either end; what has no better name than "no traffic" comes last. */
function namedCause(ends: readonly Layers[]): Cause | null {
  const causes = LAYERS.flatMap((layer) => ends.flatMap((layers) => layers.get(layer)?.cause ?? []));
  const clear = causes.find(({ code }) => code === 'clear-text');
  const first = causes.find(({ code }) => code !== 'no-traffic') ?? causes[0] ?? null;
  // What leaves in clear never asks for an SA.
  return clear && first && WAITING.has(first.code) ? clear : first;
}

const WAITING = new Set<Cause['code']>(['no-traffic', 'udp-500-blocked', 'one-way', 'racoon-stale']);

function endVerdict({ src }: Perspective, layers: Layers, named: Cause | null): EndVerdict {
  let explanation: Layer | null = null;
  const results = LAYERS.map((layer) => {
    const { status, what, cause } = layers.get(layer) ?? { status: 'unknown' as const, what: '' };
    if (explanation !== null && (cause === undefined || cause !== named)) {
      return { layer, status: 'skipped' as const, what: `see ${explanation}` };
    }
    if (status === 'failed') explanation ??= layer;
    return { layer, status, what };
  });
  return { host: src.host, nickname: src.nickname, layers: results };
}

function unseen({ src }: Perspective): EndVerdict {
  const what = src.managed ? 'the host could not be looked at' : 'somebody else manages this end';
  const status = src.managed ? 'unknown' : 'skipped';
  return { host: src.host, nickname: src.nickname, layers: LAYERS.map((layer) => ({ layer, status, what })) };
}

/** Every end that can be looked at was, and each saw its pings answered and its packets encrypted. */
function isProven(ends: readonly Perspective[], known: readonly Found[]): boolean {
  return (
    known.length > 0 &&
    ends.every(({ src }, at) => !src.managed || known.some((each) => each.at === at)) &&
    known.every(({ layers }) => PROVING.every((layer) => layers.get(layer)?.status === 'ok'))
  );
}

function notes(
  ends: readonly { readonly end: Perspective | undefined; readonly view: View | null }[],
): readonly string[] {
  return ends.flatMap(({ end, view }) => {
    if (view) return counterNote(view) ?? [];
    if (!end || end.src.managed) return [];
    return [`${end.src.host} is managed by somebody else: seen from ${end.dst.host} alone`];
  });
}

function compare(a: Perspective | undefined, b: Perspective | undefined): number {
  const name = (end: Perspective | undefined) => `${end?.src.host} ${end?.src.nickname}`;
  return name(a) < name(b) ? -1 : 1;
}
