import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';
import { manyHosts } from '../support/many-hosts.ts';

let project: Project;
let hosts: Awaited<ReturnType<typeof manyHosts>>;

beforeAll(async () => {
  project = shippedProject();
  writeFileSync(join(project.path, 'inventory/tunnels.yml'), 'tunnels: {}\n');
  hosts = await manyHosts(project.path);
});
afterAll(async () => {
  await hosts.stop();
  project.remove();
});

async function check(count: number): Promise<readonly { readonly type: string; readonly host?: string }[]> {
  hosts.write(count);
  const ran = await project.run('check', 'site.yml', '--ssh-config', 'ssh_config', '-o', 'jsonl');
  expect(ran).toMatchObject({ code: 2, stderr: '' });
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** What this process holds: descriptors, listeners of its own, and what keeps its event loop alive. */
function held() {
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    listeners: process.eventNames().map((name) => [name, process.listenerCount(name)]),
    resources: process
      .getActiveResourcesInfo()
      .filter((kind) => /TCP|Timeout|Process/.test(kind))
      .sort(),
  };
}

test.skipIf(process.platform !== 'linux')(
  'a run leaves nothing behind in the process, however many there are',
  async () => {
    await check(60);
    const once = held();
    for (let run = 0; run < 3; run += 1) await check(60);
    expect(held()).toEqual(once);
  },
);

test('a host is told of as often among many as among few', async () => {
  const [few, many] = [await check(5), await check(60)];
  const each = (events: typeof few) => events.filter(({ host }) => host === 'gw3').map(({ type }) => type);
  expect(each(many)).toEqual(each(few));
  const common = few.length - 5 * each(few).length;
  expect(many).toHaveLength(60 * each(few).length + common);
});
