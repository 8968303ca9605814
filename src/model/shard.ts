/** `--shard 2/3`: the second of three parts that all hosts are divided into. */
export interface Shard {
  /** From 1 on. */
  readonly index: number;
  readonly count: number;
}

/** More parts than any fleet has use for. */
export const MOST_SHARDS = 10_000;

/** Reads `2/3`; null where it names no shard. */
export function parseShard(text: string): Shard | null {
  const [, first = '', second = ''] = /^([1-9]\d{0,4})\/([1-9]\d{0,4})$/.exec(text) ?? [];
  const [index, count] = [Number(first), Number(second)];
  return index >= 1 && index <= count && count <= MOST_SHARDS ? { index, count } : null;
}

export function shardName({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/** What falls to a shard of a number that all of them share: together they have all of it, and no more. */
export function shareOf(total: number, { index, count }: Shard): number {
  return Math.floor(total / count) + (index <= total % count ? 1 : 0);
}
