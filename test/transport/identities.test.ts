import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../src/model/secret.ts';
import type { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { type Reach, rejection, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { generateKey, type Sshd, startSshd } from '../support/sshd.ts';

describe.skipIf(!needs('sshd', 'ssh-keygen', 'ssh-agent'))('keys: named, in ssh-agent, default', () => {
  let sshd: Sshd;
  let socket: string;
  let agent: number;
  const made: string[] = [];
  const key = (name: string, options: Parameters<typeof generateKey>[1] = {}) => {
    const path = join(sshd.dir, name);
    generateKey(path, options);
    made.push(path);
    return path;
  };
  const fingerprint = (path: string) =>
    execFileSync('ssh-keygen', ['-lf', `${path}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? 'none';

  beforeAll(async () => {
    sshd = await startSshd({ config: ['MaxAuthTries 4', 'LogLevel DEBUG1'] });
    socket = join(sshd.dir, 'agent');
    const started = execFileSync('ssh-agent', ['-s', '-a', socket], { encoding: 'utf8' });
    agent = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]);
    for (let number = 0; number < 6; number += 1) key(`held_${number}`);
    for (const path of made) execFileSync('ssh-add', ['-q', path], { env: { SSH_AUTH_SOCK: socket } });
    // The last of six, where the server hangs up after four.
    sshd.authorize(readFileSync(join(sshd.dir, 'held_5.pub'), 'utf8'));
  });
  afterAll(async () => {
    if (agent > 0) process.kill(agent);
    await sshd?.stop();
  });

  const held = (number: number) => join(sshd.dir, `held_${number}`);
  const reach = (more: Reach): Reach => ({ agentSocket: socket, identityFiles: [], ...more });
  /** The keys that the server saw, in their order. */
  const offeredIn = (log: string) => [
    ...new Set(
      [...log.matchAll(/(?:Failed|Accepted|Postponed) publickey for \S+ from .* (SHA256:\S+)/g)].map(
        ([, seen]) => seen,
      ),
    ),
  ];
  const connected = async (more: Reach) => {
    const log = sshd.log().length;
    const connection = await transportTo(sshd, reach(more)).connect(targetOf(sshd));
    await connection.close();
    await new Promise((resolve) => setTimeout(resolve, 150));
    return offeredIn(sshd.log().slice(log));
  };
  const refused = async (more: Reach) => {
    const log = sshd.log().length;
    const fault = (await rejection(transportTo(sshd, reach(more)).connect(targetOf(sshd)))) as ConnectFault;
    await new Promise((resolve) => setTimeout(resolve, 150));
    return { fault, offered: offeredIn(sshd.log().slice(log)) };
  };

  test('an agent with more keys than the server allows attempts: what to do is said', async () => {
    const { fault } = await refused({});
    expect(fault).toMatchObject({ code: 'authentication', passing: false });
    expect(fault.message).toContain('Too many authentication failures');
    expect(fault.fix).toContain('IdentitiesOnly');
  });

  test('the key that is named is the first, whatever else the agent holds', async () => {
    expect(await connected({ namedIdentityFiles: [held(5)] })).toEqual([fingerprint(held(5))]);
  });

  test('its public half is enough to name it: as the file that is named, or beside it', async () => {
    expect(await connected({ namedIdentityFiles: [`${held(5)}.pub`] })).toEqual([fingerprint(held(5))]);
    const moved = key('only_public');
    sshd.authorize(readFileSync(`${moved}.pub`, 'utf8'));
    execFileSync('ssh-add', ['-q', moved], { env: { SSH_AUTH_SOCK: socket } });
    rmSync(moved);
    expect(await connected({ namedIdentityFiles: [moved] })).toEqual([fingerprint(moved)]);
    execFileSync('ssh-add', ['-q', '-d', `${moved}.pub`], { env: { SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
  });

  test('only a public half, and nobody who holds the other', async () => {
    const lost = key('lost');
    rmSync(lost);
    const { fault } = await refused({ namedIdentityFiles: [lost], identitiesOnly: true });
    expect(fault.message).toContain(`${lost} (there is only its public half, and ssh-agent does not hold it)`);
  });

  test('a named one that cannot be read: that is what is to be done', async () => {
    const folder = join(sshd.dir, 'folder_for_a_key');
    mkdirSync(folder, { recursive: true });
    const { fault } = await refused({ namedIdentityFiles: [folder], agentSocket: null });
    expect(fault.message).toContain(`${folder} (cannot be read (EISDIR))`);
    expect(fault.fix).toBe(`Make ${folder} a private key that you can read, or name another with --private-key.`);
  });

  test('an encrypted one, and nobody to ask: that is what is to be done', async () => {
    const path = key('for_nobody', { passphrase: 'never told' });
    const { fault } = await refused({ namedIdentityFiles: [path], agentSocket: null });
    expect(fault.fix).toContain(`ssh-add ${path}`);
  });

  test('several that are named, in their order, each once', async () => {
    const wrong = key('wrong');
    const named = [held(0), wrong, wrong, held(5)];
    expect(await connected({ namedIdentityFiles: named })).toEqual([held(0), wrong, held(5)].map(fingerprint));
  });

  describe('IdentitiesOnly', () => {
    test('none of the agent but those that are named', async () => {
      const { fault, offered } = await refused({ namedIdentityFiles: [held(0)], identitiesOnly: true });
      expect(fault.code).toBe('authentication');
      expect(offered).toEqual([fingerprint(held(0))]);
      expect(fault.message).toMatch(/not used: .*\d+ keys of ssh-agent \(IdentitiesOnly\)/);
      expect(await connected({ namedIdentityFiles: [held(0), held(5)], identitiesOnly: true })).toEqual(
        [held(0), held(5)].map(fingerprint),
      );
    });

    test('none is named: those of the default files', async () => {
      const { fault, offered } = await refused({ identitiesOnly: true });
      expect(offered).toEqual([]);
      expect(fault.message).toMatch(/not used: .*\d+ keys of ssh-agent \(IdentitiesOnly\)/);
      expect(await connected({ identityFiles: [held(5)], identitiesOnly: true })).toEqual([fingerprint(held(5))]);
    });
  });

  test('an encrypted key that the agent holds is not asked for; one that it does not hold is, once a run', async () => {
    const locked = key('locked', { passphrase: 'open sesame' });
    sshd.authorize(readFileSync(`${locked}.pub`, 'utf8'));
    const prompts: string[] = [];
    const ask = async (prompt: string) => {
      prompts.push(prompt);
      return new Secret('open sesame');
    };
    const transport = transportTo(sshd, reach({ namedIdentityFiles: [locked], identitiesOnly: true, ask }));
    const opened = await Promise.all([1, 2, 3].map(() => transport.connect(targetOf(sshd))));
    for (const each of opened) await each.close();
    expect(prompts).toEqual([`Passphrase for ${locked}: `]);

    const plain = key('unlocked');
    sshd.authorize(readFileSync(`${plain}.pub`, 'utf8'));
    execFileSync('ssh-add', ['-q', plain], { env: { SSH_AUTH_SOCK: socket } });
    execFileSync('ssh-keygen', ['-q', '-p', '-N', 'other words', '-P', '', '-f', plain]);
    expect(await connected({ namedIdentityFiles: [plain], identitiesOnly: true, ask: null })).toEqual([
      fingerprint(plain),
    ]);
  });

  test('of several encrypted keys that are named only the one that is needed is asked for', async () => {
    const unused = key('unused', { passphrase: 'never asked' });
    const prompts: string[] = [];
    const ask = async (prompt: string) => {
      prompts.push(prompt);
      return null;
    };
    expect(await connected({ namedIdentityFiles: [held(5), unused], ask })).toEqual([fingerprint(held(5))]);
    expect(prompts).toEqual([]);
  });

  test('two agents in one run, each for its own host', async () => {
    const second = join(sshd.dir, 'second_agent');
    const started = execFileSync('ssh-agent', ['-s', '-a', second], { encoding: 'utf8' });
    try {
      execFileSync('ssh-add', ['-q', held(5)], { env: { SSH_AUTH_SOCK: second } });
      expect(await connected({ agentSocket: second })).toEqual([fingerprint(held(5))]);
    } finally {
      process.kill(Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1]));
    }
  });

  test('methods that ssh_config leaves out are not tried', async () => {
    const { fault, offered } = await refused({ namedIdentityFiles: [held(5)], authMethods: ['password'] });
    expect(offered).toEqual([]);
    expect(fault.message).toContain('nothing to authenticate with was found');
  });
});
