import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Target } from '../../src/model/host.ts';
import { type SshOptions, sshTransport } from '../../src/transport/ssh.ts';
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

/** A transport that knows the test server's host key, and uses its client key. */
export function transportTo(sshd: Sshd, options: Partial<SshOptions> = {}) {
  const known = join(sshd.dir, 'known_hosts');
  writeFileSync(known, sshd.knownHosts());
  return sshTransport({
    defaultUser: sshd.user,
    home: sshd.dir,
    env: {},
    identityFiles: [sshd.clientKey],
    knownHostsFiles: [known],
    acceptNewHostKeys: false,
    ask: null,
    ...options,
  });
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
