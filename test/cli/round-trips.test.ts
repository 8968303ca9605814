import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdEvery } from '../../src/engine/transaction/keeper.ts';
import { builtCommandLine, ipsecPlay } from '../chaos/command-line.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { type DelayProxy, delayProxyTo } from '../support/delay-proxy.ts';
import { type ServedLab, serveLab } from '../support/served-lab.ts';

/** As docs/performance.md says. The lab's server is no OpenSSH, so that a key is asked for before it is used. */
const CONNECT = 5 + 1;
const SESSION = 1;
const EXCHANGE = 1;
/** As a run has it where the command line says nothing else. */
const PATIENCE = { confirm: 90, gone: 10, prepared: 600 };

let project: Project;
let lab: ServedLab<DelayProxy>;
let cli: string;

beforeAll(async () => {
  cli = await builtCommandLine();
  project = shippedProject();
  project.write(
    'inventory/tunnels.yml',
    `tunnels:
  alone:
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.1 }
      far: { managed: false, address: 198.51.100.2 }
    keying: { psk: Key_Value01 }
  pair:
    type: host-to-host
    ends:
      lana: { nickname: ipsec1, address: 203.0.113.1 }
      lanb: { nickname: ipsec1, address: 203.0.113.2 }
    keying: { psk: Key_Value02 }
`,
  );
  project.write('pair.yml', '- hosts: lana:lanb\n  tasks:\n    - ipsec_tunnels: { tunnels: pair }\n');
  project.write('tunnel.yml', '- hosts: pinky\n  tasks:\n    - ipsec_tunnels: { tunnels: all }\n');
  project.write(
    'file.yml',
    '- hosts: pinky\n  tasks:\n    - file: { path: /etc/motd, content: "hello\\n", mode: "0644" }\n',
  );
  for (const playbook of ['tunnel.yml', 'pair.yml']) await project.run('check', playbook, '--lab');
  const clock = { time: 0 };
  const hosts = ['pinky', 'lana', 'lanb'];
  lab = await serveLab(project.path, hosts, (port) => delayProxyTo(port, 40, '127.0.0.1', clock));
});
afterAll(async () => {
  await lab.stop();
  project.remove();
});

async function roundTrips(code: number, ...argv: string[]): Promise<number> {
  const wire = lab.wires.get('pinky');
  wire?.roundTrips();
  const ran = await ipsecPlay(cli, project.path, [...argv, '--lab']).ended;
  expect([ran.code, ran.stderr]).toEqual([code, expect.any(String)]);
  return wire?.roundTrips() ?? 0;
}

const APPLY = ['apply', '--yes', '--no-verify'];
const READ = CONNECT + SESSION + EXCHANGE;

test('check, a first apply, and one that finds nothing to do; nobody waits for the end of a connection', async () => {
  expect(await roundTrips(2, 'check', 'file.yml')).toBe(READ);
  // prepare, commit and the line that lets go, the probe, confirm
  expect(await roundTrips(0, ...APPLY, 'file.yml')).toBe(READ + 5 * EXCHANGE);
  expect(await roundTrips(0, ...APPLY, 'file.yml')).toBe(READ);
});

test('a disruptive apply is proven over a new connection, and does not wait for the end of the old one', async () => {
  // prepare, commit and the line that lets go; connect and the probe; confirm
  await expectApply('tunnel.yml', READ + 3 * EXCHANGE + READ + EXCHANGE);
});

test('of two ends the second commits when the first is proven, so that what this takes counts twice', async () => {
  const commit = 2 * EXCHANGE + READ;
  // prepare; twice commit, the line that lets go, connect and the probe; verified, confirm
  await expectApply('pair.yml', READ + EXCHANGE + 2 * commit + 2 * EXCHANGE);
});

/** What a host is told from time to time, while it works or waits for another, is on its way beside all this. */
async function expectApply(playbook: string, design: number): Promise<void> {
  const began = performance.now();
  const counted = await roundTrips(0, ...APPLY, playbook);
  const told = lab.wires.size * Math.floor((performance.now() - began) / holdEvery(PATIENCE));
  expect(counted).toBeGreaterThanOrEqual(design);
  expect(counted).toBeLessThanOrEqual(design + told);
}
