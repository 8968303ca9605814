import { expect, test } from 'vitest';
import { watchHosts } from '../../../src/cli/run/watched-hosts.ts';
import type { Link } from '../../../src/engine/link.ts';
import type { CompiledHost } from '../../../src/model/task.ts';
import { ConnectFault } from '../../../src/transport/transport.ts';

const host = (name: string): CompiledHost => ({ host: name, tasks: [], become: null });

test('a host that goes silent is given up after the patience, and asked over a new way the next time', async () => {
  const said: string[] = [];
  const link = async ({ host: name }: CompiledHost) => {
    said.push(`open ${name}`);
    return { close: async () => void said.push(`close ${name}`) } as Partial<Link> as Link;
  };
  const stop = { requested: false, onRequest: () => () => {} };
  const watched = watchHosts(
    { link, stop } as unknown as Parameters<typeof watchHosts>[0],
    [host('a'), host('b')],
    2,
    0.05,
  );
  let lose: (fault: ConnectFault) => void = () => {};
  const silent = new Promise<void>((_, reject) => {
    lose = reject;
  });
  const faults = await watched.ask(async (each) => (each.host === 'a' ? silent : undefined));
  expect([...faults]).toEqual([['a', { code: 'lost', message: expect.stringContaining('has not answered within') }]]);
  // What comes of the old way by then is nobody's fault any more.
  lose(new ConnectFault('lost', 'the connection was closed'));
  expect((await watched.ask(async () => {})).size).toBe(0);
  await watched.close();
  expect(said).toEqual([
    'open a',
    'open b',
    'close a',
    'open a',
    expect.stringMatching(/^close /),
    expect.stringMatching(/^close /),
  ]);
});
