import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keptKey } from '../../src/lab/keys.ts';
import { type Lab, startLab } from '../../src/lab/lab.ts';
import { Secret } from '../../src/model/secret.ts';
import { connect, open, run } from './ssh-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'lab-'));
const hosts = [
  { name: 'lana', addresses: ['203.0.113.1'] },
  { name: 'lanb', addresses: ['203.0.113.2'], release: '6.10' },
];
let lab: Lab;
beforeAll(async () => {
  lab = await startLab({ directory, hosts });
});
afterAll(async () => {
  await lab.stop();
  rmSync(directory, { recursive: true, force: true });
});
const until = async (what: () => boolean): Promise<void> => {
  const deadline = Date.now() + 10_000;
  while (!what() && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(what()).toBe(true);
};
const alive = (pid: number): boolean => {
  try {
    // A zombie is dead.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

describe('a command over SSH', () => {
  test('runs in the host of its own, as root there', async () => {
    const client = await connect(lab, 'lana');
    const { code, out, err } = await run(
      client,
      'pwd; hostname; id -un; cat "$LAB_ROOT/etc/redhat-release"; echo oops >&2; exit 7',
    );
    const { root } = lab.rendering('lana');
    expect(out).toBe(`${root}/root\nlana\nroot\nRed Hat Enterprise Linux Server release 5.11 (Tikanga)\n`);
    expect([code, err]).toEqual([7, 'oops\n']);
    client.end();
  });

  test('gets nothing of this process in its environment', async () => {
    const client = await connect(lab, 'lana');
    const { out } = await run(client, 'env');
    const names = out
      .split('\n')
      .map((line) => line.split('=')[0])
      .filter((name) => name !== '' && name !== '_' && name !== 'PWD');
    expect(names.sort()).toEqual([
      'HOME',
      'LAB_INSTALLED',
      'LAB_PROGRAMS',
      'LAB_ROOT',
      'LOGNAME',
      'PATH',
      'SHELL',
      'USER',
    ]);
    client.end();
  });

  test('is given two megabytes and gives them back, whatever bytes they are', async () => {
    const client = await connect(lab, 'lana');
    const input = Buffer.from(
      Uint32Array.from({ length: 512 * 1024 }, (_, index) => Math.imul(index, 2654435761)).buffer,
    ).toString('latin1');
    const { channel, ran } = await open(client, 'cat; cat /dev/null; echo end >&2');
    channel.end(Buffer.from(input, 'latin1'));
    const { code, out, err } = await ran;
    expect([code, err, out.length]).toEqual([0, 'end\n', input.length]);
    expect(out === input).toBe(true);
    client.end();
  });

  test('may say two megabytes on stderr, and leave its input unread', async () => {
    const client = await connect(lab, 'lana');
    const { code, err } = await run(client, 'head -c 2097152 /dev/zero >&2; exit 3', 'x'.repeat(1_000_000));
    expect([code, err.length]).toEqual([3, 2_097_152]);
    client.end();
  });

  test('meets the end of its input only when it is closed, and many run at once', async () => {
    const client = await connect(lab, 'lana');
    const { channel, ran } = await open(client, 'while read -r line; do echo "got $line"; done; echo end');
    const heard: string[] = [];
    channel.on('data', (data: Buffer) => heard.push(data.toString()));
    channel.write('one\n');
    await until(() => heard.join('') === 'got one\n');
    const others = await Promise.all(Array.from({ length: 5 }, (_, index) => run(client, `echo ${index}`)));
    expect(others.map(({ out }) => out)).toEqual(['0\n', '1\n', '2\n', '3\n', '4\n']);
    channel.end('two\n');
    expect((await ran).out).toBe('got one\ngot two\nend\n');
    client.end();
  });

  test('tells the signal that ended it', async () => {
    const client = await connect(lab, 'lana');
    expect(await run(client, 'kill -TERM $$')).toMatchObject({ signal: 'SIGTERM' });
    client.end();
  });

  test('ends with all of its processes when the connection does', async () => {
    const client = await connect(lab, 'lana');
    const { channel } = await open(client, "trap '' TERM HUP; sleep 300 & echo $$ $!; wait");
    const pids: number[] = await new Promise((resolve) =>
      channel.once('data', (data: Buffer) => resolve(data.toString().trim().split(' ').map(Number))),
    );
    expect(pids.map(alive)).toEqual([true, true]);
    client.destroy();
    await until(() => !pids.some(alive));
  });
});

describe('logging in', () => {
  test('needs the key of the lab', async () => {
    const other = keptKey(join(directory, 'another_key'), '', ssh2.utils);
    await expect(connect(lab, 'lana', { privateKey: other })).rejects.toThrow(/authentication/i);
    await expect(connect(lab, 'lana', { privateKey: undefined, password: 'x' })).rejects.toThrow(/authentication/i);
  });

  test('the key is readable by its owner alone', () => {
    expect(statSync(lab.identityFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'lana/host_key')).mode & 0o777).toBe(0o600);
  });
});

test('a target keeps what belongs to the host and loses what belongs to the way there', () => {
  const become = { method: 'sudo' as const, user: 'root', password: new Secret('x') };
  const target = lab.target({
    name: 'lanb',
    connection: 'local',
    address: '192.0.2.9',
    port: 2222,
    user: 'admin',
    password: new Secret('y'),
    privateKeyFile: '/other',
    become,
    connectTimeout: 9,
  });
  expect(target).toEqual({
    name: 'lanb',
    connection: 'ssh',
    address: '127.0.0.1',
    port: expect.any(Number),
    user: 'admin',
    privateKeyFile: lab.identityFile,
    become,
    connectTimeout: 9,
  });
  expect(target.port).not.toBe(2222);
});

test('state, keys and release last from one run to the next; the known hosts are of the run', async () => {
  const own = mkdtempSync(join(tmpdir(), 'lab-twice-'));
  const first = await startLab({ directory: own, hosts });
  const client = await connect(first, 'lana');
  await run(client, 'yum -y install ipsec-tools; rm "$LAB_ROOT/etc/hosts"');
  client.end();
  const key = readFileSync(first.knownHostsFile, 'utf8').split(/\s/)[2];
  await first.stop();
  expect(existsSync(first.knownHostsFile)).toBe(false);

  const second = await startLab({
    directory: own,
    hosts: [
      { name: 'lana', addresses: ['203.0.113.1'] },
      { name: 'lanb', release: '5.11' },
    ],
  });
  const again = await connect(second, 'lana');
  expect((await run(again, 'rpm -q ipsec-tools; ls "$LAB_ROOT/etc/hosts"')).out).toBe('ipsec-tools-0.6.5-14.el5_8.5\n');
  expect(readFileSync(second.knownHostsFile, 'utf8').split(/\s/)[2]).toBe(key);
  again.end();
  const other = await connect(second, 'lanb');
  expect(
    (await run(other, 'cat "$LAB_ROOT/etc/redhat-release"; ls "$LAB_ROOT/etc/sysconfig/network-scripts"')).out,
  ).toMatch(/release 5\.11[\s\S]*ifup-ipsec/);
  other.end();
  await second.stop();
  rmSync(own, { recursive: true });
});

test('a reboot cuts the connections, and the host comes back without what its kernel held', async () => {
  const client = await connect(lab, 'lana');
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
  await run(
    client,
    'yum -y install ipsec-tools; echo "spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/transport//require;" | setkey -c',
  );
  expect((await run(client, 'setkey -DP')).out).toContain('10.0.0.2');
  await lab.reboot('lana');
  await closed;
  const again = await connect(lab, 'lana');
  expect((await run(again, 'setkey -DP')).out).toBe('No SPD entries.\n');
  again.end();
});

test("a shell that prefers its own programs over the lab's is refused", async () => {
  const own = mkdtempSync(join(tmpdir(), 'lab-shell-'));
  const shell: [string, ...string[]] = ['sh', '-c', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin; eval "$2"', 'sh'];
  await expect(startLab({ directory: own, hosts, shell })).rejects.toThrow(/runs its own \w+ in place of the lab's/);
  rmSync(own, { recursive: true });
});

test('sixty hosts start, and start again', async () => {
  const own = mkdtempSync(join(tmpdir(), 'lab-many-'));
  const many = Array.from({ length: 60 }, (_, index) => ({ name: `gw${index}`, addresses: [`10.0.0.${index + 1}`] }));
  for (const what of ['first start', 'second start']) {
    const from = performance.now();
    const fleet = await startLab({ directory: own, hosts: many });
    console.log(`${what} of 60 hosts: ${Math.round(performance.now() - from)} ms`);
    const clients = await Promise.all(many.slice(0, 10).map(({ name }) => connect(fleet, name)));
    const said = await Promise.all(clients.map((client) => run(client, 'hostname')));
    expect(said.map(({ out }) => out.trim())).toEqual(many.slice(0, 10).map(({ name }) => name));
    for (const client of clients) client.end();
    await fleet.stop();
  }
  expect(readdirSync(own).filter((name) => name.startsWith('known_hosts'))).toEqual([]);
  rmSync(own, { recursive: true });
});
