import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openAhead } from '../../src/transport/opened-ahead.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import { tcp } from '../../src/transport/ssh-stream.ts';

let server: Server;
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => {
    accepted.push(socket.on('error', () => {}));
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  for (const socket of accepted) socket.destroy();
  server.close();
});

const way = (hostName = '127.0.0.1') => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const settings = { hostName, port: address.port, addressFamily: 0, bindAddress: null };
  return tcp(settings as SshSettings);
};
const waiting = new AbortController().signal;
const ignore = () => {};
const count = async (wanted: number) => expect.poll(() => accepted.length).toBe(wanted);
const closed = (index: number) => expect.poll(() => accepted[index]?.destroyed).toBe(true);

test('the connection is made before anybody asks for it, and is the one that is given', async () => {
  const ahead = openAhead(way());
  await count(1);
  const { duplex, path } = await ahead.open(waiting, ignore);
  expect(path?.[0]?.to).toBe('127.0.0.1');
  ahead.forget();
  duplex.write('x');
  await sleep(50);
  expect(accepted).toHaveLength(1);
  expect(accepted[0]?.bytesRead).toBe(1);
  duplex.destroy();
});

test('who asks for it hears that the name was found, then or before', async () => {
  for (const before of [0, 100]) {
    const ahead = openAhead(way('localhost'));
    await sleep(before);
    let found = 0;
    const { duplex } = await ahead.open(waiting, () => {
      found += 1;
    });
    expect(found).toBe(1);
    duplex.destroy();
  }
});

test('one that nobody wants is closed: when it is forgotten, and after a while; who comes later gets another', async () => {
  const forgotten = openAhead(way());
  await count(1);
  forgotten.forget();
  await closed(0);
  const late = openAhead(way(), 100);
  await count(2);
  await closed(1);
  const { duplex } = await late.open(waiting, ignore);
  await count(3);
  expect(duplex.destroyed).toBe(false);
  duplex.destroy();
});

test('it is given once', async () => {
  const ahead = openAhead(way());
  const [first, second] = [await ahead.open(waiting, ignore), await ahead.open(waiting, ignore)];
  expect(first.duplex).not.toBe(second.duplex);
  await count(2);
  for (const { duplex } of [first, second]) duplex.destroy();
});

test('who gives up closes it', async () => {
  const ahead = openAhead(way());
  const given = new AbortController();
  await ahead.open(given.signal, ignore);
  given.abort();
  await count(1);
  await closed(0);
});

test('that nothing listens there is told to who asks, and to nobody before', async () => {
  const open = way();
  await new Promise((resolve) => server.close(resolve));
  const ahead = openAhead(open);
  await sleep(50);
  await expect(ahead.open(waiting, ignore)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
