import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { bastions } from '../../src/transport/bastions.ts';
import type { SshSession } from '../../src/transport/ssh-handshake.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';

const settings = (name: string) => ({ name, proxy: null }) as SshSettings;

function session(closed: string[], { name }: SshSettings): SshSession {
  return {
    client: new EventEmitter(),
    cause: () => null,
    close: async () => void closed.push(name),
  } as unknown as SshSession;
}

test('the end of a run waits for no jump host that is still being connected to', async () => {
  const closed: string[] = [];
  const [quick, slow] = [settings('quick'), settings('slow')];
  let answer: (late: SshSession) => void = () => {};
  const all = bastions((jumpHost) =>
    jumpHost === quick
      ? Promise.resolve(session(closed, quick))
      : new Promise((resolve) => {
          answer = resolve;
        }),
  );
  await all.through(quick);
  const waiting = all.through(slow);
  await all.close();
  expect(closed).toEqual(['quick']);
  answer(session(closed, slow));
  await waiting;
  expect(closed).toEqual(['quick', 'slow']);
});
