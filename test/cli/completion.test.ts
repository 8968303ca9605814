import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';
import { needs } from '../support/needs.ts';

let project: Project;

beforeAll(async () => {
  needs('bash');
  project = shippedProject();
  const { code, stdout } = await project.run('completion', 'bash');
  expect(code).toBe(0);
  writeFileSync(join(project.path, 'completion.bash'), stdout);
});
afterAll(() => project.remove());

/** What bash offers for the last of the words. */
function offered(...words: string[]): string[] {
  const script = `. ./completion.bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _ipsec_play; printf "%s\\n" "\${COMPREPLY[@]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', 'ipsec-play', ...words], {
    cwd: project.path,
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);
  return stdout.split('\n').filter((line) => line !== '');
}

test('commands, and commands of commands', () => {
  expect(offered('ro')).toEqual(['rollback', 'rotate']);
  expect(offered('inventory', '')).toEqual(['list', 'host', 'graph']);
  expect(offered('vault', 'enc')).toEqual(['encrypt', 'encrypt-string']);
  expect(offered('completion', '')).toEqual(['bash', 'zsh']);
});

test('the options of the command alone, as its help shows them', () => {
  expect(offered('apply', '--br')).toEqual(['--break-lock']);
  expect(offered('check', '--br')).toEqual([]);
  expect(offered('validate', 'playbooks/site.yml', '--st')).toEqual(['--strict']);
  // It takes them, and does nothing with them.
  expect(offered('validate', '--forks')).toEqual([]);
  expect(offered('--v')).toEqual(['--version']);
  // A host may be called as a command is.
  expect(offered('check', '--limit', 'apply', '--br')).toEqual([]);
});

test('what an option chooses from', () => {
  expect(offered('check', '-o', '')).toEqual(['human', 'json', 'jsonl']);
  expect(offered('hand-off', 'tunnel', '--format', 't')).toEqual(['text']);
});

test('a playbook is a file: nothing is offered in its place', () => {
  expect(offered('apply', '')).toEqual([]);
});

test('another shell is refused by the names of those that there are', async () => {
  const { code, stderr } = await project.run('completion', 'tcsh');
  expect(code).toBe(3);
  expect(stderr).toContain('bash, zsh');
});
