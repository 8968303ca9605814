import { chmodSync, existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { plainSettings } from '../../../src/transport/ssh-config/plain-settings.ts';
import type { SshSettings } from '../../../src/transport/ssh-settings.ts';
import { ConnectFault } from '../../../src/transport/transport.ts';
import { needs } from '../../support/needs.ts';
import { configIn, homeWith, target, WITHOUT_SSH } from './home.ts';

function via({ proxy }: SshSettings): SshSettings {
  if (proxy?.kind !== 'jump') throw new Error('no jump host');
  return proxy.via;
}

describe.each([
  ['with ssh', {}, ['ssh']],
  ['without ssh', WITHOUT_SSH, []],
])('jump hosts, %s', (_, options, programs) => {
  const home = homeWith({
    '.ssh/config': `
Host bastion
  User jumper
  Port 2200
  IdentityFile ~/.ssh/bastion
  ProxyJump edge
Host in-*
  ProxyJump bastion
Host far-*
  ProxyJump bastion,second
Host round-a
  ProxyJump round-b
Host round-b
  ProxyJump round-a
`,
  });

  test.runIf(needs(...programs))('are one object for all hosts behind them, also when asked for at once', async () => {
    const config = configIn(home, options);
    const names = ['in-1', 'in-2', 'far-1', 'far-2', 'bastion'];
    const [one, two, far, farther, itself] = await Promise.all(names.map((name) => config.settingsOf(target(name))));
    if (!one || !two || !far || !farther || !itself) throw new Error('unreachable');
    expect(via(one)).toBe(via(two));
    expect(via(far)).toBe(via(farther));
    expect(via(via(far))).toBe(via(one));
    expect(via(via(one))).toBe(via(itself));
    expect(via(one)).toMatchObject({
      name: 'bastion',
      user: 'jumper',
      port: 2200,
      namedIdentityFiles: [join(home, '.ssh/bastion')],
    });
  });

  test.runIf(needs(...programs))('are one object also when they are written in other words', async () => {
    const config = configIn(home, options);
    const jumps = ['bastion', 'jumper@bastion:2200', 'edge,bastion', 'other@bastion', 'bastion:2201'];
    const [one, spelt, chain, ...others] = await Promise.all(
      jumps.map((jump) => config.settingsOf(target('out', { sshArguments: ['-J', jump] }))),
    );
    if (!one || !spelt || !chain) throw new Error('unreachable');
    expect(via(spelt)).toBe(via(one));
    expect(via(chain)).toBe(via(one));
    for (const other of others) expect(via(other)).not.toBe(via(one));
  });

  test.runIf(needs(...programs))('have nothing of what the inventory says of the host', async () => {
    const host = target('in-1', {
      user: 'admin',
      port: 99,
      privateKeyFile: '~/key',
      connectTimeout: 3,
      sshProfile: 'el5',
      sshArguments: ['-o', 'HostKeyAlias=x'],
    });
    const settings = await configIn(home, { ...options, connectTimeout: 7 }).settingsOf(host);
    expect(settings).toMatchObject({ user: 'admin', port: 99, connectTimeout: 3, profile: 'el5', hostKeyAlias: 'x' });
    expect(via(settings)).toMatchObject({
      user: 'jumper',
      port: 2200,
      connectTimeout: 7,
      profile: null,
      hostKeyAlias: null,
    });
    expect(via(settings).namedIdentityFiles).toEqual([join(home, '.ssh/bastion')]);
  });

  test.runIf(needs(...programs))('a circle is refused whoever is asked for first, and all at once', async () => {
    const config = configIn(home, options);
    const faults = await Promise.all(
      ['round-a', 'round-b', 'in-9'].map((name) => config.settingsOf(target(name)).catch((fault: unknown) => fault)),
    );
    expect(faults.slice(0, 2)).toEqual([expect.any(ConnectFault), expect.any(ConnectFault)]);
    expect(faults.slice(0, 2)).toMatchObject([{ code: 'jump-loop' }, { code: 'jump-loop' }]);
    expect((faults[0] as Error).message).toContain('round-a -> round-b -> round-a');
    expect(faults[2]).toMatchObject({ name: 'in-9' });
  });
});

test.runIf(needs('ssh'))(
  'where HOME is not that of the password database, included files are those of HOME',
  async () => {
    const home = homeWith({
      '.ssh/config': 'Include ~/.ssh/a.conf conf.d/*\n',
      '.ssh/a.conf': 'Include deep/b.conf\n',
      '.ssh/deep/b.conf': 'Host y\n  User deep\n',
      '.ssh/conf.d/c.conf': 'Nonsense\n',
    });
    const fault = await configIn(home)
      .settingsOf(target('y'))
      .catch((each: Error) => each);
    expect((fault as Error).message).toContain(`${home}/.ssh/conf.d/c.conf line 1: `);
    writeFileSync(join(home, '.ssh/config'), 'Include ~/.ssh/a.conf\n');
    expect(await configIn(home).settingsOf(target('y'))).toMatchObject({ user: 'deep' });
  },
);

test.runIf(needs('ssh'))('Match exec has the environment that was given', async () => {
  const home = homeWith({
    '.ssh/config': 'Match exec "test $WHERE = office"\n  ProxyJump none\nMatch originalhost gw\n  ProxyJump bastion\n',
  });
  const there = await configIn(home, { env: { PATH: process.env.PATH, WHERE: 'office' } }).settingsOf(target('gw'));
  const away = await configIn(home, { env: { PATH: process.env.PATH, WHERE: 'home' } }).settingsOf(target('gw'));
  expect(there.proxy).toBeNull();
  expect(via(away).name).toBe('bastion');
});

test('a configuration that cannot be read is refused, not passed over', async () => {
  const home = homeWith({ '.ssh/known_hosts': '' });
  symlinkSync('config', join(home, '.ssh/config'));
  await expect(configIn(home).settingsOf(target('x'))).rejects.toMatchObject({
    code: 'ssh-config',
    message: `${home}/.ssh/config cannot be read (ELOOP)`,
  });
});

test('a name that ssh refuses is no fault of the configuration', async () => {
  const home = homeWith({
    '.ssh/config': 'Host *\n  Port 2200\n',
    'bin/ssh':
      '#!/bin/sh\ncase "$*" in *localhost) exit 0;; esac\necho "hostname contains invalid characters" >&2\nexit 255\n',
  });
  chmodSync(join(home, 'bin/ssh'), 0o700);
  const config = configIn(home, { env: { PATH: `${join(home, 'bin')}:/bin:/usr/bin` } });
  const fault = await config.settingsOf(target('gw', { address: 'g w' })).catch((error) => error);
  expect(fault).toMatchObject({ code: 'ssh-config', fix: expect.stringContaining('Correct ansible_host') });
  expect(fault.message).toBe('ssh refuses to reach "g w": hostname contains invalid characters');
});

test('without a configuration no program is run', async () => {
  const home = homeWith({ 'bin/ssh': '#!/bin/sh\ntouch "$HOME/ran"\n' });
  chmodSync(join(home, 'bin/ssh'), 0o755);
  const env = { PATH: join(home, 'bin') };
  const settings = await configIn(home, { env }).settingsOf(
    target('gw', { address: '192.0.2.1', user: 'admin', port: 2222 }),
  );
  expect(existsSync(join(home, 'ran'))).toBe(false);
  expect(settings).toEqual({
    name: 'gw',
    hostName: '192.0.2.1',
    port: 2222,
    user: 'admin',
    hostKeyAlias: null,
    knownHostsFiles: [
      join(home, '.ssh/known_hosts'),
      join(home, '.ssh/known_hosts2'),
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    acceptNewHostKeys: false,
    namedIdentityFiles: [],
    defaultIdentityFiles: ['id_ed25519', 'id_ecdsa', 'id_rsa'].map((name) => join(home, '.ssh', name)),
    identitiesOnly: false,
    agentSocket: null,
    proxy: null,
    connectTimeout: 20,
    keepalive: { interval: 15, count: 3 },
    profile: null,
    algorithms: {},
    addressFamily: 0,
    bindAddress: null,
  });
  // what the lab has is the same
  const defaults = { home, user: 'operator', env, acceptNewHostKeys: false };
  expect(plainSettings(target('gw', { address: '192.0.2.1', user: 'admin', port: 2222 }), defaults)).toEqual(settings);
});
