import { afterAll, beforeAll, expect, test } from 'vitest';
import { builtCommandLine, ipsecPlay } from '../chaos/command-line.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { type DelayProxy, delayProxyTo } from '../support/delay-proxy.ts';
import { type ServedLab, serveLab } from '../support/served-lab.ts';

/** As docs/performance.md says. The lab's server is no OpenSSH, so that a key is asked for before it is used. */
const CONNECT = 5 + 1;
const SESSION = 1;
const EXCHANGE = 1;
const CLOSE = 1;

let project: Project;
let lab: ServedLab<DelayProxy>;
let cli: string;

beforeAll(async () => {
  cli = await builtCommandLine();
  project = shippedProject();
  // One end alone: with two, one waits for the other, and tells its host so every few seconds.
  project.write(
    'inventory/tunnels.yml',
    `tunnels:
  alone:
    type: host-to-host
    ends:
      pinky: { nickname: ipsec1, address: 198.51.100.1 }
      far: { managed: false, address: 198.51.100.2 }
    keying: { psk: Key_Value01 }
`,
  );
  project.write('tunnel.yml', '- hosts: pinky\n  tasks:\n    - ipsec_tunnels: { tunnels: all }\n');
  project.write(
    'file.yml',
    '- hosts: pinky\n  tasks:\n    - file: { path: /etc/motd, content: "hello\\n", mode: "0644" }\n',
  );
  await project.run('check', 'tunnel.yml', '--lab');
  lab = await serveLab(project.path, ['pinky'], (port) => delayProxyTo(port, 40));
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

test('check, a first apply, and one that finds nothing to do', async () => {
  expect(await roundTrips(2, 'check', 'file.yml')).toBe(READ + CLOSE);
  // prepare, commit and the line that lets go, the probe, confirm
  expect(await roundTrips(0, ...APPLY, 'file.yml')).toBe(READ + 5 * EXCHANGE + CLOSE);
  expect(await roundTrips(0, ...APPLY, 'file.yml')).toBe(READ + CLOSE);
});

test('a disruptive apply is proven over a new connection, and does not wait for the end of the old one', {
  retry: 2,
}, async () => {
  // prepare, commit and the line that lets go; connect and the probe; confirm
  expect(await roundTrips(0, ...APPLY, 'tunnel.yml')).toBe(READ + 3 * EXCHANGE + READ + EXCHANGE + CLOSE);
});
