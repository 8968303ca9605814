import { expect, test } from 'vitest';
import { scanHostKeys } from '../../src/transport/scan-host-keys.ts';
import { type Handshake, handshake } from '../../src/transport/ssh-handshake.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import { type OpenStream, tcp } from '../../src/transport/ssh-stream.ts';
import { rejection, settingsTo } from '../support/ssh-hosts.ts';
import { freePort } from '../support/sshd.ts';

const settings = (more: Partial<SshSettings>) =>
  settingsTo({ dir: '', user: 'me', clientKey: '' } as never, undefined, {
    knownHostsFiles: [],
    connectTimeout: 0.2,
    ...more,
  });
const shake = (of: SshSettings, open: OpenStream) =>
  handshake({ subject: { settings: of, isJumpHost: false }, open, step: () => {} } as unknown as Handshake);
const forEver: OpenStream = () => new Promise(() => {});

test.each([
  ['a connection', shake],
  ['a scan', scanHostKeys],
])('%s: a name service that is too slow is no host that does not answer', async (_, begin) => {
  const named = settings({ hostName: 'gw.example' });
  const slow = await rejection(begin(named, forEver));
  expect(slow).toMatchObject({ code: 'dns', passing: true });
  expect((slow as Error).message).toBe('the name service has no answer for gw.example within 0.2 s');

  const found: OpenStream = (_signal, found) => {
    found();
    return new Promise(() => {});
  };
  expect(await rejection(begin(named, found))).toMatchObject({ code: 'timeout' });
  expect(await rejection(begin(settings({ hostName: '192.0.2.1' }), forEver))).toMatchObject({ code: 'timeout' });
  const proxy = { kind: 'command', command: 'nobody asks for the name here' } as const;
  expect(await rejection(begin(settings({ hostName: 'gw.example', proxy }), forEver))).toMatchObject({
    code: 'timeout',
  });
});

test('a socket tells when the name has an address', async () => {
  const port = await freePort();
  const found: string[] = [];
  const open = tcp(settings({ hostName: 'localhost', port, addressFamily: 4 }));
  await rejection(open(new AbortController().signal, () => void found.push('localhost')));
  expect(found).toEqual(['localhost']);
});
