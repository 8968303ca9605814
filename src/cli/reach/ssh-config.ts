import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type SshConfig, sshConfig } from '../../transport/ssh-config/ssh-config.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions, RunOptions } from '../options/options.ts';

/** How hosts are reached, as the command line and the environment have it. */
export function sshConfigFor(options: CommonOptions & Partial<RunOptions>, terminal: Terminal): SshConfig {
  const { sshConfig: file, timeout } = options;
  return sshConfig({
    home: terminal.home,
    user: terminal.user,
    env: terminal.env,
    configFile: file === undefined || file === 'none' || file.startsWith('~/') ? file : resolve(terminal.cwd, file),
    projectKnownHosts: projectKnownHosts(resolve(terminal.cwd, options.inventory)),
    acceptNewHostKeys: options.acceptNewHostKeys === true,
    connectTimeout: timeout,
  });
}

/** Where a project keeps the host keys that are committed with it: beside the inventory, whether it is there or not. */
export function projectKnownHostsFile(inventory: string): string {
  const isFolder = statSync(inventory, { throwIfNoEntry: false })?.isDirectory() === true;
  return join(isFolder ? inventory : dirname(inventory), 'known_hosts');
}

function projectKnownHosts(inventory: string): string | undefined {
  const file = projectKnownHostsFile(inventory);
  return existsSync(file) ? file : undefined;
}
