import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A copy of the built command line, which nobody builds anew while it is measured; gone when this process ends. */
export const CLI = join(mkdtempSync(join(tmpdir(), 'ipsec-play-bench-')), 'dist/cli.js');
cpSync(fileURLToPath(new URL('../dist', import.meta.url)), dirname(CLI), { recursive: true });
writeFileSync(join(dirname(CLI), '../package.json'), '{ "type": "module" }');
process.on('exit', () => rmSync(join(dirname(CLI), '..'), { recursive: true, force: true }));

/** What every measured process has for an environment: nothing of the caller's but where programs are. */
export const ENV = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C.UTF-8', NO_COLOR: '1' };

export const PLAYBOOK = `- name: IPsec tunnels
  hosts: all
  tasks:
    - name: Tunnels of the inventory
      ipsec_tunnels:
        tunnels: all
`;

/** A temporary folder with these files, for as long as `work` takes. */
export async function inWorkspace<T>(files: Record<string, string>, work: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'ipsec-play-bench-'));
  try {
    writeFiles(dir, files);
    return await work(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function writeFiles(dir: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
}
