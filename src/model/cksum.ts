/**
 * What cksum(1) prints of these bytes on its stdin, one UTF-16 unit a byte: the CRC of POSIX.1, and how many there are. The
 * one checksum that every host has; coreutils 5 lack sha256sum.
 */
export function cksum(bytes: string): string {
  const table = remainders();
  let sum = 0;
  const feed = (byte: number) => {
    sum = ((sum << 8) ^ (table[(sum >>> 24) ^ byte] ?? 0)) >>> 0;
  };
  for (let at = 0; at < bytes.length; at += 1) feed(bytes.charCodeAt(at) & 0xff);
  for (let rest = bytes.length; rest > 0; rest = Math.floor(rest / 256)) feed(rest % 256);
  return `${~sum >>> 0} ${bytes.length}`;
}

let known: readonly number[] | undefined;

/** Of each byte; made at the first use, which most commands have none of. */
function remainders(): readonly number[] {
  known ??= Array.from({ length: 256 }, (_, byte) => {
    let sum = byte << 24;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 0x80000000 ? (sum << 1) ^ 0x04c11db7 : sum << 1;
    return sum >>> 0;
  });
  return known;
}
