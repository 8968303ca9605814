import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Project, type Ran, shippedProject } from '../support/cli.ts';

/** Secrets that are easy to find again. Every byte of output of every command is searched for them. */
let project: Project;

beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());

const FORMATS = [[], ['-v'], ['-o', 'json'], ['-o', 'jsonl'], ['--no-diff', '-v', '-v'], ['-vvv']];

const canary = fc
  .tuple(
    fc.string({
      unit: fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'),
      minLength: 10,
      maxLength: 24,
    }),
    fc.constantFrom('', "'", '"', '$x', '`', '#', ';', '&', '|', '*', '=', '\\', '!', '%', '~', '<>', '()', '{{'),
  )
  .map(([text, odd]) => `${text.slice(0, 5)}${odd}${text.slice(5)}`);

function tunnels(psk: string, spi: string): string {
  return `tunnels:
  lana-lanb:
    type: network-to-network
    ends:
      lana: { nickname: ipsec0, address: 203.0.113.1, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      lanb: { nickname: ipsec1, address: 203.0.113.2, network: 192.168.2.0/24, gateway: 192.168.2.254 }
    keying:
      psk: ${JSON.stringify(psk)}
  store-a-store-b:
    type: host-to-host
    ends: { store-a: { nickname: ipsec2, address: 198.51.100.21 }, store-b: { nickname: ipsec2, address: 198.51.100.22 } }
    keying:
      manual:
        store-a: { ah: { spi: 0x200, key: ${JSON.stringify(spi)} } }
        store-b: { ah: { spi: 0x300, key: ${JSON.stringify([...spi].reverse().join(''))} } }
    esp: false
`;
}

function leaks({ stdout, stderr }: Ran, secrets: readonly string[]): string[] {
  const text = stdout + stderr;
  const forms = (secret: string) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    secret.slice(0, 5) + secret.slice(-5),
  ];
  return secrets.filter((secret) => forms(secret).some((form) => text.includes(form)));
}

describe('no secret in any output', () => {
  test('of check, apply, a second apply, validate, tasks and inventory, in every format', async () => {
    await fc.assert(
      fc.asyncProperty(
        canary,
        fc.string({ unit: fc.constantFrom(...'0123456789abcdefgh'), minLength: 20, maxLength: 20 }),
        async (psk, key) => {
          project.write('inventory/tunnels.yml', tunnels(psk, key));
          const secrets = [psk, key, [...key].reverse().join('')];
          const commands = [
            ['validate', 'playbooks/site.yml'],
            ['tasks', 'playbooks/site.yml'],
            ['inventory', 'list'],
            ['inventory', 'host', 'lana'],
            [
              'check',
              'playbooks/site.yml',
              '--lab',
              '-l',
              'lana,store-a',
              ...(FORMATS[psk.length % FORMATS.length] ?? []),
            ],
            [
              'apply',
              'playbooks/site.yml',
              '--lab',
              '-l',
              'lana,store-a',
              ...(FORMATS[key.charCodeAt(0) % FORMATS.length] ?? []),
            ],
          ];
          for (const argv of commands) {
            const ran = await project.run(...argv);
            expect({ argv, leaks: leaks(ran, secrets) }).toEqual({ argv, leaks: [] });
            // A psk that psk.txt or the shell cannot carry is refused before any host is touched.
            if (ran.code === 3) break;
          }
        },
      ),
      { numRuns: 12 },
    );
  }, 240_000);

  test('of a host where every command fails and prints what it was given', async () => {
    const psk = 'canary-Z8k2-printed-by-a-command';
    project.write('inventory/tunnels.yml', tunnels(psk, '0123456789abcdefghij'));
    project.write(
      'playbooks/leaky.yml',
      `- hosts: lana
  tasks:
    - ipsec_tunnels: { tunnels: lana-lanb }
    - name: prints its keys
      command: "cat /etc/sysconfig/network-scripts/keys-ipsec0 /etc/racoon/psk.txt; cat /etc/racoon/psk.txt >&2; exit 1"
`,
    );
    for (const format of FORMATS) {
      const ran = await project.run('apply', 'playbooks/leaky.yml', '--lab', ...format);
      expect([0, 4]).toContain(ran.code);
      expect({ format, leaks: leaks(ran, [psk]) }).toEqual({ format, leaks: [] });
    }
  });

  test('of a command that fails and says what it was given, in every form that a shell can give it', async () => {
    const psk = 'canary-5Xq8-Said';
    const passwords = { become: 'c4n4ry\'of"sudo', login: 'canary-of-the-login' };
    project.write('inventory/tunnels.yml', tunnels(psk, '0123456789abcdefghij'));
    project.edit('inventory/hosts.yml', 'ansible_user: root', 'ansible_user: root\n    ansible_password: LOGIN');
    project.edit('inventory/hosts.yml', 'LOGIN', `${passwords.login}\n    ansible_become_password: BECOME`);
    project.edit('inventory/hosts.yml', 'BECOME', JSON.stringify(passwords.become));
    const hex = (text: string) => Buffer.from(text).toString('hex');
    const base64 = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '');
    const secrets = [psk, passwords.become, passwords.login];
    const said = secrets.flatMap((secret) => [
      secret,
      `'${secret.replaceAll("'", `'\\''`)}'`,
      JSON.stringify(secret),
      hex(secret),
      hex(secret).toUpperCase(),
      base64(secret),
      base64(`${secret}\n`),
      `password: ${secret}\r`,
    ]);
    project.write(
      'playbooks/leaky.yml',
      `- hosts: lana
  become: true
  tasks:
    - ipsec_tunnels: { tunnels: lana-lanb }
    - name: says all it knows
      command: ${JSON.stringify(`printf '%s\\n' ${said.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(' ')} >&2; exit 3`)}
      ignore_errors: true
    - name: says it as its result
      command: ${JSON.stringify(`printf '%s\\n' ${said.map((text) => `'${text.replaceAll("'", `'\\''`)}'`).join(' ')}; exit 3`)}
`,
    );
    for (const format of FORMATS) {
      const ran = await project.run('apply', 'playbooks/leaky.yml', '--lab', ...format);
      expect({ format, leaks: leaks(ran, [...secrets, ...said.map((text) => text.trim())]) }).toEqual({
        format,
        leaks: [],
      });
      expect(ran.stdout).toContain('[secret]');
      expect(ran.code).toBe(4);
    }
  });

  test('of a password that is asked for, on a host that says it again', async () => {
    const asked = 'canary-that-was-typed';
    project.write(
      'playbooks/leaky.yml',
      `- hosts: lana
  become: true
  tasks:
    - { name: says it, command: "echo ${asked} >&2; exit 3" }
`,
    );
    for (const format of FORMATS) {
      const answering = { ask: async () => asked };
      const ran = await project.runIn(answering, 'apply', 'playbooks/leaky.yml', '--lab', '-K', ...format);
      expect(ran.code).toBe(4);
      expect({ format, leaks: leaks(ran, [asked]) }).toEqual({ format, leaks: [] });
    }
  });

  test('of a mistake in the very line of the secret', async () => {
    const psk = 'canary with a blank\\t#Q7';
    project.write('inventory/tunnels.yml', tunnels(psk, '0x0123').replace('ah:', 'ahh:'));
    const ran = await project.run('validate', 'playbooks/site.yml');
    expect(ran.code).toBe(3);
    expect(leaks(ran, [psk, 'canary with a blank'])).toEqual([]);
  });
});
