import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Fleet, startFleet } from '../test/support/fleet.ts';
import { canRunFleet } from '../test/support/fleet-needs.ts';
import { until } from '../test/support/until.ts';
import { type Contestant, STEPS, type Step } from './contestant.ts';
import { inEarnest } from './fleet.ts';
import { floor } from './floor.ts';
import { router } from './hosts.ts';
import { ipsecPlay } from './ipsec-play.ts';
import { median } from './measure.ts';
import { pristine } from './pristine.ts';
import { milliseconds, type Ratios, table } from './table.ts';

/** Milliseconds that a message and its answer take longer. */
const DELAYS = [0, 20, 100, 300];
const ROUNDS = 3;
const HOUR = 3_600_000;

/**
 * As docs/performance.md says, of a host whose tunnel's other end is managed by nobody here. Of a pair it is 19 a host, and
 * one host commits when the other's new connection has proven that it is well, 9 later: commit, letting go, connect,
 * session, probe.
 */
const DESIGN: Readonly<Record<number, Readonly<Record<Step, number>>>> = {
  1: { check: 7, 'first apply': 18, 'no-op apply': 7 },
  2: { check: 7, 'first apply': 19 + 9, 'no-op apply': 7 },
};

interface Distance {
  readonly name: string;
  readonly step: Step;
  /** Milliseconds of each run, by the delay. */
  readonly walls: Map<number, number[]>;
  /** What the proxy has counted, in each run with a delay. */
  readonly counted: number[];
}

/** One host, and the two ends of a tunnel, a long way off: what a round trip more costs is how many there are. */
export async function benchDelay(rounds: number | null): Promise<Ratios> {
  if (!canRunFleet()) return {};
  const fleet = await startFleet({ hosts: [router(0), router(1)] });
  try {
    const ratios: Ratios = {};
    for (const count of [1, 2]) Object.assign(ratios, await benchCount(fleet, count, rounds ?? ROUNDS));
    return ratios;
  } finally {
    await fleet.stop();
  }
}

async function benchCount(fleet: Fleet, count: number, rounds: number): Promise<Ratios> {
  const hosts = Array.from({ length: count }, (_, index) => fleet.host(router(index).name));
  const far = await farAway(
    fleet,
    hosts.map(({ address }) => address),
  );
  const contestants = [ipsecPlay, floor].map((one, index) => {
    const dir = join(fleet.dir, `delay-${count}-${index}`);
    mkdirSync(dir);
    return one({ fleet, count, dir, ports: far.ports });
  });
  const distances = contestants.flatMap(({ name, steps }) =>
    steps.map((step): Distance => ({ name, step, walls: new Map(DELAYS.map((delay) => [delay, []])), counted: [] })),
  );
  const originals = hosts.map(({ root }) => pristine(root));
  const measure = async (one: Contestant, delay: number) => {
    for (const original of originals) original.restore();
    for (const step of one.steps) {
      await far.delay(delay);
      const { wall } = await inEarnest(one, step, hosts);
      const roundTrips = await far.delay(delay);
      const distance = distances.find(({ name, step: its }) => name === one.name && its === step);
      distance?.walls.get(delay)?.push(wall);
      // Without a delay what nobody waits for is counted too: nothing is on its way when it is sent.
      if (delay > 0) distance?.counted.push(roundTrips);
    }
  };
  try {
    for (let round = 0; round < rounds; round += 1) {
      process.stderr.write(`${count === 1 ? '1 host' : 'a pair'} far away, round ${round + 1} of ${rounds}\n`);
      for (const delay of DELAYS) for (const one of contestants) await measure(one, delay);
    }
  } finally {
    for (const original of originals) original.restore();
    await far.stop();
  }
  return report(count, rounds, distances);
}

/** Lays a way with a delay to port 22 of each of these; known_hosts gets their keys for its near end, too. */
async function farAway(fleet: Fleet, addresses: readonly string[]) {
  const program = fileURLToPath(new URL('./delay-proxies.mjs', import.meta.url));
  const proxies = fleet.controlSpawn([process.execPath, program, ...addresses], {
    input: { open: true },
    timeout: HOUR,
  });
  const answer = async (id: string): Promise<unknown> => {
    const said = () => new RegExp(`^${id} (.*)\\n`, 'm').exec(proxies.said().stdout)?.[1];
    await until(() => said() !== undefined);
    return JSON.parse(said() ?? '');
  };
  const ports = (await answer('ports')) as number[];
  const lines = Object.values(fleet.hosts).flatMap(({ address, hostKey }) => {
    const port = ports[addresses.indexOf(address)];
    return port === undefined ? [] : [`[127.0.0.1]:${port} ${hostKey}\n`];
  });
  appendFileSync(fleet.knownHostsFile, lines.join(''));
  let asked = 0;
  return {
    ports,
    /** For connections from now on. Gives the round trips since the last time. */
    delay: async (roundTrip: number): Promise<number> => {
      asked += 1;
      proxies.write(`${asked} ${roundTrip / 2}\n`);
      return (await answer(String(asked))) as number;
    },
    stop: async () => {
      proxies.signal('SIGTERM');
      await proxies.ended;
    },
  };
}

function report(count: number, rounds: number, distances: readonly Distance[]): Ratios {
  const ratios: Ratios = {};
  const hosts = count === 1 ? '1 host' : 'pair';
  const ordered = STEPS.flatMap((step) => distances.filter((one) => one.step === step));
  const rows = ordered.map(({ name, step, walls, counted }) => {
    const slope = slopeOf(DELAYS.map((delay) => [delay, median(walls.get(delay) ?? [])]));
    ratios[`delay: round trips of ${step}, ${hosts}, ${name}`] = slope;
    return [
      step,
      name,
      ...DELAYS.map((delay) => milliseconds(median(walls.get(delay) ?? []))),
      slope.toFixed(1),
      String(median(counted)),
      name === 'floor' ? '' : String(DESIGN[count]?.[step] ?? ''),
    ];
  });
  process.stdout.write(
    `\n${count === 1 ? 'One host' : 'Both ends of a tunnel'}, a delay proxy between (${rounds} rounds, medians); effective: wall over delay\n`,
  );
  const head = ['step', 'by', ...DELAYS.map((delay) => `+${delay} ms`), 'effective', 'counted', 'by design'];
  process.stdout.write(table(head, rows));
  return ratios;
}

/** Of the line with the least squares. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const mean = (which: 0 | 1) => points.reduce((sum, point) => sum + point[which], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}
