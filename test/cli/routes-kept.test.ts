import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** What no file holds: routes that somebody has added by hand are lost when the network is restarted. */
const PLAY = `- hosts: lana
  tasks:
    - service: { name: network, state: restarted }
    - name: Fail
      command: 'false'
`;
const BY_HAND = '10.9.0.0/16 via 203.0.113.254 dev eth0 ';

let project: Project;
const routes = () => join(project.path, '.ipsec-play/lab/lana/root/var/lib/lab-kernel/routes');

beforeEach(async () => {
  project = shippedProject();
  project.write('restart.yml', PLAY);
  expect((await project.run('check', 'restart.yml', '--lab')).code).toBe(2);
});
afterEach(() => project.remove());

async function applied(): Promise<RunDocument['hosts'][string] | undefined> {
  const { code, stdout } = await project.run('apply', 'restart.yml', '--lab', '-o', 'json');
  expect(code).toBe(4);
  return (JSON.parse(stdout) as RunDocument).hosts.lana;
}

describe('a network restart that is taken back', () => {
  test('gives the routes back that were there by hand, and makes none of its own', async () => {
    const made = readFileSync(routes(), 'utf8');
    writeFileSync(routes(), `${made}${BY_HAND}\n198.51.100.64/26 via 203.0.113.9 dev eth0 proto zebra \n`);
    const host = await applied();
    expect(host?.error?.message).toContain('the old state was put back, and is proven');
    expect(readFileSync(routes(), 'utf8').trim().split('\n').sort()).toEqual(
      `${made}${BY_HAND}`.trim().split('\n').sort(),
    );
  });

  test('says which one cannot be put back', async () => {
    writeFileSync(routes(), `${readFileSync(routes(), 'utf8')}nowhere via 203.0.113.254 dev eth0 \n`);
    const host = await applied();
    expect(host?.error?.code).toBe('restore-failed');
    expect(host?.error?.message).toContain('the route nowhere via 203.0.113.254 dev eth0 could not be put back');
  });
});
