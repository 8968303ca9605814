import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunDocument } from '../../src/report/json.ts';
import { type Project, shippedProject } from '../support/cli.ts';

// The law that a dry run stands for: whatever the inventory asks for and whatever somebody did on the hosts meanwhile,
// `apply` does what `check` has shown, and then there is nothing left to show. All on one lab, one state after another.

/** Addresses of which one is the beginning of another: the ifup of these releases drops psk lines by that. */
const HOSTS = `all:
  hosts:
    a: { ansible_host: 10.0.0.1, lab_release: '5.11' }
    b: { ansible_host: 10.0.0.10, lab_release: '4.9' }
    c: { ansible_host: 10.0.0.12, lab_release: 'Fedora release 12 (Constantine)' }
`;
const PAIRS = [
  ['a', 'b'],
  ['b', 'c'],
  ['c', 'a'],
] as const;
const FOREIGN = ['10.0.0.11 not ours', '10.0.0.100\tnor this', '192.0.2.7 n0r-this'];

let project: Project;
const at = (host: string, path: string) => join(project.path, 'lab', host, 'root', path);

beforeAll(async () => {
  project = shippedProject();
  project.write('inventory/hosts.yml', HOSTS);
  project.write('inventory/tunnels.yml', 'tunnels: {}\n');
  project.write('playbooks/site.yml', '- hosts: all\n  tasks:\n    - command: "true"\n');
  expect((await project.run('apply', 'playbooks/site.yml', '--lab=lab')).code).toBe(0);
});
afterAll(() => project.remove());

interface Wanted {
  readonly routed: boolean;
  readonly key: number;
  readonly manual: boolean;
  readonly onboot: boolean;
  readonly state: 'present' | 'absent';
  readonly off: 'esp' | 'ah' | 'none';
  readonly group: 2 | 5 | null;
}
const wanted: fc.Arbitrary<Wanted> = fc.record({
  routed: fc.boolean(),
  key: fc.nat(2),
  manual: fc.nat(4).map((one) => one === 0),
  onboot: fc.boolean(),
  state: fc.constantFrom('present', 'present', 'present', 'absent'),
  off: fc.constantFrom('none', 'none', 'esp', 'ah'),
  group: fc.constantFrom(null, 2, 5),
});

function tunnel([one, other]: (typeof PAIRS)[number], want: Wanted): string {
  const network = (host: string) => {
    const third = host.charCodeAt(0);
    return want.routed ? `, network: 192.168.${third}.0/24, gateway: 192.168.${third}.254` : '';
  };
  const digits = (of: number, length: number) =>
    `0x${(of + want.key + 1).toString(16).padStart(2, '7').repeat(length)}`;
  const sas = (seed: number) => `{ ah: { spi: 0x${2 + seed}00, key: '${digits(seed * 16, 20)}' } }`;
  const keying = want.manual
    ? `{ manual: { ${one}: ${sas(1)}, ${other}: ${sas(2)} } }`
    : `{ psk: 'Key-${one}${other}-${want.key}' }`;
  return `  ${one}-${other}:
    type: ${want.routed ? 'network-to-network' : 'host-to-host'}
    ends: { ${one}: { nickname: to-${other}${network(one)} }, ${other}: { nickname: to-${one}${network(other)} } }
    keying: ${keying}
    onboot: ${want.onboot}
    state: ${want.state}
${want.manual ? '    esp: false\n' : want.off === 'none' ? '' : `    ${want.off}: false\n`}${
  want.group === null || want.manual ? '' : `    ike: { dh_group: ${want.group} }\n`
}`;
}

type Edit = (text: string) => string;
const withForeignKeys: Edit = (text) => {
  const missing = FOREIGN.filter((line) => !text.split('\n').includes(line));
  return missing.length === 0 ? text : `${text.replace(/(?<=.)\n?$/s, '\n')}${missing.join('\n')}\n`;
};
/** What people do to files; null: the file is gone. */
const EDITS: readonly (readonly [path: string, edit: Edit | null | number])[] = [
  ['etc/racoon/psk.txt', (text) => `# by hand\n${text}`],
  ['etc/racoon/psk.txt', (text) => text.split('\n').reverse().join('\n')],
  ['etc/racoon/psk.txt', (text) => `${text}10.0.0.1 twice\n10.0.0.12 twice`],
  ['etc/racoon/psk.txt', (text) => text.replace(/\n$/, '')],
  ['etc/racoon/psk.txt', 0o644],
  ['etc/racoon/psk.txt', null],
  ['etc/racoon/racoon.conf', (text) => `# by hand\n${text}include "/etc/racoon/foreign.conf";\n`],
  ['etc/racoon/racoon.conf', (text) => text.replace(/pfs_group \d+/, 'pfs_group 5')],
  ['etc/racoon/racoon.conf', (text) => text.replace(/include "\/etc\/racoon\/10[^\n]*\n/, '')],
  ['etc/racoon/racoon.conf', null],
  ['etc/racoon/10.0.0.1.conf', null],
  ['etc/sysctl.conf', (text) => text.replace(/^net.ipv4.ip_forward.*$/m, '  net/ipv4/ip_forward=1')],
  ['etc/sysctl.conf', (text) => `${text}net.ipv4.ip_forward = 0`],
  ['proc/sys/net/ipv4/ip_forward', () => '0\n'],
  ['var/lib/lab-kernel/spd', () => ''],
  ...['ifcfg', 'keys'].flatMap((kind) =>
    ['a', 'b'].flatMap((peer): (readonly [string, Edit | null | number])[] => {
      const path = `etc/sysconfig/network-scripts/${kind}-to-${peer}`;
      return [
        [path, (text) => `# by hand\n\n${text.replace('ONBOOT=yes', 'ONBOOT="yes"')}`],
        [path, (text) => text.replaceAll('\n', '\r\n')],
        [path, (text) => text.replace(/\n$/, '')],
        [path, (text) => `${text}MYID_TYPE=fqdn\nFOREIGN='it is'\n`],
        [path, kind === 'keys' ? 0o644 : 0o600],
        [path, null],
      ];
    }),
  ),
];

function spoil(host: string, [path, edit]: (typeof EDITS)[number]): void {
  const file = at(host, path);
  if (!existsSync(file)) return;
  if (edit === null) rmSync(file);
  else if (typeof edit === 'number') chmodSync(file, edit);
  else writeFileSync(file, edit(readFileSync(file, 'latin1')), 'latin1');
}

async function run(command: 'check' | 'apply'): Promise<RunDocument> {
  const { stdout, stderr } = await project.run(command, 'playbooks/site.yml', '--lab=lab', '-o', 'json');
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as RunDocument;
}

/** What changes and how, without the tasks that could not be known; fingerprints by their order, for their key is a run's own. */
function changes(document: RunDocument, unknown: ReadonlySet<string>): string[] {
  const shown = Object.entries(document.hosts).flatMap(([host, { tasks }]) =>
    tasks
      .filter(({ id, status }) => status === 'changed' && !unknown.has(`${host} ${id}`))
      .map(({ name, diff, disruptive }) => JSON.stringify({ host, name, diff, disruptive })),
  );
  const seen: string[] = [];
  return shown.map((line) =>
    line.replace(/fp:[0-9a-f]+/g, (print) => {
      if (!seen.includes(print)) seen.push(print);
      return `fp:${seen.indexOf(print)}`;
    }),
  );
}

const unknowns = ({ hosts }: RunDocument) =>
  new Set(
    Object.entries(hosts).flatMap(([host, { tasks }]) =>
      tasks.filter(({ status }) => status === 'unknown').map(({ id }) => `${host} ${id}`),
    ),
  );

const foreignKeys = (host: string) => {
  const file = at(host, 'etc/racoon/psk.txt');
  const lines = existsSync(file) ? readFileSync(file, 'latin1').split('\n') : [];
  return FOREIGN.filter((line) => lines.includes(line));
};

test('apply does what check has shown, and leaves nothing to do; no key of somebody else is lost', async () => {
  const step = fc.record({
    tunnels: fc.tuple(fc.option(wanted), fc.option(wanted), fc.option(wanted)),
    activation: fc.constantFrom('auto', 'auto', 'tunnel', 'network-restart', 'none'),
    edits: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(...EDITS)), { maxLength: 5 }),
  });
  // Bounded by a clock of its own: a case that fast-check breaks off would go on while its lab is taken away.
  const enough = Date.now() + 20_000;
  let cases = 0;
  await fc.assert(
    fc.asyncProperty(step, async ({ tunnels, activation, edits }) => {
      if (Date.now() > enough) return;
      cases += 1;
      const texts = tunnels.map((want, index) => (want ? tunnel(PAIRS[index] as (typeof PAIRS)[number], want) : ''));
      project.write(
        'inventory/tunnels.yml',
        `tunnels:${texts.every((text) => text === '') ? ' {}' : `\n${texts.join('')}`}`,
      );
      project.write(
        'playbooks/site.yml',
        `- hosts: all\n  tasks:\n    - ipsec_tunnels: { tunnels: all, activation: ${activation} }\n`,
      );
      for (const [host, edit] of edits) spoil(host, edit);
      for (const host of ['a', 'b', 'c']) spoil(host, ['etc/racoon/psk.txt', withForeignKeys]);
      const foreign = ['a', 'b', 'c'].map(foreignKeys);

      const check = await run('check');
      const apply = await run('apply');
      const unknown = unknowns(check);
      expect(apply.exitCode).toBe(0);
      expect(changes(apply, unknown)).toEqual(changes(check, unknown));
      expect(check.exitCode).toBe(changes(check, new Set()).length + unknown.size > 0 ? 2 : 0);

      const after = await run('check');
      expect({ left: changes(after, new Set()), code: after.exitCode }).toEqual({ left: [], code: 0 });
      expect(['a', 'b', 'c'].map(foreignKeys)).toEqual(foreign);
    }),
    { numRuns: 30, endOnFailure: true },
  );
  expect(cases).toBeGreaterThan(2);
}, 120_000);
