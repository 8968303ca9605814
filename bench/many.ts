import { manyHosts } from '../test/support/many-hosts.ts';
import { type Measured, measureNode, median } from './measure.ts';
import { milliseconds, type Ratios, table, times } from './table.ts';
import { type Watched, watched } from './watched.ts';
import { CLI, ENV, inWorkspace } from './workspace.ts';

const SIZES = [1, 100, 1000];
/** Milliseconds. */
const PATIENCE = 600_000;

type Results = (Watched & Measured)[];

/**
 * Very many hosts in one run of `check`, all of them played by one other process. What a host costs is what a run costs
 * beyond that of one host.
 */
export async function benchMany(given: number | null): Promise<Ratios> {
  const rounds = given ?? 3;
  const measured = new Map<number, Results>(SIZES.map((count) => [count, []]));
  await inWorkspace({}, async (dir) => {
    const hosts = await manyHosts(dir);
    try {
      for (let round = 0; round < rounds; round += 1) {
        for (const count of SIZES) {
          hosts.write(count);
          const argv = [CLI, 'check', 'site.yml', '--no-diff', '--ssh-config', `${dir}/ssh_config`];
          const where = { cwd: dir, env: ENV, timeout: PATIENCE };
          const one = await measureNode(watched, argv, where, dir);
          const read = one.stdout.match(/^gw\d+ .*changed=\d+ .*failed=0 .*unreachable=0$/gm)?.length ?? 0;
          if (one.code !== 2 || read !== count) throw new Error(`${count} hosts: exit ${one.code}\n${one.stderr}`);
          measured.get(count)?.push(one);
        }
      }
    } finally {
      await hosts.stop();
    }
  });
  return report(measured, rounds);
}

function report(measured: ReadonlyMap<number, Results>, rounds: number): Ratios {
  const of = (count: number, what: 'wall' | 'cpu' | 'rss' | 'silence') =>
    median((measured.get(count) ?? []).map((one) => one[what] ?? 0));
  const perHost = (count: number, what: 'wall' | 'cpu' | 'rss') => (of(count, what) - of(1, what)) / (count - 1);
  const rows = SIZES.map((count) => [
    String(count),
    milliseconds(of(count, 'wall')),
    milliseconds(of(count, 'cpu')),
    `${of(count, 'rss').toFixed(0)} MiB`,
    milliseconds(of(count, 'silence')),
    ...(count === 1
      ? ['', '']
      : [`${perHost(count, 'cpu').toFixed(1)} ms`, `${(perHost(count, 'rss') * 1024).toFixed(0)} KiB`]),
  ]);
  process.stdout.write(
    `\nMany hosts in one check, played by another process (${rounds} rounds, medians; goals: 500 MB, a host costs the same among all)\n`,
  );
  const head = ['hosts', 'wall', 'CPU here', 'most memory', 'longest silence', 'CPU a host', 'memory a host'];
  process.stdout.write(table(head, rows));
  const growth = perHost(1000, 'cpu') / perHost(100, 'cpu');
  process.stdout.write(`a host among 1000 costs ${times(growth)} of one among 100 (CPU)\n`);
  return { 'many: CPU of a host, 1000 / 100': growth };
}
