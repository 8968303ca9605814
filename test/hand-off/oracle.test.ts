import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { unpackedPeers } from '../support/unpacked-peers.ts';
import { cases } from './cases.ts';
import { configuration, pageOf } from './page-of.ts';

/** The real programs read what the pages say. */
const peers = unpackedPeers('root', 'unshare', 'openssl', 'ip');
const folder = mkdtempSync(join(tmpdir(), 'ipsec-play-peers-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const filesOf = (id: string) =>
  Object.entries(cases).flatMap(([name, { tunnel, racoon }]) =>
    ([0, 1] as const).flatMap((index) => {
      const { files } = configuration(pageOf(tunnel, index, racoon), id);
      return files[0] === undefined ? [] : [{ name: `${name}, end ${index}`, text: withKey(files[0].text) }];
    }),
  );

describe.skipIf(peers === null)('strongSwan', () => {
  test('loads each swanctl.conf, and has understood it', { timeout: 120_000 }, () => {
    const all = filesOf('swanctl');
    expect(all.length).toBeGreaterThanOrEqual(16);
    all.forEach(({ text }, index) => {
      writeFileSync(join(folder, `${index}.conf`), text);
    });
    const said = inCharon(all.length);
    all.forEach(({ name, text }, index) => {
      const own = said[index] ?? '';
      expect(own, name).toContain('successfully loaded 1 connections');
      expect(own, name).toContain('rc 0');
      expect(own, name).toContain('IKEv1');
      const value = (key: string) => new RegExp(`${key} = (.*)`).exec(text)?.[1] ?? '';
      expect(own, name).toMatch(new RegExp(`local: +${value('local_addrs')}\\n`));
      expect(own, name).toMatch(new RegExp(`remote: +${value('remote_addrs')}\\n`));
      expect(own, name).toMatch(new RegExp(`local: +${value('local_ts')}\\n`));
      expect(own, name).toMatch(new RegExp(`remote: +${value('remote_ts')}\\n`));
      expect(own, name).toContain(
        `${value('mode').toUpperCase()}, rekeying every ${value('life_time') === '' ? '' : /\d+/.exec(text.slice(text.lastIndexOf('rekey_time')))?.[0]}s`,
      );
      expect(own, name).toContain(
        text.includes('auth = psk') ? 'pre-shared key authentication' : 'public key authentication',
      );
    });
  });
});

describe.skipIf(peers === null)('Libreswan', () => {
  const program = (name: string) => join(peers ?? '', 'libreswan/usr/libexec/ipsec', name);

  test('finds no fault in any ipsec.conf', () => {
    const all = filesOf('libreswan');
    expect(all.length).toBeGreaterThanOrEqual(16);
    for (const { name, text } of all) {
      const file = join(folder, 'ipsec.conf');
      writeFileSync(file, text);
      expect(run(program('addconn'), ['--checkconfig', '--config', file]), name).toBe('');
      writeFileSync(file, text.replace('phase2=', 'phase2=ah+'));
      expect(run(program('addconn'), ['--checkconfig', '--config', file]), 'a wrong one').toContain('phase2');
    }
  });

  test('knows the proposals; group 2 is not in this build, as the page says', () => {
    for (const { name, text } of filesOf('libreswan')) {
      const value = (key: string) => new RegExp(`\\t${key}=(.*)`).exec(text)?.[1] ?? '';
      const pfs = value('pfs') === 'yes' ? ['-pfs'] : [];
      for (const proposal of [`ike=${value('ike')}`, `${value('phase2')}=${value('phase2alg')}`]) {
        const said = run(program('algparse'), ['-v1', ...pfs, proposal]);
        if (proposal.includes('modp1024')) expect(said, name).toContain("'modp1024' is not supported");
        else expect(said, name).not.toContain('ERROR');
      }
    }
  });
});

/** What swanctl says of each file, with a charon of its own in namespaces of its own. */
function inCharon(count: number): readonly string[] {
  const script = `set -e
root=${folder}/root; mkdir "$root"; mount -t tmpfs tmpfs "$root"; mkdir "$root/of" "$root/all"
cp -a ${peers}/strongswan/usr ${peers}/strongswan/etc "$root/of"
mount -t overlay overlay -o lowerdir="$root/of":/ "$root/all"
all=$root/all
mount --rbind /dev "$all/dev"; mount --rbind /proc "$all/proc"
mount -t tmpfs tmpfs "$all/tmp"; mount -t tmpfs tmpfs "$all/run"; mount -t tmpfs tmpfs "$all/etc/swanctl"
ip link set lo up
mkdir "$all/etc/swanctl/x509" "$all/etc/swanctl/private"
for name in lana lanb; do
  openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=$name -keyout "$all/etc/swanctl/private/$name.private" \\
    -out "$all/etc/swanctl/x509/$name.public" 2>/dev/null
done
cp ${folder}/*.conf "$all/run"
chroot "$all" sh -c '
  charon-systemd >/run/log 2>&1 & charon=$!
  n=0; while [ ! -S /run/charon.vici ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n + 1)); done
  n=0; while [ $n -lt ${count} ]; do
    cp /run/$n.conf /etc/swanctl/swanctl.conf
    echo "@@"; swanctl --load-all --noprompt 2>&1; echo "rc $?"; swanctl --list-conns 2>&1
    : >/etc/swanctl/swanctl.conf; swanctl --load-all --noprompt >/dev/null 2>&1
    n=$((n + 1))
  done
  kill $charon; wait $charon || :'
`;
  return run('unshare', ['-mn', 'sh', '-c', script]).split('@@\n').slice(1);
}

function run(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 100_000 });
  } catch (fault) {
    const { stdout = '', stderr = '' } = fault as { stdout?: string; stderr?: string };
    return `${stdout}${stderr}`;
  }
}

function withKey(text: string): string {
  return text.replaceAll('@KEY@', `0x${Buffer.from('r3dh4tl1nux').toString('hex')}`);
}
