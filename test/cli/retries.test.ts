import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';
import { ESCAPES, hostileServer } from '../support/hostile-server.ts';
import { needs } from '../support/needs.ts';
import { freePort, type Sshd, startSshd } from '../support/sshd.ts';

const PLAY =
  '- name: Look\n  hosts: all\n  tasks:\n    - name: See\n      command: { cmd: "true", creates: /etc/passwd }\n';

describe.skipIf(!needs('sshd', 'ssh-keygen'))('the way to the hosts, from the command line', () => {
  let project: Project;
  let bastion: Sshd;
  let host: Sshd;
  let home: string;
  beforeAll(async () => {
    project = shippedProject();
    [bastion, host] = await Promise.all([startSshd(), startSshd()]);
    home = join(project.path, 'home');
    mkdirSync(join(home, '.ssh'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, '.ssh/known_hosts'), bastion.knownHosts() + host.knownHosts());
    project.write('play.yml', PLAY);
  });
  afterAll(async () => {
    project?.remove();
    await Promise.all([bastion?.stop(), host?.stop()]);
  });

  const inventory = (hosts: Record<string, { sshd?: Sshd; port: number }>) =>
    project.write(
      'hosts.yml',
      JSON.stringify({
        all: {
          vars: { ansible_user: host.user },
          hosts: Object.fromEntries(
            Object.entries(hosts).map(([name, { port, sshd = host }]) => [
              name,
              { ansible_host: '127.0.0.1', ansible_port: port, ansible_private_key_file: sshd.clientKey },
            ]),
          ),
        },
      }),
    );
  const check = (...more: string[]) =>
    project.runIn(
      { home, env: { PATH: process.env.PATH, HOME: home } },
      'check',
      'play.yml',
      '-i',
      'hosts.yml',
      ...more,
    );

  test('--retries: what failed is shown with -v, and the last fault says how often', async () => {
    inventory({ gone: { port: await freePort() }, there: { port: host.port } });
    const ran = await check('--retries', '1', '-v', '-o', 'json');
    expect(ran.code).toBe(5);
    const { hosts } = JSON.parse(ran.stdout);
    expect(hosts.there.status).toBe('ok');
    expect(hosts.gone.error).toMatchObject({ code: 'refused' });
    expect(hosts.gone.error.message).toContain('(after 2 attempts)');
    expect(ran.stderr).toMatch(
      /^\[gone\] attempt 1: 127\.0\.0\.1 port \d+ refuses the connection; the next one in 1 s$/m,
    );
    expect(ran.stderr).not.toContain('[there] attempt');

    const quiet = await check('--retries', '1');
    expect(quiet.stderr).not.toContain('attempt 1');
    expect((await check('-v', '-o', 'json')).stdout).not.toContain('attempts');
  });

  test("what a host says before it is known moves nobody's cursor", async () => {
    const evil = await hostileServer();
    try {
      inventory({ evil: { port: evil.port } });
      const { stderr } = await check('--retries', '1', '-v', '-o', 'json');
      expect(stderr).toContain('[evil] attempt 1:');
      expect(stderr).toContain('\\x1b]0;title');
      expect(stderr).not.toMatch(ESCAPES);
    } finally {
      await evil.stop();
    }
  });

  test('a jump host of ~/.ssh/config: one connection for all hosts, ended with the run', async () => {
    writeFileSync(
      join(home, '.ssh/config'),
      [
        'Host bastion',
        '  HostName 127.0.0.1',
        `  Port ${bastion.port}`,
        `  User ${bastion.user}`,
        `  IdentityFile ${bastion.clientKey}`,
        'Host 127.0.0.1',
        '  ProxyJump bastion',
        '',
      ].join('\n'),
      { mode: 0o600 },
    );
    inventory({ one: { port: host.port }, two: { port: host.port }, three: { port: host.port } });
    const log = bastion.log().length;
    const ran = await check('-o', 'json');
    expect(JSON.parse(ran.stdout).recap).toMatchObject({ one: { unreachable: 0 }, two: { unreachable: 0 } });
    expect(ran.code).toBe(0);
    expect(
      bastion
        .log()
        .slice(log)
        .match(/Accepted publickey/g),
    ).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(bastion.log().slice(log)).toMatch(/Disconnected from user/);
  });
});
