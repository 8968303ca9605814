import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type ParsedKey } from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newKey } from '../../src/lab/keys.ts';
import { keyLine, keyType } from '../../src/transport/known-hosts.ts';
import { scanHostKeys } from '../../src/transport/scan-host-keys.ts';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import { tcp } from '../../src/transport/ssh-stream.ts';
import { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { rejection, settingsTo, targetOf } from '../support/ssh-hosts.ts';
import { freePort, generateKey, type Sshd, startSshd } from '../support/sshd.ts';

const scan = (settings: SshSettings) => scanHostKeys(settings, tcp(settings));
const types = (keys: readonly Buffer[]) => keys.map(keyType).sort();
const lines = (keys: readonly Buffer[]) => keys.map((key) => keyLine('gw', key)).sort();

async function refusal(settings: SshSettings): Promise<ConnectFault> {
  const fault = await rejection(scan(settings));
  expect(fault).toBeInstanceOf(ConnectFault);
  return fault as ConnectFault;
}

describe.skipIf(!needs('sshd', 'ssh-keygen', 'ssh-keyscan'))('the host keys of a real sshd', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd({ hostKeys: ['rsa', 'ecdsa', 'ed25519'] });
  });
  afterAll(() => sshd?.stop());

  test('are those that ssh-keyscan finds', async () => {
    const seen = execFileSync('ssh-keyscan', ['-p', String(sshd.port), sshd.address], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const expected = seen
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\S+/, 'gw'));
    expect(expected).toHaveLength(3);
    expect(lines(await scan(settingsTo(sshd)))).toEqual(expected.sort());
  });

  test('are collected without a login being tried', async () => {
    const before = sshd.log().length;
    await scan(settingsTo(sshd));
    const log = sshd.log().slice(before);
    expect(log.match(/^Connection from/gm)).toHaveLength(3);
    expect(log).not.toMatch(/Accepted|Failed|Invalid user|authenticating/);
  });

  test('only those types that ssh_config allows for the host', async () => {
    const hostKey = ['ssh-ed25519', 'rsa-sha2-256'];
    expect(types(await scan({ ...settingsTo(sshd), algorithms: { hostKey } }))).toEqual(['ssh-ed25519', 'ssh-rsa']);
  });

  test('through a jump host, whose own key must be known', async () => {
    const bastion = await startSshd();
    const via = { ...settingsTo(bastion), name: 'bastion' };
    const through = async (jumpHost: SshSettings) => {
      const proxy = { kind: 'jump', via: jumpHost } as const;
      const transport = sshTransport({
        settingsOf: async () => ({ ...settingsTo(sshd), proxy }),
        ask: null,
        env: process.env,
      });
      try {
        const way = await transport.wayTo(targetOf(sshd));
        const keys = await scanHostKeys(way.settings, way.open);
        way.done();
        return keys;
      } finally {
        await transport.close();
      }
    };
    expect(lines(await through(via))).toEqual(lines(await scan(settingsTo(sshd))));
    const before = sshd.log().length;
    expect(await rejection(through({ ...via, knownHostsFiles: [] }))).toMatchObject({ code: 'host-key-unknown' });
    expect(sshd.log().slice(before)).not.toContain('Connection from');
    await bastion.stop();
  });
});

describe.skipIf(!needs('sshd', 'ssh-keygen'))('an old host', () => {
  const hasDss = spawnSync('ssh', ['-Q', 'HostKeyAlgorithms'], { encoding: 'utf8' }).stdout?.includes('ssh-dss');
  const dir = mkdtempSync(join(tmpdir(), 'dss-'));
  const dss = join(dir, 'dss');
  let sshd: Sshd;
  beforeAll(async () => {
    if (hasDss) generateKey(dss, { type: 'dsa' });
    sshd = await startSshd({
      hostKeys: ['rsa'],
      config: [
        ...(hasDss ? [`HostKey ${dss}`] : []),
        `HostKeyAlgorithms ssh-rsa${hasDss ? ',ssh-dss' : ''}`,
        'KexAlgorithms diffie-hellman-group1-sha1',
        'Ciphers aes128-cbc,3des-cbc',
        'MACs hmac-sha1,hmac-md5',
      ],
    });
  });
  afterAll(async () => {
    await sshd?.stop();
    rmSync(dir, { recursive: true });
  });

  test('shows its SHA-1 keys to the profile el5', async () => {
    const found = await scan({ ...settingsTo(sshd), profile: 'el5' });
    expect(types(found)).toEqual(hasDss ? ['ssh-dss', 'ssh-rsa'] : ['ssh-rsa']);
    expect(lines(found)).toContain(`gw ${sshd.hostKey('rsa')}`);
    if (hasDss)
      expect(lines(found)).toContain(`gw ${readFileSync(`${dss}.pub`, 'utf8').split(' ').slice(0, 2).join(' ')}`);
  });

  test('is refused without it, with what to write', async () => {
    const fault = await refusal(settingsTo(sshd));
    expect(fault.code).toBe('algorithms');
    expect(fault.fix).toContain('ipsec_ssh_profile: el5');
  });
});

describe('a server that', () => {
  const pair = (type: 'ed25519' | 'ecdsa') => {
    const made =
      type === 'ecdsa'
        ? ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private
        : newKey('a server', ssh2.utils);
    return ssh2.utils.parseKey(made) as ParsedKey;
  };
  const serve = async (hostKeys: readonly ParsedKey[], talk: (settings: SshSettings) => Promise<void>) => {
    const server = new ssh2.Server({ hostKeys: hostKeys.map((key) => ({ key })) as never }, (client) =>
      client.on('error', () => {}),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const sshd = { address: '127.0.0.1', port, dir: '/nonexistent', user: 'root', clientKey: '' } as Sshd;
    try {
      await talk(settingsTo(sshd, targetOf(sshd), { knownHostsFiles: [] }));
    } finally {
      server.close();
    }
  };

  test('holds its keys is believed', async () => {
    const keys = [pair('ed25519'), pair('ecdsa')];
    await serve(keys, async (settings) => {
      expect(lines(await scan(settings))).toEqual(lines(keys.map((key) => key.getPublicSSH())));
    });
  });

  test('shows a key that is not its own is not', async () => {
    const own = pair('ed25519');
    const copied = pair('ed25519').getPublicSSH();
    own.getPublicSSH = () => copied;
    await serve([own], async (settings) => {
      const fault = await refusal(settings);
      expect(fault).toMatchObject({ code: 'host-key-unknown' });
      expect(fault.message).toContain('does not prove');
    });
  });

  test('proves one key only gets none of them believed, and is told which it is', async () => {
    const other = pair('ecdsa');
    const copied = pair('ecdsa').getPublicSSH();
    other.getPublicSSH = () => copied;
    await serve([pair('ed25519'), other], async (settings) => {
      const fault = await refusal(settings);
      expect(fault.message).toMatch(/^its ecdsa-sha2-nistp256 key: .*does not prove/);
    });
  });

  test('is no SSH server, is silent, is not there', async () => {
    const settings = (port: number, connectTimeout = 20) =>
      settingsTo(
        { address: '127.0.0.1', port, dir: '/nonexistent', user: 'root' } as Sshd,
        targetOf({ address: '127.0.0.1', port }),
        {
          knownHostsFiles: [],
          connectTimeout,
        },
      );
    const listen = async (greet: string | null) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        if (greet !== null) socket.end(greet);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return { server, port: (server.address() as AddressInfo).port };
    };
    const [other, silent] = await Promise.all([listen('HTTP/1.1 400 Bad Request\r\n\r\n'), listen(null)]);
    expect(await refusal(settings(other.port))).toMatchObject({ code: 'network' });
    const late = await refusal(settings(silent.port, 1));
    expect(late).toMatchObject({ code: 'timeout' });
    expect(late.message).toContain('greeting');
    expect(await refusal(settings(await freePort()))).toMatchObject({ code: 'refused' });
    other.server.close();
    silent.server.close();
  });
});
