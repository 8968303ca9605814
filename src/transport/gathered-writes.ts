import type { Duplex } from 'node:stream';

/**
 * What is written before the stack unwinds goes out as one: ssh2 writes a packet in three pieces (length, body, tag), which
 * without Nagle's algorithm are three system calls, three segments, and three times that the server wakes up. Over a
 * channel of a jump host they would be three packets there.
 */
export function gatherWrites(stream: Duplex): void {
  // A channel of ssh2 writes one piece at a time.
  stream._writev ??= (pieces, done) =>
    stream._write(Buffer.concat(pieces.map(({ chunk }) => chunk as Buffer)), 'buffer' as BufferEncoding, done);
  const write = stream.write.bind(stream) as (...given: unknown[]) => boolean;
  let isGathering = false;
  stream.write = (...given: unknown[]) => {
    if (!isGathering) {
      isGathering = true;
      stream.cork();
      queueMicrotask(() => {
        isGathering = false;
        stream.uncork();
      });
    }
    return write(...given);
  };
}
