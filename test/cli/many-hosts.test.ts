import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
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

const FEW = 5;
const MANY = 40;

async function check(count: number): Promise<readonly { readonly type: string; readonly host?: string }[]> {
  hosts.write(count);
  const ran = await project.run('check', 'site.yml', '--ssh-config', 'ssh_config', '-o', 'jsonl');
  expect(ran).toMatchObject({ code: 2, stderr: '' });
  return ran.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** Of each kind, few hosts and many. */
const RUNS = 10;
/** Bytes: less than a client of ssh2 is, which is some 27 KB; what V8 makes meanwhile is 1 or 2 KB a host. */
const KEPT_OF_A_HOST = 8 * 1024;

/** Bytes, after what nobody holds has been collected. */
async function heapInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  return process.memoryUsage().heapUsed;
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
  'twenty runs leave nothing behind in the process: no descriptor, no listener, no timer, no memory',
  async () => {
    await check(MANY);
    // Connections end a moment after the run that had them, at the latest after a second.
    await expect.poll(() => held().resources, { timeout: 5000 }).not.toContain('Timeout');
    const once = held();
    // With few, so that what is made once, as compiled schemas and V8's code, is there when many are counted.
    for (let run = 0; run < RUNS; run += 1) await check(FEW);
    await expect.poll(held, { timeout: 5000 }).toEqual(once);
    const heap = await heapInUse();
    for (let run = 0; run < RUNS; run += 1) await check(MANY);
    await expect.poll(held, { timeout: 5000 }).toEqual(once);
    const kept = (await heapInUse()) - heap;
    expect(kept).toBeLessThan(RUNS * MANY * KEPT_OF_A_HOST);
  },
);

test('a host is told of as often among many as among few', async () => {
  const [few, many] = [await check(FEW), await check(MANY)];
  const each = (events: typeof few) => events.filter(({ host }) => host === 'gw3').map(({ type }) => type);
  expect(each(many)).toEqual(each(few));
  const common = few.length - FEW * each(few).length;
  expect(many).toHaveLength(MANY * each(few).length + common);
});
