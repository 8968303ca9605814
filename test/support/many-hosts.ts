import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKey } from './sshd.ts';

/** Writes a project of so many hosts into `dir`, all played by one process that ends with `stop`. */
export async function manyHosts(dir: string): Promise<{ write(count: number): void; stop(): Promise<void> }> {
  const server = spawn(process.execPath, [SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [first] = (await once(server.stdout, 'data')) as [Buffer];
  const { port, knownHosts } = JSON.parse(first.toString()) as { port: number; knownHosts: string };
  mkdirSync(join(dir, 'inventory'), { recursive: true });
  generateKey(join(dir, 'key'));
  writeFileSync(join(dir, 'known_hosts'), `${knownHosts}\n`);
  writeFileSync(join(dir, 'ssh_config'), `UserKnownHostsFile ${join(dir, 'known_hosts')}\n`);
  writeFileSync(
    join(dir, 'site.yml'),
    '- hosts: all\n  tasks:\n    - file: { path: /etc/not-there, content: "one\\n", mode: "0644" }\n    - sysctl: { key: net.ipv4.ip_forward, value: "1" }\n',
  );
  return {
    write: (count) => {
      const names = Array.from({ length: count }, (_, index) => `    gw${index + 1}:\n`);
      const vars = `{ ansible_host: 127.0.0.1, ansible_port: ${port}, ansible_user: root, ansible_ssh_private_key_file: ${join(dir, 'key')} }`;
      writeFileSync(join(dir, 'inventory/hosts.yml'), `all:\n  hosts:\n${names.join('')}  vars: ${vars}\n`);
    },
    stop: async () => {
      server.stdin.end();
      await once(server, 'exit');
    },
  };
}

const SERVER = fileURLToPath(new URL('./replaying-server.mjs', import.meta.url));
