import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Project, shippedProject, tree } from '../support/cli.ts';

/** `prune`, where somebody else has taken over what this tool once created. */
let project: Project;
let tunnels = '';
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const keys = (host: string, nickname: string) => join(root(host), `etc/sysconfig/network-scripts/keys-${nickname}`);
const apply = async () => {
  const { code, stdout, stderr } = await project.run('apply', 'playbooks/network-to-network.yml', '--lab');
  expect(code, stdout + stderr).toBe(0);
};
const forget = () => project.edit('inventory/tunnels.yml', / {2}lana-lanb:\n(?: {4}.*\n)+/g, '');

beforeAll(async () => {
  project = shippedProject();
  await apply();
  // A key that apply has changed is still its own.
  project.edit('inventory/tunnels.yml', 'psk: r3dh4tl1nux', 'psk: Key_of_later_1');
  await apply();
  tunnels = project.read('inventory/tunnels.yml');
}, 60_000);
afterAll(() => project.remove());

describe('prune', { timeout: 60_000 }, () => {
  test('leaves alone, at both ends, what has the key of somebody else now', async () => {
    forget();
    const file = keys('lana', 'ipsec0');
    const before = readFileSync(file, 'latin1');
    writeFileSync(file, 'IKE_PSK=Key_of_somebody_else\n', { mode: 0o600 });
    const etc = () =>
      ['lana', 'lanb'].map((host) => [
        ...['etc/sysconfig', 'etc/racoon'].map((below) => tree(join(root(host), below))),
        readFileSync(join(root(host), 'var/lib/lab-kernel/spd'), 'utf8'),
      ]);
    const standing = etc();
    const { code, stdout, stderr } = await project.run('prune', '--lab');
    expect([code, stdout]).toEqual([4, 'There is nothing to prune.\n']);
    expect(stderr).toContain('[lana] lana-lanb is left alone, at both ends: keys-ipsec0 is not as it was written');
    expect(etc()).toEqual(standing);
    writeFileSync(file, before);
  });

  test('says that what it removes is gone for good; a comment changes nothing', async () => {
    appendFileSync(keys('lana', 'ipsec0'), '\n# ask Kim about this one\n');
    const { code, stdout, stderr } = await project.run('prune', '--check', '--lab');
    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toContain('IMPACT\n  1 tunnel goes down for good:\n    lana-lanb\n');
    expect(stdout).not.toContain('drops for a while');
    // And what is only taken down is not.
    project.write('inventory/tunnels.yml', tunnels);
    expect((await project.run('down', 'lana-lanb', '--check', '--lab')).stdout).toContain(
      'IMPACT\n  1 tunnel goes down, until somebody brings it up again:\n    lana-lanb (lana, lanb)\n',
    );
  });
});
