import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import type { Target } from '../../../src/model/host.ts';
import { type SshConfig, type SshConfigOptions, sshConfig } from '../../../src/transport/ssh-config/ssh-config.ts';

/** A home folder of its own: the machine's ~/.ssh is never read. */
export function homeWith(files: Readonly<Record<string, string>>): string {
  const home = mkdtempSync(join(tmpdir(), 'ipsec-play-home-'));
  homes.push(home);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text.replaceAll('$HOME_HERE', home));
  }
  return home;
}

const homes: string[] = [];
afterAll(() => {
  for (const home of homes) rmSync(home, { recursive: true, force: true });
});

const ENV = { SSH_AUTH_SOCK: '/run/agent.sock', OTHER_SOCK: '/run/other.sock', HOME_OF_KEYS: '/keys' };

export function configIn(home: string, options: Partial<SshConfigOptions> = {}): SshConfig {
  return sshConfig({
    home,
    user: 'operator',
    env: { ...ENV, PATH: process.env.PATH },
    acceptNewHostKeys: false,
    ...options,
  });
}

/** Where there is no ssh. */
export const WITHOUT_SSH = { env: { ...ENV, PATH: '/nonexistent' } };

export function target(name: string, more: Partial<Target> = {}): Target {
  return { name, connection: 'ssh', address: name, ...more };
}
