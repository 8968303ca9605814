import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type VerifyDocument, verifySchema } from '../../src/report/verdict-document.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** `verify`, and the proof at the end of `apply`, on the lab. What is seen and how it is judged: test/compile/proof. */
let project: Project;
const PAIR = ['playbooks/site.yml', '--limit', 'lana,lanb', '--lab'] as const;
const root = (host: string) => join(project.path, '.ipsec-play/lab', host, 'root');
const kernel = (host: string, name: string) => join(root(host), 'var/lib/lab-kernel', name);
const keys = () =>
  [join(root('lana'), KEYS(0)), join(root('lanb'), KEYS(1))].map((file) => readFileSync(file, 'utf8').trim());
const KEYS = (number: number) => `etc/sysconfig/network-scripts/keys-ipsec${number}`;

beforeAll(async () => {
  project = shippedProject();
  const { code, stdout, stderr } = await project.run('apply', 'playbooks/site.yml', '--lab', '-l', 'lana,store-a');
  expect(code, stdout + stderr).toBe(0);
}, 120_000);
afterAll(() => project.remove());

async function verified(...argv: string[]): Promise<VerifyDocument> {
  const { stdout, code } = await project.run('verify', ...argv, '--lab', '--patience', '1', '-o', 'json');
  const document = JSON.parse(stdout) as VerifyDocument;
  expect(new Ajv().validate(verifySchema, document)).toBe(true);
  expect(document.exitCode).toBe(code);
  return document;
}

const noted = (): Record<string, { status: string; at: string }> =>
  Object.values(JSON.parse(readFileSync(join(project.path, '.ipsec-play/verified.json'), 'utf8')).worlds)[0] as never;

describe('verify', { timeout: 60_000 }, () => {
  test('finds tunnels in order, a line each; all of it with -v', async () => {
    const { code, stdout } = await project.run('verify', '--lab', '-l', 'lana,store-a');
    expect(stdout).toMatch(/^lana-lanb {8}proven {6}ESP inside AH .*nothing in clear$/m);
    expect(stdout).toMatch(/^2 tunnels: 2 proven\.$/m);
    expect(stdout).not.toContain('peer');
    expect(code).toBe(0);
    const all = await project.run('verify', 'lana-lanb', '--lab', '--no-wire', '-v');
    expect(all.stdout).toMatch(/^ {6}route +ok /m);
  });

  test('only of those that are named, or are near a host', async () => {
    const [named, near] = [
      await verified('lana-*', 'store-a-store-b', '--no-wire'),
      await verified('-l', 'store-a', '--no-wire'),
    ];
    expect([named, near].map(({ tunnels }) => Object.keys(tunnels))).toEqual([
      ['lana-lanb', 'store-a-store-b'],
      ['store-a-store-b'],
    ]);
    const { code, stderr } = await project.run('verify', 'lana-lnab', '--lab');
    expect([code, stderr]).toEqual([3, expect.stringContaining('"lana-lnab" matches no tunnel')]);
    const tunnels = project.read('inventory/tunnels.yml');
    project.edit('inventory/tunnels.yml', '  workstations:', '  workstations:\n    state: absent');
    const absent = await project.run('verify', 'workstations', '--lab');
    project.write('inventory/tunnels.yml', tunnels);
    expect(absent).toMatchObject({ code: 3, stderr: expect.stringContaining('there is nothing to verify') });
  });

  test('names what is wrong, the line to change and what to do: exit 6', async () => {
    const psk = join(root('lana'), 'etc/racoon/psk.txt');
    const before = readFileSync(psk, 'utf8');
    writeFileSync(psk, before.replace('r3dh4tl1nux', 'wr0ng_canary'));
    for (const host of ['lana', 'lanb']) writeFileSync(kernel(host, 'sad'), '');
    const { code, stdout } = await project.run('verify', 'lana-lanb', '--lab', '--patience', '1', '--no-wire');
    expect(code).toBe(6);
    expect(stdout).toMatch(/lana-lanb {2}FAILED .*different pre-shared keys/);
    expect(stdout).toMatch(/inventory\/tunnels\.yml:\d+:\d+: error\[psk-differs\]/);
    const document = await verified('lana-lanb');
    writeFileSync(psk, before);
    expect(document.exitCode).toBe(6);
    expect(document.tunnels['lana-lanb']?.cause).toMatchObject({ code: 'psk-differs' });
    for (const text of [stdout, JSON.stringify(document)]) expect(text).not.toMatch(/wr0ng_canary|r3dh4tl1nux/);
    expect(noted()['lana-lanb']?.status).toBe('failed');
  });

  test('points at the very line of a host variable that keeps phase 2 from meeting', async () => {
    const conf = join(root('lanb'), 'etc/racoon/racoon.conf');
    const before = readFileSync(conf, 'utf8');
    writeFileSync(conf, before.replace('pfs_group 2', 'pfs_group 5'));
    mkdirSync(join(project.path, 'inventory/host_vars'), { recursive: true });
    project.write('inventory/host_vars/lanb.yml', '# not this: pfs_group: 5\nracoon:\n  sainfo:\n    pfs_group: 5\n');
    const { stdout, code } = await project.run('verify', 'lana-lanb', '--lab', '--patience', '1', '--no-wire');
    rmSync(join(project.path, 'inventory/host_vars'), { recursive: true });
    writeFileSync(conf, before);
    expect([code, stdout]).toEqual([6, expect.stringContaining('pfs_group is 2 on lana and 5 on lanb')]);
    expect(stdout).toContain('inventory/host_vars/lanb.yml:4:5: error[proposal-mismatch]');
  });

  test('of hosts that are out of reach says so: exit 5', async () => {
    const hosts = project.read('inventory/hosts.yml');
    // Nobody listens there.
    project.edit('inventory/hosts.yml', /ansible_host: [\d.]+/g, 'ansible_host: 127.0.0.1, ansible_port: 1');
    const { code, stdout, stderr } = await project.run('verify', 'lana-lanb', '--timeout', '5');
    project.write('inventory/hosts.yml', hosts);
    expect(code).toBe(5);
    expect(stderr).toMatch(/^\[lana\] .*refuses/m);
    expect(stdout).toMatch(/^lana-lanb {2}not proven/m);
  });
});

describe('an apply', { timeout: 60_000 }, () => {
  test('proves the tunnels that it brings up, and tells so', async () => {
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'an0ther_canary');
    const { code, stdout } = await project.prove('apply', ...PAIR, '-o', 'json');
    expect(code, stdout).toBe(0);
    const { tunnels } = JSON.parse(stdout) as RunDocument;
    expect(tunnels?.['lana-lanb']).toMatchObject({ status: 'proven', cause: null });
    expect(keys()).toEqual(['IKE_PSK=an0ther_canary', 'IKE_PSK=an0ther_canary']);
    // For `status`, as verify does.
    expect(noted()['lana-lanb']?.status).toBe('proven');
    expect((await project.prove('apply', ...PAIR)).stdout).not.toContain('proven     ');
  });

  test('takes both ends back when the tunnel carries nothing, and names the cause: exit 6', async () => {
    project.edit('inventory/tunnels.yml', 'an0ther_canary', 'a_third_canary');
    // Somebody has made racoon unable to start there: ifup sets the policies, and IKE never answers.
    const fault = join(root('lanb'), 'var/lib/lab-faults/racoon-fails');
    mkdirSync(dirname(fault), { recursive: true });
    writeFileSync(fault, '');
    rmSync(kernel('lanb', 'daemons/racoon'));
    const before = noted()['lana-lanb'];
    const { code, stdout, stderr } = await project.prove('apply', ...PAIR, '--confirm-timeout', '6', '-v');
    rmSync(fault);
    expect(code, stdout + stderr).toBe(6);
    expect(stdout.match(/lana-lanb does not work: .* the old state was put back, and is proven/g)).toHaveLength(2);
    expect(stdout).toMatch(/inventory\/tunnels\.yml:\d+:\d+: error\[racoon-not-running\]: lana-lanb: /);
    // What failed is gone again, and tells nothing about what is there.
    expect(noted()['lana-lanb']).toEqual(before);
    expect(keys()).toEqual(['IKE_PSK=an0ther_canary', 'IKE_PSK=an0ther_canary']);
  });

  test('keeps it all the same with --no-verify', async () => {
    expect((await project.prove('apply', ...PAIR, '--no-verify')).code).toBe(0);
    expect(keys()).toEqual(['IKE_PSK=a_third_canary', 'IKE_PSK=a_third_canary']);
  });

  test('of a tunnel that one end alone needed brought up tells how it is; nothing goes back: exit 6', async () => {
    const somebodyEdits = () => writeFileSync(join(root('lanb'), KEYS(1)), 'IKE_PSK=by_hand\n');
    somebodyEdits();
    const repaired = await project.prove('apply', ...PAIR, '-o', 'json');
    const { tunnels, hosts } = JSON.parse(repaired.stdout) as RunDocument;
    expect([repaired.code, hosts.lana?.status, hosts.lanb?.status]).toEqual([0, 'ok', 'changed']);
    expect(tunnels?.['lana-lanb']).toMatchObject({ status: 'proven' });

    somebodyEdits();
    rmSync(kernel('lana', 'daemons/racoon'));
    const { code, stdout } = await project.prove('apply', ...PAIR);
    expect(code, stdout).toBe(6);
    expect(stdout).toMatch(/inventory\/tunnels\.yml:\d+:\d+: error\[racoon-not-running\]: lana-lanb: /);
    expect(stdout).toMatch(/`ipsec-play rollback .*` takes it back/);
    expect(keys()).toEqual(['IKE_PSK=a_third_canary', 'IKE_PSK=a_third_canary']);
  });
});
