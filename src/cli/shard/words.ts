import { type Shard, shardName, shareOf } from '../../model/shard.ts';
import type { CompiledPlay } from '../../model/task.ts';
import type { ShardInDocument } from '../../report/shard-document.ts';
import type { CommonOptions, RunOptions } from '../options/options.ts';
import { commitOf } from '../project/commit.ts';
import type { OwnShard } from '../project/shard.ts';

/** What a person should know who works on a part of the hosts, line by line. */
export function shardLines(
  own: OwnShard | null,
  plays: readonly CompiledPlay[],
  { maxDown }: Partial<Pick<RunOptions, 'maxDown'>>,
): readonly string[] {
  if (own === null) return [];
  const { shard, serial } = own;
  const name = `shard ${shardName(shard)}`;
  const lines = [...partLines(own)];
  if (plays.every(({ hosts }) => hosts.length === 0))
    return [...lines, `${name}: none of its hosts is to be worked on: there is nothing to do here\n`];
  if (shard.count === 1) return lines;
  if (maxDown !== undefined)
    lines.push(
      `${name}: --max-down ${maxDown} is for all shards together, ${shareOf(maxDown, shard)} of it for this one\n`,
    );
  for (const play of serial)
    lines.push(
      `${name}: "${play}": serial counts the hosts of each shard: while all ${shard.count} shards run, up to ${shard.count} times as many change at once\n`,
    );
  return lines;
}

/** Which part of the hosts it is. */
export function partLines({ shard, division }: Pick<OwnShard, 'shard' | 'division'>): readonly string[] {
  const name = `shard ${shardName(shard)}`;
  const part = division.shards[shard.index - 1];
  if (part === undefined || part.hosts.length === 0) {
    const sets = division.sets === 1 ? '1 set' : `${division.sets} sets`;
    const why = division.sets < shard.count ? `; its tunnels and redundancy groups leave ${sets} to divide` : '';
    return [`${name}: no host of the ${counted(division.hosts, 'host')} falls to it${why}\n`];
  }
  const lines = [
    `${name}: ${part.hosts.length} of ${counted(division.hosts, 'host')}, ${part.ends} of ${counted(division.ends, 'tunnel end')}\n`,
  ];
  const { largest } = part;
  if (largest !== null && largest.hosts.length > 1 && largest.ends > (division.ends / shard.count) * 1.1) {
    lines.push(
      `${name}: ${some(largest.hosts)} stay together, because tunnels or redundancy groups connect them: that is ${largest.ends} of ${counted(division.ends, 'tunnel end')}, more than a fair share\n`,
    );
  }
  return lines;
}

/** As a document has it; null without --shard. `own` is null where the inventory could not be read. */
export function shardInDocument(
  { shard, inventory, limit, tags, skipTags }: CommonOptions,
  own: OwnShard | null,
  names: readonly string[] = [],
): ShardInDocument | null {
  if (shard === undefined) return null;
  const selection = [
    ...(limit === undefined ? [] : [`--limit ${limit}`]),
    ...(tags.length === 0 ? [] : [`--tags ${tags.join()}`]),
    ...(skipTags.length === 0 ? [] : [`--skip-tags ${skipTags.join()}`]),
    ...names,
  ];
  const { index, count } = shard;
  return { index, count, inventory: own?.inventory ?? null, commit: commitOf(inventory), selection };
}

/** How many tunnels a run may take down: of a number that all shards share, its part. */
export function ownMaxDown(maxDown: number | undefined, shard: Shard | undefined): number | null {
  if (maxDown === undefined) return null;
  return shard === undefined ? maxDown : shareOf(maxDown, shard);
}

function counted(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

function some(hosts: readonly string[]): string {
  if (hosts.length > 6) return `${hosts.slice(0, 5).join(', ')} and ${hosts.length - 5} more hosts`;
  const [last] = hosts.slice(-1);
  return `${hosts.slice(0, -1).join(', ')} and ${last}`;
}
