import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { algorithmsFor, SUPPORTED } from '../../src/transport/ssh-algorithms.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { rejection, run, settingsTo, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { generateKey, type Sshd, startSshd } from '../support/sshd.ts';

const nowhere = { address: '192.0.2.1', port: 22, dir: '/nonexistent', user: 'root', clientKey: '/nonexistent/key' };
const settingsWith = (more: Partial<SshSettings>) =>
  settingsTo(nowhere as unknown as Sshd, undefined, { knownHostsFiles: [], ...more });

describe('what is offered', () => {
  const offered = (more: Partial<SshSettings>, known: readonly string[] = []) =>
    algorithmsFor(settingsWith(more), known);

  test('a group exchange after all others, group1 last of all, whoever says otherwise', () => {
    const gex = 'diffie-hellman-group-exchange-sha256';
    expect((offered({}).kex as string[]).at(-1)).toBe(gex);
    expect((offered({ profile: 'el5' }).kex as string[]).slice(-3)).toEqual([
      gex,
      'diffie-hellman-group-exchange-sha1',
      'diffie-hellman-group1-sha1',
    ]);
    const kex = [gex, 'diffie-hellman-group1-sha1', 'ecdh-sha2-nistp256', 'diffie-hellman-group14-sha256'];
    expect(offered({ algorithms: { kex } }).kex).toEqual([
      'ecdh-sha2-nistp256',
      'diffie-hellman-group14-sha256',
      gex,
      'diffie-hellman-group1-sha1',
    ]);
  });

  test('nothing of SHA-1 key exchanges, old host keys or CBC without the profile', () => {
    const plain = JSON.stringify(offered({}));
    expect(plain).not.toMatch(/sha1"|ssh-rsa|ssh-dss|cbc|md5/);
    expect(JSON.stringify(offered({ profile: 'el5' }))).toMatch(/group1-sha1.*ssh-dss.*3des-cbc.*hmac-md5/);
  });

  test('what ssh_config says, in its order, without what is not supported here; the profile adds nothing to it', () => {
    const algorithms = {
      kex: ['sntrup761x25519-sha512@openssh.com', 'ecdh-sha2-nistp521', 'curve25519-sha256'],
      hostKey: ['ssh-ed25519-cert-v01@openssh.com', 'rsa-sha2-512', 'ssh-ed25519'],
      cipher: ['aes256-ctr', 'aes128-ctr'],
      mac: ['umac-128@openssh.com', 'hmac-sha2-512'],
    };
    expect(offered({ algorithms, profile: 'el5' })).toEqual({
      kex: ['ecdh-sha2-nistp521', 'curve25519-sha256'],
      serverHostKey: ['rsa-sha2-512', 'ssh-ed25519'],
      cipher: ['aes256-ctr', 'aes128-ctr'],
      hmac: ['hmac-sha2-512'],
    });
  });

  test('the types of host key that are known come first', () => {
    expect((offered({}, ['ssh-rsa']).serverHostKey as string[]).slice(0, 3)).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
      'ssh-ed25519',
    ]);
  });

  test.each([
    ['kex', 'KexAlgorithms'],
    ['hostKey', 'HostKeyAlgorithms'],
    ['cipher', 'Ciphers'],
    ['mac', 'MACs'],
  ])('a list of which nothing is supported: %s', async (list, option) => {
    const fault = await rejection(
      Promise.resolve().then(() => offered({ name: 'gw', algorithms: { [list]: ['none-such@example.com'] } })),
    );
    expect(fault).toMatchObject({
      code: 'algorithms',
      passing: false,
      message: `of the ${option} that are set for gw none can be used here: none-such@example.com`,
    });
  });

  test('every name is one that ssh2 knows', () => {
    const names = createRequire(import.meta.url)('ssh2/lib/protocol/constants.js');
    expect(names.SUPPORTED_KEX).toEqual(expect.arrayContaining([...SUPPORTED.kex]));
    expect(names.SUPPORTED_SERVER_HOST_KEY).toEqual(expect.arrayContaining([...SUPPORTED.hostKey]));
    expect(names.SUPPORTED_CIPHER).toEqual(expect.arrayContaining([...SUPPORTED.cipher]));
    expect(names.SUPPORTED_MAC).toEqual(expect.arrayContaining([...SUPPORTED.mac]));
  });
});

/** Each forces a server to one thing that OpenSSH 3.9 and 4.3 have. */
const KEX = ['diffie-hellman-group1-sha1', 'diffie-hellman-group14-sha1', 'diffie-hellman-group-exchange-sha1'];
const CIPHERS = ['aes128-cbc', '3des-cbc'];
const MACS = ['hmac-sha1', 'hmac-md5'];
const HOST_KEYS = ['ssh-rsa', 'ssh-dss'];
const COMBINATIONS = KEX.flatMap((kex) =>
  CIPHERS.flatMap((cipher) => MACS.flatMap((mac) => HOST_KEYS.map((hostKey) => [kex, cipher, mac, hostKey] as const))),
);

describe.skipIf(!needs('sshd', 'ssh-keygen'))('an sshd as old hosts have it', () => {
  let keys: string;
  beforeAll(() => {
    keys = mkdtempSync(join(tmpdir(), 'old-'));
    for (const name of ['client', 'host_rsa']) generateKey(join(keys, name), { type: 'rsa' });
    execFileSync('ssh-keygen', ['-q', '-t', 'dsa', '-N', '', '-f', join(keys, 'host_dsa')]);
  });
  afterAll(() => rmSync(keys, { recursive: true, force: true }));

  const start = async (config: readonly string[], hostKey: string) => {
    const file = join(keys, hostKey === 'ssh-dss' ? 'host_dsa' : 'host_rsa');
    const sshd = await startSshd({
      hostKeys: [],
      config: [`HostKey ${file}`, `HostKeyAlgorithms ${hostKey}`, ...config],
    });
    sshd.authorize(readFileSync(join(keys, 'client.pub'), 'utf8'));
    return sshd;
  };
  const reach = (sshd: Sshd): Partial<SshSettings> => ({
    namedIdentityFiles: [join(keys, 'client')],
    knownHostsFiles: [join(sshd.dir, 'recorded')],
    acceptNewHostKeys: true,
  });

  test.each(COMBINATIONS)('%s, %s, %s, %s', async (kex, cipher, mac, hostKey) => {
    const old = [`KexAlgorithms ${kex}`, `Ciphers ${cipher}`, `MACs ${mac}`, 'PubkeyAcceptedAlgorithms +ssh-rsa'];
    const sshd = await start(old, hostKey);
    try {
      const plain = await rejection(transportTo(sshd, reach(sshd)).connect(targetOf(sshd)));
      expect(plain).toBeInstanceOf(ConnectFault);
      expect(plain).toMatchObject({
        code: 'algorithms',
        passing: false,
        fix: 'For an old host that you trust (RHEL 4, 5), write into host_vars/gw.yml: ipsec_ssh_profile: el5',
      });
      expect((plain as ConnectFault).message).toContain(`it offers: KEX method ${kex}`);

      const connection = await transportTo(sshd, reach(sshd)).connect(targetOf(sshd, { sshProfile: 'el5' }));
      const ran = await run(connection, 'cat; exit 3', (shell) => shell.write('\x00\xff old'));
      expect(ran).toEqual({ stdout: '\x00\xff old', stderr: '', end: { kind: 'exit', code: 3 } });
      await connection.close();
      expect(readFileSync(join(sshd.dir, 'recorded'), 'utf8')).toContain(` ${hostKey} `);
    } finally {
      await sshd.stop();
    }
  });

  test('with the profile on, the advice is another one', async () => {
    const sshd = await start(['KexAlgorithms sntrup761x25519-sha512@openssh.com'], 'ssh-rsa');
    try {
      const fault = await rejection(transportTo(sshd, reach(sshd)).connect(targetOf(sshd, { sshProfile: 'el5' })));
      expect(fault).toMatchObject({ code: 'algorithms' });
      expect((fault as ConnectFault).fix).not.toContain('el5');
    } finally {
      await sshd.stop();
    }
  });
});

describe.skipIf(!needs('ssh-keygen', 'ssh-agent'))('the signature of an RSA key', () => {
  let dir: string;
  let server: InstanceType<typeof ssh2.Server>;
  let agent: number;
  const seen: string[] = [];
  const port = () => (server.address() as { port: number }).port;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sha1-'));
    generateKey(join(dir, 'host'), { type: 'rsa', format: 'PEM' });
    generateKey(join(dir, 'client'), { type: 'rsa' });
    const started = execFileSync('ssh-agent', ['-s', '-a', join(dir, 'agent')], { encoding: 'utf8' });
    agent = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
    execFileSync('ssh-add', ['-q', join(dir, 'client')], { env: { SSH_AUTH_SOCK: join(dir, 'agent') } });
    server = new ssh2.Server(
      {
        hostKeys: [readFileSync(join(dir, 'host'))],
        ident: 'OpenSSH_4.3',
        algorithms: {
          kex: ['diffie-hellman-group1-sha1'],
          serverHostKey: ['ssh-rsa'],
          cipher: ['3des-cbc'],
          hmac: ['hmac-md5'],
        },
      },
      (client) => {
        announcesNothing(client);
        client.on('error', () => {});
        client.on('authentication', (asked) => {
          if (asked.method !== 'publickey') return asked.reject(['publickey']);
          if (asked.signature === undefined) return asked.accept();
          const key = ssh2.utils.parseKey(readFileSync(join(dir, 'client.pub')));
          if (key instanceof Error || asked.blob === undefined) return asked.reject();
          seen.push(asked.key.algo);
          if (key.verify(asked.blob, asked.signature, 'sha1') === true) asked.accept();
          else asked.reject();
        });
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    if (agent > 0) process.kill(agent);
    server?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** As servers before RFC 8308 (OpenSSH 7.2): no server-sig-algs. */
  const announcesNothing = (client: unknown) => {
    const { _protocol: protocol } = client as { _protocol: object };
    let exchange: { remoteExtInfoEnabled: boolean } | undefined;
    Object.defineProperty(protocol, '_kex', {
      get: () => exchange,
      set: (next) => {
        Object.defineProperty(next, 'remoteExtInfoEnabled', { get: () => false, set: () => {} });
        exchange = next;
      },
    });
  };

  test.each(['from its file', 'from ssh-agent'])(
    'is of SHA-1 for a server that says nothing of SHA-2: %s',
    async (from) => {
      seen.length = 0;
      const there = {
        ...nowhere,
        address: '127.0.0.1',
        port: port(),
        dir,
        clientKey: join(dir, 'client'),
      } as unknown as Sshd;
      const transport = transportTo(there, {
        knownHostsFiles: [join(dir, 'recorded')],
        acceptNewHostKeys: true,
        ...(from === 'from ssh-agent' ? { identityFiles: [], env: { SSH_AUTH_SOCK: join(dir, 'agent') } } : {}),
      });
      const connection = await transport.connect(targetOf(there, { sshProfile: 'el5' }));
      expect(seen).toEqual(['ssh-rsa']);
      await connection.close();
    },
  );
});

describe.skipIf(!needs('sshd', 'ssh-keygen'))('a server that has nothing but a group exchange', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd({ config: ['KexAlgorithms diffie-hellman-group-exchange-sha256'] });
  });
  afterAll(() => sshd?.stop());

  test('does not hold up the others for a second', async () => {
    await (await transportTo(sshd).connect(targetOf(sshd))).close();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const connection = await transportTo(sshd).connect(targetOf(sshd));
    clearInterval(timer);
    expect((await run(connection, 'echo in')).stdout).toBe('in\n');
    await connection.close();
    // Node's own test of 3072 bits takes three to four times that, and most of what is measured is the machine's load.
    expect(longest).toBeLessThan(500);
  });
});
