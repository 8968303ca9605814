import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';

let project: Project;
beforeEach(() => {
  project = shippedProject();
  mkdirSync(join(project.path, '.git'));
});
afterEach(() => project.remove());

const codes = (text: string) =>
  [...text.matchAll(/(warning|error)\[([a-z-]+)\]/g)].map(([, severity, code]) => `${severity} ${code}`);

test('validate warns of the keys of the examples, and stays content', async () => {
  const { code, stdout, stderr } = await project.run('validate', 'playbooks/site.yml');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^valid: 8 hosts, 4 tunnels, \d+ tasks\n$/);
  expect(codes(stderr).sort()).toEqual([
    ...Array.from({ length: 9 }, () => 'warning secret-plaintext'),
    ...Array.from({ length: 3 }, () => 'warning secret-weak'),
  ]);
  for (const key of ['Key_Value01', 'foobarbaz', 'r3dh4tl1nux', '2f1c9b0e']) expect(stderr).not.toContain(key);
});

test('--strict makes errors of all warnings, also of those that are not of secrets', async () => {
  project.edit('inventory/tunnels.yml', '192.168.1.254', '192.168.7.254');
  const plain = await project.run('validate');
  expect(codes(plain.stderr)).toContain('warning gateway-outside');
  const { code, stdout, stderr } = await project.run('validate', '--strict');
  expect([code, stdout]).toEqual([3, '']);
  expect(codes(stderr)).toEqual(codes(plain.stderr).map((line) => line.replace('warning', 'error')));
  const json = JSON.parse((await project.run('validate', '--strict', '-o', 'json')).stdout);
  expect(json.exitCode).toBe(3);
  expect(new Set(json.diagnostics.map(({ severity }: { severity: string }) => severity))).toEqual(new Set(['error']));
});

test('one psk for two tunnels, with both places', async () => {
  project.edit('inventory/tunnels.yml', 'foobarbaz', 'r3dh4tl1nux');
  const { stderr } = await project.run('validate');
  expect(stderr).toContain(
    'warning[secret-shared]: lana-lanb, workstations have the same psk, between different hosts',
  );
  expect(stderr).toMatch(/see: {3}inventory\/tunnels\.yml:\d+:\d+: workstations/);
});

test('only validate does', async () => {
  for (const command of ['tasks', 'check']) {
    const { stderr } = await project.run(command, 'playbooks/site.yml', '--lab', '--limit', 'pinky');
    expect(codes(stderr).filter((code) => code.includes('secret-'))).toEqual([]);
  }
});
