import { createServer, type Socket } from 'node:net';

/** What no text of a host may bring to a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const ESCAPES = /[\x00-\x08\x0b-\x1f\x7f]/;

/** A server that takes leave at once, with words that would change the terminal's title (RFC 4253 11.1). */
export async function hostileServer(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.write(Buffer.concat([Buffer.from('SSH-2.0-Hostile\r\n'), farewell('\x1b]0;title\x07 all is well')]));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** SSH_MSG_DISCONNECT in a packet that is not encrypted yet (RFC 4253 6). */
function farewell(words: string): Buffer {
  const payload = Buffer.concat([Buffer.from([1, 0, 0, 0, 2]), string(words), string('')]);
  const padding = 16 - ((payload.length + 5) % 8);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

function string(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, Buffer.from(text, 'latin1')]);
}
