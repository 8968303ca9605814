import { readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';

/** ifup makes DST.conf anew only when it is older than the ifcfg file: on a host whose clock was set back it never is. */
let project: Project;
const PLAYBOOK = ['playbooks/site.yml', '--limit', 'lana,lanb', '--lab'] as const;
const phase1 = (host: string, peer: string) =>
  join(project.path, '.ipsec-play/lab', host, 'root/etc/racoon', `${peer}.conf`);

beforeAll(async () => {
  project = shippedProject();
  expect((await project.run('apply', ...PLAYBOOK)).code).toBe(0);
}, 120_000);
afterAll(() => project.remove());

test('phase 1 settings take effect although its file seems to be newer', { timeout: 60_000 }, async () => {
  const own = phase1('lana', '203.0.113.2');
  const tomorrow = new Date(Date.now() + 86_400_000);
  utimesSync(own, tomorrow, tomorrow);
  project.edit('inventory/tunnels.yml', '  lana-lanb:\n', '  lana-lanb:\n    ike: { dh_group: 5 }\n');
  const { code, stdout, stderr } = await project.run('apply', ...PLAYBOOK);
  expect(code, stdout + stderr).toBe(0);
  for (const file of [own, phase1('lanb', '203.0.113.1')]) expect(readFileSync(file, 'utf8')).toMatch(/dh_group 5;/);
});
