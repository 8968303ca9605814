import pico from 'picocolors';
import type { RunEvent } from '../../src/engine/events.ts';
import type { HostResult, RunResult, TaskResult } from '../../src/engine/result.ts';
import type { Output, ReportOptions } from '../../src/report/output.ts';

export function task(id: string, more: Partial<TaskResult> = {}): TaskResult {
  return {
    id,
    play: 'Tunnels',
    name: id,
    module: 'file',
    tunnel: null,
    status: 'ok',
    diff: [],
    disruptive: null,
    error: null,
    ms: 0,
    ...more,
  };
}

const IFCFG = {
  path: '/etc/sysconfig/network-scripts/ifcfg-ipsec0',
  before: 'TYPE=IPSEC\nONBOOT=no\nDST=203.0.113.2\n',
  after: 'TYPE=IPSEC\nONBOOT=yes\nDST=203.0.113.2\n',
  sensitive: false,
};
const KEYS = {
  path: '/etc/sysconfig/network-scripts/keys-ipsec0',
  before: null,
  after: 'IKE_PSK=fp:0123abcd\n',
  sensitive: true,
};
const DISRUPTIVE = 'brings ipsec0 up (ifup): traffic with 192.168.2.0/24 waits until the other end is up as well';

const NOTE = 'the earlier run 2b was not brought to its end: the old state was put back';

/** A host where all goes well, one where a task fails with a hostile message, one out of reach, one not begun. */
export const hosts: ReadonlyMap<string, HostResult> = new Map([
  [
    'lana',
    {
      status: 'changed',
      notes: [NOTE],
      error: null,
      tasks: [
        task('package'),
        task('ifcfg-ipsec0', { status: 'changed', diff: [IFCFG], tunnel: 'lana-lanb', ms: 12 }),
        task('keys-ipsec0', { status: 'changed', diff: [KEYS], tunnel: 'lana-lanb' }),
        task('network', { status: 'skipped', module: 'service' }),
        task('ifup ipsec0', {
          status: 'changed',
          module: 'connection',
          diff: [{ path: 'connection ipsec0', before: 'down', after: 'up', sensitive: false }],
          disruptive: DISRUPTIVE,
          ms: 2340,
        }),
        task('psk.txt put right again', {
          status: 'unknown',
          module: 'psk',
          error: { code: 'unknown', message: 'not known until ifup for 10.0.0.1: it drops a line' },
        }),
      ],
    },
  ],
  [
    'lanb-with-a-long-name',
    {
      status: 'failed',
      error: { code: 'task-failed', message: 'evil: exit 1: \u001b[31mred\u001b[0m\nsecond line\u202e' },
      tasks: [
        task('evil', {
          name: 'evil\u001b[2J\n[lana] fake: ok',
          status: 'failed',
          module: 'command',
          diff: [{ path: 'command', before: null, after: "printf '\u001b[31m'\ntrue", sensitive: false }],
          error: { code: 'task-failed', message: 'exit 1: \u001b[31mred\u001b[0m\nsecond line\u202e' },
        }),
        task('after', { status: 'skipped', error: { code: 'not-run', message: 'not run' } }),
      ],
    },
  ],
  [
    'pinky',
    { status: 'unreachable', error: { code: 'refused', message: 'port 22 refused the connection' }, tasks: [] },
  ],
  ['ijin', { status: 'skipped', error: null, tasks: [] }],
  ['store-a', { status: 'ok', error: null, tasks: [task('package')] }],
]);

export const outcome: RunResult = { hosts, interrupted: false, timedOut: false };

/** What the engine would have told of it. */
export function events(command: 'check' | 'apply'): RunEvent[] {
  const play = 'Tunnels';
  const run = command === 'apply' ? '20260102-030405-00ff' : null;
  const told: RunEvent[] = [
    { type: 'run-started', command, playbook: 'playbooks/site.yml', run },
    { type: 'play-started', play, hosts: [...hosts.keys()] },
  ];
  for (const [host, result] of hosts) {
    if (result.status === 'skipped') continue;
    told.push({ type: 'host-started', play, host });
    if (result.tasks.length > 0) told.push({ type: 'host-planned', play, host, tasks: result.tasks });
    for (const each of result.tasks) {
      if (command === 'check' || !['changed', 'failed'].includes(each.status)) continue;
      told.push({ type: 'task-started', play, host, task: each }, { type: 'task-finished', play, host, task: each });
    }
    if (command === 'apply' && host === 'lana') told.push({ type: 'host-noted', play, host, note: NOTE });
    if (command === 'apply' && result.status === 'failed') {
      told.push({ type: 'host-restoring', play, host, why: result.error?.message ?? '' });
    }
    told.push({ type: 'host-finished', play, host, result });
  }
  return [...told, { type: 'stopping' }, { type: 'run-finished', result: outcome }];
}

/** Both streams as one text, each line told apart. */
export function recorder(color = false): { output: Output; text(): string } {
  const lines: string[] = [];
  const write = (mark: string) => (text: string) =>
    void lines.push(
      ...text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => `${mark}|${line}`),
    );
  return {
    output: { results: write('out'), messages: write('err'), colors: pico.createColors(color) },
    text: () => `${lines.join('\n')}\n`,
  };
}

export const options = (command: 'check' | 'apply', more: Partial<ReportOptions> = {}): ReportOptions => ({
  command,
  diff: true,
  verbosity: 0,
  ...more,
});
