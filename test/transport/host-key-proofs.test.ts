import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import ssh2 from 'ssh2';
import { describe, expect, test } from 'vitest';
import { withoutHostKeyProofs } from '../../src/transport/host-key-proofs.ts';
import { needs } from '../support/needs.ts';
import { startSshd } from '../support/sshd.ts';

/** The names of the global requests that a client gets and sends, until a command has run. */
async function globalRequests(prepare: (client: ssh2.Client) => void): Promise<string[]> {
  const sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa'] });
  const client = new ssh2.Client();
  try {
    const seen: string[] = [];
    client.connect({
      host: sshd.address,
      port: sshd.port,
      username: sshd.user,
      privateKey: readFileSync(sshd.clientKey),
      debug: (note) => {
        if (note.includes('GLOBAL_REQUEST')) seen.push(note);
      },
    });
    prepare(client);
    await once(client, 'ready');
    await new Promise<void>((resolve, reject) =>
      client.exec('true', (fault, channel) => {
        if (fault) return reject(fault);
        channel.on('close', resolve).resume();
      }),
    );
    return seen;
  } finally {
    client.end();
    await sshd.stop();
  }
}

describe.skipIf(!needs('sshd', 'ssh-keygen'))('host keys that the server offers after the login', () => {
  const OFFER = 'Inbound: GLOBAL_REQUEST (hostkeys-00@openssh.com)';

  test('ssh2 has them proven', async () => {
    expect(await globalRequests(() => {})).toEqual([OFFER, expect.stringContaining('hostkeys-prove-00@openssh.com')]);
  });

  test('here nobody asks for that, and a packet is sent all the same', async () => {
    expect(await globalRequests(withoutHostKeyProofs)).toEqual([
      OFFER,
      expect.stringContaining('ping (GLOBAL_REQUEST: keepalive@openssh.com)'),
    ]);
  });
});

test('an ssh2 that looks otherwise is left alone', () => {
  const unlike = { _protocol: { _handlers: {} }, _callbacks: [] };
  expect(() => withoutHostKeyProofs(unlike as unknown as ssh2.Client)).not.toThrow();
  expect(unlike).toEqual({ _protocol: { _handlers: {} }, _callbacks: [] });
});
