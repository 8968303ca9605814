import { type Canary, waveNotes } from '../../engine/schedule.ts';
import type { WaveNote } from '../../engine/waves.ts';
import { type Shard, shardName } from '../../model/shard.ts';
import type { CompiledPlay } from '../../model/task.ts';
import { UsageFault } from '../exit.ts';

/** Says where hosts go together though fewer of them were asked for. */
export function waveLines(plays: readonly CompiledPlay[]): readonly string[] {
  return plays.flatMap((play) => waveNotes(play).map((note) => `warning: "${play.name}": ${textOf(note)}\n`));
}

function textOf(note: WaveNote): string {
  const hosts = some(note.hosts);
  return note.kind === 'larger'
    ? `${hosts} change together, because tunnels connect them: they are ${note.hosts.length}, and serial asks for ${note.size}`
    : `${hosts} are redundant (redundancy_group ${note.group}) and the ends of one tunnel, so they change together`;
}

function some(hosts: readonly string[]): string {
  if (hosts.length > 6) return `${hosts.slice(0, 5).join(', ')} and ${hosts.length - 5} more hosts`;
  const [last] = hosts.slice(-1);
  return hosts.length < 2 ? `${last}` : `${hosts.slice(0, -1).join(', ')} and ${last}`;
}

/** What `--canary` says: a number of sets, or the name of a host. */
export function canaryOf(
  given: string | undefined,
  plays: readonly CompiledPlay[],
  shard?: Shard | undefined,
): Canary | null {
  if (given === undefined) return null;
  if (plays.some(({ hosts }) => hosts.some(({ host }) => host === given))) return { sets: 1, host: given };
  if (/^[1-9]\d{0,5}$/.test(given)) return { sets: Number(given), host: null };
  if (shard !== undefined) {
    throw new UsageFault(
      `--canary ${given}: no play runs on it in shard ${shardName(shard)}, and what runs elsewhere is not waited for`,
      `first without --shard: --limit ${given}; when that is well, the shards without --canary`,
    );
  }
  throw new UsageFault(
    `--canary ${given}: no play runs on a host of that name`,
    'a host, or a number of sets of hosts',
  );
}
