import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import type { RunDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { type Project, shippedProject, tree } from '../support/cli.ts';

/** The whole way from YAML to both ends, on the rehearsal lab: one project, its commands one after another. */
let project: Project;
const lab = '.ipsec-play/lab';
const file = (host: string, path: string) => join(project.path, lab, host, 'root', path);
const read = (host: string, path: string) => readFileSync(file(host, path), 'utf8');
const mode = (host: string, path: string) => statSync(file(host, path)).mode & 0o777;
const scripts = '/etc/sysconfig/network-scripts';

beforeAll(() => {
  project = shippedProject();
});
afterAll(() => project.remove());

async function json(...argv: string[]): Promise<RunDocument & { stderr: string }> {
  const { code, stdout, stderr } = await project.run(...argv, '--lab', '-o', 'json');
  const document = JSON.parse(stdout) as RunDocument;
  expect(document.exitCode).toBe(code);
  expect(checkValue(runSchema, document)).toEqual([]);
  return { ...document, stderr };
}

const statuses = (document: RunDocument) =>
  new Set(Object.values(document.hosts).flatMap(({ tasks }) => tasks.map(({ status }) => status)));

describe('the seed chapters, from nothing', () => {
  test('check shows every file and changes none', async () => {
    await project.run('check', 'playbooks/site.yml', '--lab');
    const before = tree(join(project.path, lab));
    const { code, stdout } = await project.run('check', 'playbooks/site.yml', '--lab');
    expect(code).toBe(2);
    expect(stdout).toContain('+++ /etc/sysconfig/network-scripts/ifcfg-ipsec0');
    expect(stdout).toContain('8 hosts would change.');
    expect(tree(join(project.path, lab))).toEqual(before);
  });

  test('apply makes them, to the letter and with their modes', async () => {
    const document = await json('apply', 'playbooks/site.yml');
    expect(document.exitCode).toBe(0);
    expect([...statuses(document)].sort()).toEqual(['changed', 'ok']);

    expect(read('pinky', `${scripts}/ifcfg-ipsec1`)).toBe('DST=198.51.100.2\nTYPE=IPSEC\nONBOOT=no\nIKE_METHOD=PSK\n');
    expect(read('pinky', `${scripts}/keys-ipsec1`)).toBe('IKE_PSK=Key_Value01\n');
    expect(read('lana', `${scripts}/ifcfg-ipsec0`)).toBe(
      'TYPE=IPSEC\nONBOOT=yes\nIKE_METHOD=PSK\nSRCGW=192.168.1.254\nDSTGW=192.168.2.254\n' +
        'SRCNET=192.168.1.0/24\nDSTNET=192.168.2.0/24\nDST=203.0.113.2\n',
    );
    expect(read('lanb', `${scripts}/keys-ipsec1`)).toBe('IKE_PSK=r3dh4tl1nux\n');
    for (const path of [`${scripts}/keys-ipsec0`, '/etc/racoon/psk.txt', '/etc/racoon/racoon.conf']) {
      expect([path, mode('lana', path)]).toEqual([path, 0o600]);
    }
    expect(mode('lana', `${scripts}/ifcfg-ipsec0`)).toBe(0o644);
    expect(read('lana', '/etc/racoon/racoon.conf')).toMatch(/\ninclude "\/etc\/racoon\/203\.0\.113\.2\.conf";\n$/);
    expect(read('lana', '/etc/sysctl.conf')).toMatch(/^net\.ipv4\.ip_forward = 1$/m);
    // What `rollback` needs, and nothing else: no lock, no marker of an ifup that is due, no file beside its place.
    expect(readdirSync(file('lana', '/var/lib/ipsec-play'))).toEqual(['made', 'runs']);
    const [run = '', ...more] = readdirSync(file('lana', '/var/lib/ipsec-play/runs'));
    expect(more).toEqual([]);
    expect(read('lana', `/var/lib/ipsec-play/runs/${run}/state`)).toBe('confirmed\n');
    expect(Object.keys(tree(file('lana', '/'))).filter((path) => /\.ipsec-play/.test(path))).toEqual([]);
  });

  test('nothing changes the second time, though ifup rewrote the files', async () => {
    const document = await json('apply', 'playbooks/site.yml');
    expect(document.exitCode).toBe(0);
    expect([...statuses(document)].filter((status) => status !== 'ok' && status !== 'skipped')).toEqual([]);
    expect((await json('check', 'playbooks/site.yml')).exitCode).toBe(0);
  });
});

describe('a change', () => {
  test('of a key: both ends, the same fingerprints, ifdown before and ifup after; the key itself nowhere', async () => {
    project.edit('inventory/tunnels.yml', 'r3dh4tl1nux', 'an0ther_Key_canary');
    const check = await json('check', 'playbooks/site.yml');
    expect(check.exitCode).toBe(2);
    const changing = Object.entries(check.hosts).filter(([, { status }]) => status === 'changed');
    expect(changing.map(([name]) => name)).toEqual(['lana', 'lanb']);
    const keys = changing.map(([, { tasks }]) => tasks.find(({ name }) => name.startsWith('keys-'))?.diff[0]);
    expect(keys[0]?.after).toMatch(/^IKE_PSK=fp:[0-9a-f]+\n$/);
    expect(keys[0]?.before).toBe(keys[1]?.before);
    expect(keys[0]?.after).toBe(keys[1]?.after);
    expect(keys[0]).toMatchObject({ sensitive: true });

    const apply = await json('apply', 'playbooks/site.yml');
    expect(apply.exitCode).toBe(0);
    const changed = apply.hosts.lana?.tasks.filter(({ status }) => status === 'changed').map(({ module }) => module);
    expect(changed).toEqual(['connection', 'file', 'psk', 'connection']);
    expect(read('lana', '/etc/racoon/psk.txt')).toMatch(/^203\.0\.113\.2\s+an0ther_Key_canary$/m);
    for (const text of [JSON.stringify(check), JSON.stringify(apply)]) expect(text).not.toMatch(/an0ther|r3dh4t/);
  });

  test('of a network: no policy and no route of the old one stays', async () => {
    project.edit('inventory/tunnels.yml', '192.168.2.0/24', '192.168.3.0/24');
    project.edit('inventory/tunnels.yml', '192.168.2.254', '192.168.3.254');
    expect((await json('apply', 'playbooks/site.yml')).exitCode).toBe(0);
    for (const host of ['lana', 'lanb']) {
      const kernel = Object.values(tree(file(host, '/var/lib/lab-kernel'))).join('\n');
      expect(kernel).toContain('192.168.3.0/24');
      expect(kernel).not.toContain('192.168.2.0/24');
    }
    expect((await json('check', 'playbooks/site.yml')).exitCode).toBe(0);
  });

  test('of comments and blanks in the YAML: none', async () => {
    project.write('inventory/tunnels.yml', `# a comment\n\n${project.read('inventory/tunnels.yml')}\n# the end\n`);
    expect((await json('check', 'playbooks/site.yml')).exitCode).toBe(0);
  });

  test('`state: absent` takes every trace away on both ends', async () => {
    project.edit('inventory/tunnels.yml', '  pinky-ijin:\n', '  pinky-ijin:\n    state: absent\n');
    expect((await json('apply', 'playbooks/site.yml')).exitCode).toBe(0);
    for (const [host, peer] of [
      ['pinky', '198.51.100.2'],
      ['ijin', '198.51.100.1'],
    ] as const) {
      const left = Object.entries(tree(file(host, '/'))).filter(
        ([path, text]) =>
          !path.startsWith('var/log') &&
          !path.startsWith('var/lib/ipsec-play/runs/') &&
          (path.includes('ipsec1') || text.includes(peer)),
      );
      expect(left.map(([path]) => path)).toEqual([]);
    }
    expect((await json('check', 'playbooks/site.yml')).exitCode).toBe(0);
  });
});

describe('what limits a run', () => {
  test('--limit and --tags that match nothing are mistakes, exit 3, with a suggestion', async () => {
    const { code, stderr } = await project.run('check', 'playbooks/site.yml', '--lab', '-l', 'lanna');
    expect(code).toBe(3);
    expect(stderr).toContain('did you mean "lana"?');
    expect((await project.run('check', 'playbooks/site.yml', '--lab', '-t', 'nothing')).code).toBe(3);
  });

  test('--lab may stand before the playbook', async () => {
    expect((await project.run('check', '--lab', 'playbooks/site.yml', '-l', 'lana')).code).toBe(0);
  });

  test('--limit leaves the other hosts out of the document, but for the other ends of the tunnels', async () => {
    expect(Object.keys((await json('check', 'playbooks/site.yml', '-l', 'lana')).hosts)).toEqual(['lana', 'lanb']);
  });

  test('-o jsonl: one event a line, the last one tells how it ended', async () => {
    const { stdout } = await project.run(
      'check',
      'playbooks/site.yml',
      '--lab',
      '-o',
      'jsonl',
      '-l',
      'lana,lanb',
      '-f',
      '1',
    );
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    expect(events.map(({ type }) => type)).toEqual([
      'run-started',
      'play-started',
      ...['host-started', 'host-planned', 'host-finished'],
      ...['host-started', 'host-planned', 'host-finished'],
      'run-finished',
    ]);
    expect(events[0]).toEqual({
      type: 'run-started',
      command: 'check',
      playbook: 'playbooks/site.yml',
      run: null,
    });
  });
});

describe('a host that cannot carry a tunnel', () => {
  test('without ifup-ipsec it is blocked, and nothing is written there nor at the other end; the others go on', async () => {
    rmSync(file('lana', `${scripts}/ifup-ipsec`));
    project.edit('inventory/tunnels.yml', 'an0ther_Key_canary', 'a-third_Key_canary');
    project.edit('inventory/tunnels.yml', '    state: absent\n', '');
    const keys = () => [read('lana', `${scripts}/keys-ipsec0`), read('lanb', `${scripts}/keys-ipsec1`)];
    const before = keys();
    const document = await json('apply', 'playbooks/site.yml');
    expect(document.exitCode).toBe(4);
    expect(document.hosts.lana).toMatchObject({ status: 'failed', error: { code: 'blocked' } });
    expect(document.hosts.lana?.error?.message).toContain('ifup-ipsec');
    expect(document.hosts.lanb).toMatchObject({ status: 'failed', error: { code: 'other-end' } });
    expect(document.hosts.lanb?.error?.message).toMatch(/^not changed, because lana cannot be: .*ifup-ipsec/);
    expect(keys()).toEqual(before);
    expect([document.hosts.pinky?.status, document.hosts.ijin?.status]).toEqual(['changed', 'changed']);
    const tasks = document.hosts.lanb?.tasks.filter(({ status }) => status !== 'ok');
    expect(new Set(tasks?.map(({ status }) => status))).toEqual(new Set(['skipped']));
  });
});
