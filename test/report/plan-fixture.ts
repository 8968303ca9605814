import type { PlanDocument, PlannedTask } from '../../src/report/plan-document.ts';

const digest = (digit: string) => `fp:${digit.repeat(24)}`;

function task(id: string, rest: Partial<PlannedTask>): PlannedTask {
  const none = { tunnel: null, status: 'changed', diff: [], disruptive: null, error: null } as const;
  return { id, play: 'IPsec tunnels', name: id, module: 'file', ...none, ...rest };
}

/** A plan with all that can be in one, and names that would rather be markup. */
export const plan: PlanDocument = {
  schema: 'ipsec-play/plan/1',
  id: '20261122-101530-3fa9',
  tool: '0.1.0',
  created: { at: '2026-11-22T10:15:30.123Z', by: 'ada@control' },
  window: { notBefore: '2026-11-28T22:00:00.000Z', notAfter: '2026-11-29T02:00:00.000Z' },
  playbook: 'playbooks/site.yml',
  options: {
    inventory: 'inventory',
    shard: null,
    limit: 'lana',
    tags: ['a', 'b'],
    skipTags: [],
    extraVars: digest('e'),
    become: true,
    lab: false,
  },
  inputs: {
    'inventory/hosts.yml': digest('1'),
    'inventory/tunnels.yml': digest('2'),
    'playbooks/site.yml': digest('3'),
  },
  impact: {
    tunnels: [
      { name: 'lana-lanb', ends: ['lana', 'lanb'], effect: 'drops', networkOf: [], seconds: [5, 15] },
      { name: 'old', ends: ['lana', 'lanb'], effect: 'removed', networkOf: [], seconds: null },
      { name: 'wide_*', ends: ['lana', 'gw'], effect: 'starts', networkOf: ['lana'], seconds: [10, 40] },
    ],
    services: [{ host: 'lana', service: 'network' }],
    ownPath: [{ host: 'lana', why: 'your connection to lanb goes over it' }],
  },
  hosts: {
    lana: {
      status: 'changed',
      tasks: [
        task('keys-ipsec0', {
          tunnel: 'lana-lanb',
          diff: [
            {
              path: '/etc/sysconfig/network-scripts/keys-ipsec0',
              before: 'IKE_PSK=fp:00000001\n',
              after: 'IKE_PSK=fp:00000002\n',
              sensitive: true,
            },
          ],
        }),
        task('motd', {
          name: '<script>|`motd`|\u202e\u001b[31m',
          diff: [{ path: '/etc/motd', before: 'a\n', after: '```\n<script>\n\u001b[31mb\n', sensitive: false }],
        }),
        task('ifup', { module: 'connection', tunnel: 'lana-lanb', disruptive: 'brings ipsec0 up (ifup)' }),
        task('after', {
          status: 'unknown',
          error: { code: 'unknown', message: 'not known until ifup: it uses the result of "ifup"' },
        }),
        task('in order', { status: 'ok' }),
      ],
      state: { '/etc/motd': digest('4'), 'package ipsec-tools': digest('5') },
    },
    lanb: { status: 'ok', tasks: [task('in order', { status: 'ok' })], state: { '/etc/motd': digest('6') } },
  },
  keyId: 'a'.repeat(16),
  seal: 'b'.repeat(64),
};
