import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject } from '../support/cli.ts';

/** What a check says of what an apply will stop, before it does. */
let project: Project;
beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());

async function check(...argv: string[]) {
  const { stdout } = await project.run('check', 'playbooks/site.yml', '--lab', '-o', 'json', ...argv);
  const document = JSON.parse(stdout) as RunDocument;
  expect(checkValue(runSchema, document)).toEqual([]);
  if (document.impact === undefined) throw new Error('no impact');
  return document.impact;
}

const shown = async (...argv: string[]) => (await project.run('check', 'playbooks/site.yml', '--lab', ...argv)).stdout;

describe('a new tunnel', () => {
  test('comes up; the network restarts on both ends', async () => {
    expect(await check('-l', 'lana')).toEqual({
      tunnels: [{ name: 'lana-lanb', ends: ['lana', 'lanb'], effect: 'starts', networkOf: [], seconds: [5, 15] }],
      services: [
        { host: 'lana', service: 'network' },
        { host: 'lanb', service: 'network' },
      ],
      ownPath: [],
    });
  });
});

describe('a changed key', () => {
  beforeAll(async () => {
    const { code, stdout } = await project.run('apply', 'playbooks/site.yml', '--lab', '--no-diff');
    expect({ code, stdout }).toMatchObject({ code: 0 });
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'an0ther_l0ng_Key');
  });

  test('takes its tunnel down for a while, and no other', async () => {
    expect(await check()).toEqual({
      tunnels: [{ name: 'lana-lanb', ends: ['lana', 'lanb'], effect: 'drops', networkOf: [], seconds: [5, 15] }],
      services: [],
      ownPath: [],
    });
  });

  test('is shown to people before the recap, and says what it is made of', async () => {
    const text = await shown();
    const section = text.slice(text.indexOf('IMPACT'), text.indexOf('RECAP'));
    expect(section).toBe(`IMPACT
  1 tunnel drops for a while:
    lana-lanb (lana, lanb): about 5 to 15 s
  times are estimated, not measured: from the first ifdown to the last ifup, then IKE with the first packets, which are lost

`);
  });

  test('who comes through that very tunnel is told, and both ends change nevertheless', async () => {
    project.edit('inventory/hosts.yml', '203.0.113.1 }', '203.0.113.1, lab_client: 192.168.2.7 }');
    expect((await check()).ownPath).toEqual([
      { host: 'lana', why: 'you come from 192.168.2.7, which reaches it through lana-lanb' },
      { host: 'lanb', why: 'your connection to lana goes over it' },
    ]);
    expect(await shown()).toContain('lana: you come from 192.168.2.7, which reaches it through lana-lanb');
    const { code, stdout } = await project.run('apply', 'playbooks/site.yml', '--lab', '-o', 'jsonl');
    expect(code).toBe(0);
    // lana begins while the tunnel to it still stands. Otherwise lanb, which only answers, would be the first.
    const begun = stdout.split('\n').flatMap((line) => {
      const event = line === '' ? {} : JSON.parse(line);
      return event.type === 'task-started' ? [event.host] : [];
    });
    expect([...new Set(begun)]).toEqual(['lana', 'lanb']);
  });

  test('when all is in order nothing is said', async () => {
    expect(await check()).toEqual({ tunnels: [], services: [], ownPath: [] });
    expect(await shown()).not.toContain('IMPACT');
  });
});

test('the question before an apply comes after it', async () => {
  project.edit('inventory/tunnels.yml', 'an0ther_l0ng_Key', 'a_th1rd_l0ng_Key');
  const asked: string[] = [];
  let before = '';
  const out: string[] = [];
  const ran = await project.runIn(
    {
      interactive: true,
      stdout: (text) => void out.push(text),
      ask: async (question) => {
        asked.push(question);
        before = out.join('');
        return 'n';
      },
    },
    'apply',
    'playbooks/site.yml',
    '--lab',
  );
  expect(ran.code).toBe(0);
  expect(asked).toHaveLength(1);
  expect(before).toContain('IMPACT\n  1 tunnel drops');
});

test('a tunnel that is taken away is gone for good', async () => {
  project.edit('inventory/tunnels.yml', '  lana-lanb:\n', '  lana-lanb:\n    state: absent\n');
  expect((await check()).tunnels).toEqual([
    { name: 'lana-lanb', ends: ['lana', 'lanb'], effect: 'removed', networkOf: [], seconds: null },
  ]);
});
