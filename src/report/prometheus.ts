import type { EndStanding } from '../model/standing.ts';
import { keyAge, type TunnelStatus, trafficOf } from './tunnel-status.ts';

/** Tunnels in Prometheus' text exposition format (version 0.0.4). What is not known has no sample. */
export function prometheusText(tunnels: readonly TunnelStatus[]): string {
  const ends = tunnels
    .filter(({ tunnel }) => tunnel.state === 'present')
    .flatMap((status) =>
      status.tunnel.ends.flatMap((end, index): End[] => {
        if (!end.managed) return [];
        const labels = { tunnel: status.tunnel.name, host: end.host, nickname: end.nickname };
        return [{ status, labels, seen: status.ends[index] ?? null }];
      }),
    );
  return METRICS.map(({ name, help, samples }) => {
    const head = `# HELP ${name} ${escapedHelp(help)}\n# TYPE ${name} gauge\n`;
    const lines = ends.flatMap((end) =>
      samples(end).flatMap(([value, more]) =>
        value === null ? [] : `${name}${labelsText({ ...end.labels, ...more })} ${value}\n`,
      ),
    );
    return head + lines.join('');
  }).join('');
}

interface End {
  readonly status: TunnelStatus;
  readonly labels: Labels;
  readonly seen: EndStanding | null;
}

type Labels = Readonly<Record<string, string>>;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: (end: End) => readonly (readonly [number | null, Labels?])[];
}

/** Of an end that was seen. */
function seenMetric(
  name: string,
  help: string,
  values: (seen: EndStanding) => readonly (readonly [number | null, Labels?])[],
): Metric {
  return { name, help, samples: ({ seen }) => (seen === null ? [] : values(seen)) };
}

const METRICS: readonly Metric[] = [
  {
    name: 'ipsec_tunnel_seen',
    help: 'Whether the end could be looked at.',
    samples: ({ seen }) => [[seen === null ? 0 : 1]],
  },
  {
    name: 'ipsec_tunnel_onboot',
    help: 'Whether the inventory has it up from the boot on: if not, it may be down.',
    samples: ({ status: { tunnel } }) => [[tunnel.onboot ? 1 : 0]],
  },
  seenMetric('ipsec_tunnel_configured', 'Whether its files are as the inventory says.', ({ configured }) => [
    [truth(configured)],
  ]),
  seenMetric('ipsec_tunnel_active', "Whether the kernel's policies are as the inventory says.", ({ active }) => [
    [truth(active)],
  ]),
  seenMetric('ipsec_tunnel_daemon_running', 'Whether the daemon runs that negotiates its keys.', ({ daemon }) => [
    [daemon === 'running' ? 1 : daemon === 'absent' ? 0 : null],
  ]),
  seenMetric('ipsec_tunnel_associations', 'Security associations with the peer that carry traffic.', (seen) => [
    [trafficOf(seen).count],
  ]),
  seenMetric('ipsec_tunnel_association_age_seconds', 'Age of the oldest of them.', (seen) => [[trafficOf(seen).age]]),
  seenMetric('ipsec_tunnel_association_bytes', 'What they have carried; it begins anew with each of them.', (seen) => {
    const { bytes } = trafficOf(seen);
    return [
      [bytes.in, { direction: 'in' }],
      [bytes.out, { direction: 'out' }],
    ];
  }),
  seenMetric('ipsec_tunnel_key_age_seconds', 'Time since the file that holds its key was written.', (seen) => [
    [keyAge(seen)],
  ]),
  {
    name: 'ipsec_tunnel_verified',
    help: 'What came of its last verification from here: 1 proven, 0 failed.',
    samples: ({ status: { verified } }) => [
      [verified === null || verified.status === 'unproven' ? null : verified.status === 'proven' ? 1 : 0],
    ],
  },
  {
    name: 'ipsec_tunnel_verified_timestamp_seconds',
    help: 'When that was.',
    samples: ({ status: { verified } }) => [[verified === null ? null : Math.floor(Date.parse(verified.at) / 1000)]],
  },
  {
    name: 'ipsec_tunnel_pending_confirmation',
    help: 'Runs that may have changed it and wait to be confirmed.',
    samples: ({ status: { pending } }) => [[pending.length]],
  },
];

function truth(answer: EndStanding['active']): number | null {
  return answer === 'unknown' ? null : answer === 'yes' ? 1 : 0;
}

function labelsText(labels: Labels): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${escapedLabel(value)}"`)
    .join(',')}}`;
}

function escapedLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

/** In a help text quotation marks stand as they are. */
function escapedHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
