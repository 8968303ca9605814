import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** A host that is in order only until another run goes back must not look like one that is in order. */
let project: Project;
const PLAYBOOK = ['playbooks/site.yml', '--limit', 'lana,lanb'] as const;

beforeAll(async () => {
  project = shippedProject();
}, 120_000);
afterAll(() => project.remove());

test('a run that waits to be confirmed is told of by check and apply, in each format', {
  timeout: 60_000,
}, async () => {
  const first = await project.run('apply', ...PLAYBOOK, '--lab', '--confirm', 'manual', '-o', 'json');
  const { run } = JSON.parse(first.stdout) as RunDocument;
  const note = `the run ${run} waits here to be confirmed, and goes back without it: ipsec-play confirm ${run}, or ipsec-play rollback ${run}`;
  const { code, stdout } = await project.run('check', ...PLAYBOOK, '--lab', '-o', 'json');
  expect(code).toBe(0);
  const { hosts } = JSON.parse(stdout) as RunDocument;
  expect(Object.values(hosts).map(({ notes }) => notes)).toEqual([[note], [note]]);
  const applied = await project.run('apply', ...PLAYBOOK, '--lab');
  expect([applied.code, applied.stdout.split(note).length]).toEqual([0, 3]);
  expect((await project.run('confirm', run ?? '', '--lab')).code).toBe(0);
  expect((await project.run('check', ...PLAYBOOK, '--lab', '-o', 'json')).stdout).not.toContain('notes');
});
