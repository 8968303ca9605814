import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../src/model/host.ts';
import { sshTransport } from '../../src/transport/ssh.ts';
import type { Ask } from '../../src/transport/ssh-keys.ts';
import type { SshSettings } from '../../src/transport/ssh-settings.ts';
import type { Connection, Shell, ShellEnd } from '../../src/transport/transport.ts';
import type { Sshd } from './sshd.ts';

export type Overrides = { readonly [Field in keyof Target]?: Target[Field] | undefined };

/** A target on a test server. A field that is given as undefined is left out. */
export function targetOf(sshd: { address: string; port: number }, overrides: Overrides = {}): Target {
  const target = {
    name: 'gw',
    connection: 'ssh',
    address: sshd.address,
    port: sshd.port,
    connectTimeout: 20,
    ...overrides,
  };
  return Object.fromEntries(Object.entries(target).filter(([, value]) => value !== undefined)) as unknown as Target;
}

/** How a test's hosts are reached where their targets say nothing else. */
export interface Reach extends Partial<SshSettings> {
  readonly env?: { readonly SSH_AUTH_SOCK?: string };
  readonly ask?: Ask | null;
  readonly identityFiles?: readonly string[];
}

/** A transport that knows the test server's host key, and uses its client key. */
export function transportTo(sshd: Sshd, reach: Reach = {}) {
  const { env = {}, ask = null, identityFiles } = reach;
  return sshTransport({
    settingsOf: async (target) => settingsTo(sshd, target, reach, identityFiles),
    ask,
    env: { ...process.env, ...env },
  });
}

/** The way to one test server; what `reach` says goes before what the target says. */
export function settingsTo(
  sshd: Sshd,
  target: Target = targetOf(sshd),
  reach: Reach = {},
  identityFiles: readonly string[] = [sshd.clientKey],
): SshSettings {
  const { env, ask: _ask, identityFiles: _files, ...own } = reach;
  const named = target.privateKeyFile;
  const known = join(sshd.dir, 'known_hosts');
  if (own.knownHostsFiles === undefined) writeFileSync(known, sshd.knownHosts());
  return {
    name: target.name,
    hostName: target.address,
    port: target.port ?? 22,
    user: target.user ?? sshd.user,
    hostKeyAlias: null,
    knownHostsFiles: [known],
    acceptNewHostKeys: false,
    namedIdentityFiles: named === undefined ? [] : [named],
    defaultIdentityFiles: named === undefined ? identityFiles : [],
    identitiesOnly: false,
    agentSocket: env?.SSH_AUTH_SOCK ?? null,
    proxy: null,
    connectTimeout: target.connectTimeout ?? 20,
    keepalive: { interval: 15, count: 3 },
    profile: target.sshProfile ?? null,
    algorithms: {},
    addressFamily: 0,
    bindAddress: null,
    ...own,
  };
}

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: ShellEnd;
}

/** Runs one program to its end. `talk` may write; stdin is closed after it. */
export async function run(
  connection: Connection,
  program: string,
  talk: (shell: Shell) => Promise<void> = async () => {},
): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  const shell = await connection.shell(program, {
    stdout: (bytes) => {
      stdout += bytes;
    },
    stderr: (bytes) => {
      stderr += bytes;
    },
  });
  await talk(shell);
  shell.end();
  const end = await shell.ended;
  return { stdout, stderr, end };
}

/** What a promise was rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error('it was expected to be refused, and was not');
    },
    (error) => error,
  );
}

/** A command that is a connection to a port of this machine, as `nc` would be. */
export function relayTo(port: number): string {
  const script = `const s=require('net').connect(${port},'127.0.0.1');process.stdin.pipe(s);s.pipe(process.stdout)`;
  return `'${process.execPath}' -e "${script}"`;
}
