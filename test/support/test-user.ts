import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';

export interface TestUser {
  readonly name: string;
  readonly password: string;
  remove(): void;
}

/** A user of this machine, with a rule of sudoers where one is given (`USER` stands for the name). Needs root. */
export function createUser(options: { readonly sudoers?: readonly string[]; readonly shell?: string } = {}): TestUser {
  const name = `ipt${process.pid % 100000}${counter}`;
  counter += 1;
  const password = `pa ss'w"o\\rd-${name}`;
  const sudoers = `/etc/sudoers.d/ipsec-play-test-${name}`;
  execFileSync('useradd', ['-m', '-s', options.shell ?? '/bin/sh', name]);
  execFileSync('chpasswd', { input: `${name}:${password}\n` });
  if (options.sudoers) {
    writeFileSync(sudoers, `${options.sudoers.map((rule) => rule.replaceAll('USER', name)).join('\n')}\n`, {
      mode: 0o440,
    });
  }
  return {
    name,
    password,
    remove: () => {
      rmSync(sudoers, { force: true });
      execFileSync('userdel', ['-r', '-f', name], { stdio: 'ignore' });
    },
  };
}

let counter = 0;
