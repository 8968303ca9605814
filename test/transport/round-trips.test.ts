import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import { plainSettings } from '../../src/transport/ssh-config/plain-settings.ts';
import { type DelayProxy, delayProxyTo } from '../support/delay-proxy.ts';
import { needs } from '../support/needs.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

/** What docs/performance.md says of OpenSSH. */
describe.skipIf(!needs('sshd', 'ssh-keygen'))('round trips to a real sshd', () => {
  let sshd: Sshd;
  let proxy: DelayProxy;

  beforeAll(async () => {
    sshd = await startSshd();
    proxy = await delayProxyTo(sshd.port, 60);
  });
  afterAll(async () => {
    await proxy.close();
    await sshd.stop();
  });

  test('five connect, one opens the session, one brings the first answer, one more each further one; none ends it', async () => {
    const knownHosts = join(sshd.dir, 'known_hosts');
    writeFileSync(knownHosts, `[127.0.0.1]:${proxy.port} ${sshd.hostKey()}\n`);
    const transport = sshTransport({
      settingsOf: async (target) =>
        plainSettings(target, {
          user: sshd.user,
          home: sshd.dir,
          env: {},
          acceptNewHostKeys: false,
          identityFiles: [sshd.clientKey],
          knownHostsFiles: [knownHosts],
        }),
      ask: null,
      env: {},
    });
    const connection = await transport.connect({
      name: 'here',
      address: '127.0.0.1',
      port: proxy.port,
      connection: 'ssh',
    });
    expect(proxy.roundTrips()).toBe(5);
    let said = '';
    let heard = () => {};
    const until = async (word: string) => {
      while (!said.includes(word)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    };
    const shell = await connection.shell('echo one; exec sh', {
      stdout: (bytes) => {
        said += bytes;
        heard();
      },
      stderr: () => {},
    });
    await until('one');
    expect(proxy.roundTrips()).toBe(2);
    await shell.write('echo two\n');
    await until('two');
    expect(proxy.roundTrips()).toBe(1);
    await connection.close();
    expect(proxy.roundTrips()).toBe(0);
    await transport.close();
  });
});
