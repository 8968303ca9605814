import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Project, shippedProject } from '../support/cli.ts';

let project: Project;
beforeEach(() => {
  project = shippedProject();
});
afterEach(() => project.remove());

const PSK = 'r3dh4tl1nux';
const HEX = Buffer.from(PSK).toString('hex');
const EXTERNAL = `  partner:
    type: network-to-network
    ends:
      lana: { nickname: ipsec5, address: 203.0.113.1, network: 192.168.1.0/24, gateway: 192.168.1.254 }
      acme: { managed: false, address: 192.0.2.7, network: 10.20.0.0/16, gateway: 10.20.0.1 }
    keying: { psk: ${PSK} }
    ah: false
`;
const withPartner = () => project.edit('inventory/tunnels.yml', /^tunnels:\n/gm, `tunnels:\n${EXTERNAL}`);

describe('hand-off', () => {
  test('is for the end that somebody else manages, and holds no key', async () => {
    withPartner();
    const { code, stdout, stderr } = await project.run('hand-off', 'partner');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('For who sets up acme (192.0.2.7). Our end is lana (203.0.113.1).');
    expect(stdout).toContain('local_addrs = 192.0.2.7');
    expect(stdout).toMatch(/the pre-shared key +@KEY@ +([0-9a-f]{4}-){3}[0-9a-f]{4}/);
    expect(stdout).not.toMatch(new RegExp(`${PSK}|${HEX}`));
    const json = await project.run('hand-off', 'partner', '-o', 'json');
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: 'ipsec-play/hand-off/1',
      agreed: { you: { host: 'acme' }, us: { host: 'lana' }, mode: 'tunnel', ah: null },
    });
    expect(json.stdout).not.toMatch(new RegExp(`${PSK}|${HEX}`));
  });

  test('asks which end it is for where both are managed', async () => {
    const { code, stderr } = await project.run('hand-off', 'lana-lanb');
    expect(code).toBe(3);
    expect(stderr).toContain('both ends of lana-lanb are managed here');
    expect(stderr).toContain('--for lana, or --for lanb');
    const lana = await project.run('hand-off', 'lana-lanb', '--for', 'lana', '--format', 'markdown');
    expect([lana.code, lana.stdout]).toEqual([0, expect.stringContaining('| address | 203.0.113.1 | 203.0.113.2 |')]);
    const other = await project.run('hand-off', 'lana-lanb', '--for', 'pinky');
    expect([other.code, other.stderr]).toEqual([3, expect.stringContaining('pinky is no end of lana-lanb')]);
  });

  test('refuses a tunnel that is not there, or is to go', async () => {
    const unknown = await project.run('hand-off', 'lana-lanc');
    expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('lana-lanb')]);
    project.edit(
      'inventory/tunnels.yml',
      '    type: network-to-network\n',
      '    type: network-to-network\n    state: absent\n',
    );
    const gone = await project.run('hand-off', 'lana-lanb', '--for', 'lanb');
    expect([gone.code, gone.stderr]).toEqual([3, expect.stringContaining('lana-lanb is to be removed')]);
  });

  test('takes the options of our end: those of its host go before those of all', async () => {
    project.edit(
      'inventory/hosts.yml',
      'lana: { ansible_host: 203.0.113.1 }',
      'lana: { ansible_host: 203.0.113.1, racoon: { sainfo: { lifetime: 7 hours } } }',
    );
    const forLanb = await project.run('hand-off', 'lana-lanb', '--for', 'lanb');
    expect(forLanb.stdout).toContain('25200 seconds');
    const forLana = await project.run('hand-off', 'lana-lanb', '--for', 'lana');
    expect(forLana.stdout).not.toContain('25200 seconds');
    project.edit('inventory/hosts.yml', '7 hours', 'soon');
    const wrong = await project.run('hand-off', 'lana-lanb', '--for', 'lanb');
    expect([wrong.code, wrong.stderr]).toEqual([3, expect.stringContaining('host variable racoon.sainfo.lifetime')]);
  });
});

describe('the key', () => {
  test('goes into a new file of its own, root-only, with what computes the fingerprint of the page', async () => {
    const { code, stdout, stderr } = await project.run(
      'hand-off',
      'lana-lanb',
      '--for',
      'lanb',
      '--out',
      'page.txt',
      '--key-out',
      'key.txt',
    );
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('by another channel');
    const sheet = readFileSync(join(project.path, 'key.txt'), 'utf8');
    const page = project.read('page.txt');
    expect(statSync(join(project.path, 'key.txt')).mode & 0o777).toBe(0o600);
    expect(sheet).toContain(`0x${HEX}\n`);
    expect(sheet).toContain(` ${PSK}\n`);
    const command = /^ {2}(printf .*)$/m.exec(sheet)?.[1]?.replace('DIGITS', HEX) ?? '';
    const digest = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
    const fingerprint = /(?:[0-9a-f]{4}-){3}[0-9a-f]{4}/.exec(page)?.[0] ?? 'none';
    expect(digest).toContain(`= ${fingerprint.replaceAll('-', '')}`);
    // who has the page alone can try nothing: the word is in the sheet
    const word = /-hmac (\w+)/.exec(sheet)?.[1] ?? '';
    expect(word).toMatch(/^[0-9a-f]{24}$/);
    expect(page).not.toContain(word);
  });

  test('has the same fingerprint on the next page, another key another one and another word', async () => {
    const page = async () => (await project.run('hand-off', 'lana-lanb', '--for', 'lanb')).stdout;
    const first = await page();
    expect(await page()).toBe(first);
    await project.run('hand-off', 'lana-lanb', '--for', 'lanb', '--key-out', 'one');
    project.edit('inventory/tunnels.yml', `psk: ${PSK}`, 'psk: an0ther_key');
    expect(await page()).not.toBe(first);
    await project.run('hand-off', 'lana-lanb', '--for', 'lanb', '--key-out', 'two');
    const word = (file: string) => /-hmac (\w+)/.exec(project.read(file))?.[1];
    expect(word('one')).not.toBe(word('two'));
  });

  test('is never written over a file that is there, nor through a link, nor into the page', async () => {
    project.write('mine', 'untouched');
    symlinkSync('nowhere', join(project.path, 'link'));
    const hand = (...more: string[]) => project.run('hand-off', 'lana-lanb', '--for', 'lanb', ...more);
    for (const option of ['--out', '--key-out']) {
      const { code, stderr } = await hand(option, 'mine');
      expect([code, stderr]).toEqual([3, expect.stringContaining('is there already')]);
      expect((await hand(option, 'link')).code).toBe(3);
    }
    expect(project.read('mine')).toBe('untouched');
    expect(existsSync(join(project.path, 'nowhere'))).toBe(false);
    expect((await hand('--out', 'same', '--key-out', 'same')).code).toBe(3);
    expect((await hand('--out', 'page', '--key-out', 'mine')).code).toBe(3);
    expect(existsSync(join(project.path, 'page'))).toBe(false);
  });

  test('of each SA with manual keys; there is none with certificates', async () => {
    const { code } = await project.run('hand-off', 'store-a-store-b', '--for', 'store-b', '--key-out', 'keys');
    expect(code).toBe(0);
    expect(project.read('keys').match(/in hexadecimal: 0x/g)).toHaveLength(6);
    expect(project.read('keys')).toContain('0x2f1c9b0e6a4d83577de0b8c1943fa62510cb7e98');
    project.edit('inventory/tunnels.yml', `psk: ${PSK}`, 'x509: { peer: file }');
    const none = await project.run('hand-off', 'lana-lanb', '--for', 'lanb', '--key-out', 'key.txt');
    expect([none.code, none.stderr]).toEqual([3, expect.stringContaining('no shared key')]);
    expect(existsSync(join(project.path, 'key.txt'))).toBe(false);
  });
});
