import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTrace } from '../../src/cli/run/trace-file.ts';
import { type Project, shippedProject } from '../support/cli.ts';

let project: Project;

beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly tid: number;
  readonly args?: Readonly<Record<string, unknown>>;
}

function eventsOf(file: string): readonly Event[] {
  return JSON.parse(project.read(file)) as readonly Event[];
}

/** The steps of a host's lane, in the order in which they began. */
function stepsOf(file: string, host: string): readonly string[] {
  const events = eventsOf(file);
  const lane = events.find(({ name, args }) => name === 'thread_name' && args?.name === host)?.tid;
  return events.filter(({ ph, tid }) => ph === 'B' && tid === lane).map(({ name }) => name);
}

const CONNECT = ['connect', 'settings', 'TCP', 'greeting', 'key exchange', 'authentication'];

test('an apply: each exchange of each host, the new connection and the tasks among them, and no key', async () => {
  const { code, stderr } = await project.run('apply', 'playbooks/host-to-host.yml', '--lab', '--trace', 'apply.json');
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('trace')]);
  const exchanges = stepsOf('apply.json', 'pinky').filter(
    (step) => !/^(wait|ifcfg|keys|prepare |psk|racoon|The )/.test(step),
  );
  expect(exchanges).toEqual([
    ...CONNECT,
    ...['probe', 'decide', 'prepare', 'commit', 'ifup ipsec1', 'close'],
    ...CONNECT,
    ...['re-read', 'decide', 'verified', 'confirm', 'close'],
  ]);
  const confirmed = eventsOf('apply.json').filter(({ name, ph }) => name === 'confirm' && ph === 'E');
  expect(confirmed).toHaveLength(2);
  for (const { args } of confirmed) expect(args).toEqual({ sent: expect.any(Number), received: expect.any(Number) });
  expect(statSync(join(project.path, 'apply.json')).mode & 0o777).toBe(0o600);
  expect(project.read('inventory/tunnels.yml')).toContain('Key_Value01');
  expect(project.read('apply.json')).not.toContain('Key_Value01');
});

test('a run that fails leaves its trace', async () => {
  project.write('down.yml', 'all:\n  hosts:\n    down: { ansible_host: 127.0.0.1, ansible_port: 1 }\n');
  project.write('ping.yml', '- hosts: all\n  tasks:\n    - command: "true"\n');
  const { code } = await project.run('check', 'ping.yml', '-i', 'down.yml', '--trace', 'down.json');
  expect(code).toBe(5);
  expect(stepsOf('down.json', 'down')).toEqual(['connect', 'settings', 'TCP']);
});

test('a file that is there is left alone, and no host is reached', async () => {
  project.write('mine', 'precious');
  const { code, stderr } = await project.run('check', 'playbooks/site.yml', '--lab=other', '--trace', 'mine');
  expect([code, stderr]).toEqual([3, expect.stringContaining('mine is there already, and is not overwritten')]);
  expect(project.read('mine')).toBe('precious');
  expect(existsSync(join(project.path, 'other'))).toBe(false);
});

test('the file is whole after each event, so also where nobody comes to close it', () => {
  const terminal = { cwd: project.path, stderr: () => {} } as unknown as Parameters<typeof openTrace>[1];
  const read = () => JSON.parse(readFileSync(join(project.path, 'cut.json'), 'utf8')) as readonly Event[];
  const trace = openTrace('cut.json', terminal);
  const before = read().length;
  const ended = trace.lane('gw')('probe');
  expect(
    read()
      .slice(before)
      .map(({ name, ph }) => [name, ph]),
  ).toEqual([
    ['thread_name', 'M'],
    ['thread_sort_index', 'M'],
    ['probe', 'B'],
  ]);
  ended();
  trace.lane('gw')('café');
  expect(read().at(-1)).toMatchObject({ name: 'café', ph: 'B' });
  trace.close();
  expect(read().at(-1)).toMatchObject({ name: 'café', ph: 'E', args: { unfinished: 1 } });

  const again = openTrace('cut.json', terminal);
  again.lane('gw')('confirm')();
  again.close();
  expect(
    read()
      .filter(({ ph }) => ph === 'B')
      .map(({ name }) => name),
  ).toEqual(['probe', 'café', 'confirm']);
});
