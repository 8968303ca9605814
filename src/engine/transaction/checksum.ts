/**
 * What `cksum` prints for these bytes on its stdin: CRC and length (POSIX). The one checksum that every host has;
 * coreutils 5 lack sha256sum.
 */
export function checksum(bytes: string): string {
  let crc = 0;
  const feed = (byte: number) => {
    crc = ((crc << 8) ^ (TABLE[((crc >>> 24) ^ byte) & 0xff] ?? 0)) >>> 0;
  };
  for (let at = 0; at < bytes.length; at += 1) feed(bytes.charCodeAt(at) & 0xff);
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) feed(length & 0xff);
  return `${~crc >>> 0} ${bytes.length}`;
}

const TABLE: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value < 0 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});
