import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { proxyCommand } from '../../src/transport/proxy-command.ts';
import { ConnectFault } from '../../src/transport/transport.ts';
import { needs } from '../support/needs.ts';
import { type Reach, rejection, relayTo, run, targetOf, transportTo } from '../support/ssh-hosts.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';

const runs = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

describe.skipIf(!needs('sshd', 'ssh'))('ProxyCommand', () => {
  let sshd: Sshd;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterAll(() => sshd?.stop());

  const through = (command: string, more: Reach = {}) =>
    transportTo(sshd, { proxy: { kind: 'command', command }, ...more }).connect(targetOf(sshd));
  const refused = async (command: string, more: Reach = {}) => {
    const fault = await rejection(through(command, more));
    expect(fault).toBeInstanceOf(ConnectFault);
    return fault as ConnectFault;
  };
  const noted = join('/tmp', `ipsec-play-proxy-${process.pid}`);

  test('carries every byte, both ways', async () => {
    const connection = await through(relayTo(sshd.port));
    const bytes = Array.from({ length: 3_000_000 }, (_, index) => String.fromCharCode((index * 7) % 256)).join('');
    const ran = await run(connection, 'cat; echo err >&2; exit 3', (shell) => shell.write(bytes));
    expect(ran.stdout === bytes).toBe(true);
    expect(ran).toMatchObject({ stderr: 'err\n', end: { kind: 'exit', code: 3 } });
    await connection.close();
  });

  test('may be ssh itself', async () => {
    const known = join(sshd.dir, 'known_hosts');
    const options = `-F none -i ${sshd.clientKey} -o UserKnownHostsFile=${known} -o GlobalKnownHostsFile=/dev/null`;
    const connection = await through(`ssh ${options} -p ${sshd.port} -W 127.0.0.1:${sshd.port} ${sshd.user}@127.0.0.1`);
    expect((await run(connection, 'echo in')).stdout).toBe('in\n');
    await connection.close();
  });

  test('is ended with the connection, with all that it started, also when it does not heed the end of its input', async () => {
    const relay = relayTo(sshd.port);
    const stubborn = await through(
      `sh -c "echo \\$\\$ > ${noted}; sleep 301 & ${relay.replaceAll('"', '\\"')}; sleep 302"`,
    );
    const pid = Number(readFileSync(noted, 'utf8'));
    expect(runs(pid)).toBe(true);
    await stubborn.close();
    await until(() => !runs(pid), 5);
    await until(() => groupOf(pid).length === 0, 5);
  });

  test.each([
    ['exit 3', /ended \(exit code 3\)$/],
    [
      'sh -c "echo one >&2; echo two >&2; echo three >&2; echo no route to it >&2; exit 1"',
      /\(exit code 1: two; three; no route to it\)/,
    ],
    ['no-such-program-anywhere --to gw', /exit code 127.*not found/],
    ['sh -c "kill -KILL $$"', /signal SIGKILL/],
    ['true', /exit code 0/],
  ])('that ends before the host has said anything: %s', async (command, message) => {
    const begin = performance.now();
    const fault = await refused(command.replace('exit 3', "sh -c 'exit 3'").replace('$$', '\\$\\$'));
    expect(performance.now() - begin).toBeLessThan(10_000);
    expect(fault).toMatchObject({ code: 'proxy', passing: true });
    expect(fault.message).toMatch(message);
    expect(fault.message).toContain(`the ProxyCommand for 127.0.0.1 port ${sshd.port}`);
    expect(fault.fix).toContain('ssh -G gw');
  });

  test('that says nothing is given the connect timeout, and is then ended', async () => {
    const fault = await refused(`sh -c 'echo $$ > ${noted}; exec sleep 300'`, { connectTimeout: 1 });
    expect(fault).toMatchObject({ code: 'timeout' });
    expect(fault.message).toContain('no SSH greeting comes from');
    const pid = Number(readFileSync(noted, 'utf8'));
    await until(() => !runs(pid), 5);
  });

  test('that ends in the middle: the connection is lost, and why', async () => {
    const connection = await through(
      `sh -c "echo \\$\\$ > ${noted}; exec ${relayTo(sshd.port).replaceAll('"', '\\"')}"`,
    );
    const shell = await connection.shell('sleep 30', { stdout: () => {}, stderr: () => {} });
    process.kill(Number(readFileSync(noted, 'utf8')), 'SIGKILL');
    const end = await shell.ended;
    expect(end).toMatchObject({ kind: 'lost' });
    expect(end.kind === 'lost' && end.why).toContain('the ProxyCommand for 127.0.0.1');
    expect(end.kind === 'lost' && end.why).toContain('SIGKILL');
    await connection.close();
  });

  test('is ended with this program, when nobody ended the connection', async () => {
    rmSync(noted, { force: true });
    const before = process.listeners('exit');
    const { duplex } = await proxyCommand(`sh -c 'echo $$ > ${noted}; exec sleep 300'`, process.env);
    await until(() => /\d\n/.test(existsSync(noted) ? readFileSync(noted, 'utf8') : ''), 5);
    const pid = Number(readFileSync(noted, 'utf8'));
    const leaving = process.listeners('exit').filter((listener) => !before.includes(listener));
    expect(leaving).toHaveLength(1);
    leaving[0]?.(130);
    await until(() => !runs(pid), 5);
    await until(() => process.listeners('exit').length === before.length, 5);
    duplex.destroy();
  });

  test('that cannot be started', async () => {
    const fault = await rejection(proxyCommand('true', { PATH: '/nonexistent' }));
    expect(fault).toMatchObject({ code: 'proxy' });
  });

  test('its environment is the one that is given, and what it says is shown without control characters', async () => {
    const fault = await refused(`sh -c 'printf "\\033[31m%s\\r\\n" "$PROXY_WORD" >&2; exit 1'`, {
      env: { PROXY_WORD: 'from outside' } as never,
    });
    expect(fault.message).toContain('from outside');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for.
    expect(fault.message).not.toMatch(/[\x00-\x1f]/);
  });
});

/** The processes of a process group. */
function groupOf(group: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      try {
        return (
          Number(/^NSpgid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) === group && runs(pid)
        );
      } catch {
        return false;
      }
    });
}
