import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hold } from './fleet-process.ts';

/** An ssh-agent of our own. It ends when this process does, though ten seconds later: it looks for its parent. */
export interface Agent {
  /** For SSH_AUTH_SOCK. */
  readonly socket: string;
  /** Loads a key, whose passphrase nobody is asked for. */
  add(keyFile: string, passphrase?: string): void;
  clear(): void;
  stop(): Promise<void>;
}

/** `folder` is there, and gets the socket and a program that answers ssh-add. */
export async function startAgent(folder: string): Promise<Agent> {
  const socket = join(folder, 'agent.sock');
  const askpass = join(folder, 'askpass');
  // The passphrase is in no argument of any program, also here.
  writeFileSync(askpass, `#!/bin/sh\nprintf '%s\\n' "$PASSPHRASE"\n`, { mode: 0o700 });
  const held = hold(['ssh-agent', '-a', socket, 'sh', '-c', 'echo "agent $SSH_AGENT_PID."; exec cat > /dev/null']);
  await held.said('.\n');
  const pid = Number(/agent (\d+)\./.exec(held.log())?.[1]);
  const add = (args: readonly string[], passphrase = '') => {
    const answers = { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0', PASSPHRASE: passphrase };
    execFileSync('ssh-add', ['-q', ...args], {
      env: { PATH: process.env.PATH, SSH_AUTH_SOCK: socket, ...answers },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  };
  return {
    socket,
    add: (keyFile, passphrase) => add([keyFile], passphrase),
    clear: () => add(['-D']),
    stop: async () => {
      process.kill(pid);
      await held.kill();
    },
  };
}
