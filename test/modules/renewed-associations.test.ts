import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { connection } from '../../modules/connection.ts';
import type { ConnectionArgs } from '../../modules/shared/connection-args.ts';
import { nothing } from '../../src/engine/sh.ts';
import { Secret } from '../../src/model/secret.ts';
import { installNetworkScripts } from './network-scripts.ts';
import { apply, everyShell, look, makeHost, type TestHost } from './run-module.ts';

/** `renew`: which SAs go with the old keys of a connection, and which stay. */
const SCRIPTS = '/etc/sysconfig/network-scripts';
const IFCFG = 'TYPE=IPSEC\nONBOOT=yes\nIKE_METHOD=PSK\nDST=203.0.113.2\n';
const REQUIRED = { path: `${SCRIPTS}/ifup-ipsec`, why: 'this host has no ifup-ipsec' };

const sa = (from: string, to: string, protocol: string, spi: number) =>
  `${from} ${to} \n\t${protocol} mode=transport spi=${spi}(0x${spi.toString(16)}) reqid=0(0x00000000)\n` +
  '\tE: 3des-cbc  00112233 44556677\n\tA: hmac-sha1  00112233\n\tseq=0x00000000 replay=4 flags=0x00000000 state=mature \n' +
  '\tcreated: Jan  1 00:00:00 2007\tcurrent: Jan  1 00:00:09 2007\n\tdiff: 9(s)\thard: 0(s)\tsoft: 0(s)\n\tsadb_seq=0 pid=1 refcnt=0\n';

const TABLE = [
  sa('198.51.100.7', '203.0.113.2', 'esp', 4001),
  sa('203.0.113.2', '198.51.100.7', 'ah', 4002),
  // Over NAT, as later releases show it.
  sa('198.51.100.7[4500]', '203.0.113.2[4500]', 'esp-udp', 4003),
  // Addresses that begin alike, or end alike.
  sa('198.51.100.7', '203.0.113.20', 'esp', 4004),
  sa('1.203.0.113', '198.51.100.7', 'esp', 4005),
  // Somebody's manual ones.
  sa('198.51.100.7', '203.0.113.2', 'ah', 512),
].join('');

function argsOf(psk: string, more: Partial<ConnectionArgs> = {}): ConnectionArgs {
  return {
    nickname: 'ipsec0',
    state: 'replaced',
    onboot: true,
    files: [
      { path: `${SCRIPTS}/ifcfg-ipsec0`, content: [IFCFG] },
      { path: `${SCRIPTS}/keys-ipsec0`, content: [new Secret(`IKE_PSK=${psk}\n`)] },
    ],
    requires: [REQUIRED],
    selectors: { dst: '203.0.113.2' },
    mode: 'transport',
    esp: true,
    ah: true,
    renew: true,
    spared: [512],
    ...more,
  };
}

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  function prepare(): void {
    host.reset();
    installNetworkScripts(host);
    host.write(REQUIRED.path, '');
    host.write(`${SCRIPTS}/ifcfg-ipsec0`, IFCFG);
    host.write(`${SCRIPTS}/keys-ipsec0`, 'IKE_PSK=old\n', 0o600);
    const up: ConnectionArgs = { nickname: 'ipsec0', state: 'up' };
    expect(apply(host, connection, look(host, connection, up).plan, up).exitCode).toBe(0);
    host.write('/table', TABLE);
    host.program(
      'setkey',
      `case $1 in
-D) cat "$ROOT/table" ;;
-c) cat >> "$KERNEL/deleted" ;;
-DP) found=; for policy in "$KERNEL"/spd/*; do [ -e "$policy" ] || continue; found=yes; cat "$policy"; done
  [ -n "$found" ] || echo 'No SPD entries.' ;;
esac`,
    );
    host.program('racoonctl', `echo "$*" >> "$KERNEL/told"`);
    host.program('killall', ':');
  }

  test('those of the peer go, by their SPIs, and its phase 1; all others stay', () => {
    prepare();
    const args = argsOf('new');
    expect(apply(host, connection, look(host, connection, args).plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual(DELETED);
    expect(noted(host, 'told')).toContain('delete-sa isakmp inet 198.51.100.7 203.0.113.2');
  });

  test('none goes where the files are as they shall be, or where it is not asked for', () => {
    prepare();
    expect(look(host, connection, argsOf('old')).plan.kind).toBe('ok');
    const args = argsOf('new', { renew: false });
    expect(apply(host, connection, look(host, connection, args).plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual([]);
  });

  test('those of the peer of a connection that is removed go, unless another policy may need them', () => {
    const args: ConnectionArgs = {
      nickname: 'ipsec0',
      state: 'absent',
      selectors: { dst: '203.0.113.2' },
      spared: [512],
    };
    prepare();
    expect(apply(host, connection, look(host, connection, { ...args, state: 'down' }).plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual([]);
    prepare();
    const { plan } = look(host, connection, args);
    expect(apply(host, connection, plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual(DELETED);
    prepare();
    host.write('/kernel-of-others', OTHER_POLICY);
    host.program(
      'setkey',
      `case $1 in -D) cat "$ROOT/table" ;; -c) cat >> "$KERNEL/deleted" ;;
-DP) cat "$KERNEL"/spd/* "$ROOT/kernel-of-others" 2>/dev/null ;; esac`,
    );
    expect(apply(host, connection, look(host, connection, args).plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual([]);
  });

  test('on the way back those that were made with the new keys go too, where it was down', () => {
    prepare();
    const args = argsOf('new');
    const { plan } = look(host, connection, args);
    if (plan.kind !== 'change') throw new Error(plan.kind);
    const after = connection.undo?.(plan.change, args, {}).after ?? nothing;
    // Nothing was done yet.
    expect(apply(host, { ...connection, apply: () => after }, plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual([]);
    expect(apply(host, connection, plan, args).exitCode).toBe(0);
    expect(apply(host, { ...connection, apply: () => after }, plan, args).exitCode).toBe(0);
    expect(noted(host, 'deleted')).toEqual([...DELETED, ...DELETED]);
  });
});

/** A tunnel of somebody else to the same peer. */
const OTHER_POLICY = `192.168.9.0/24[any] 192.168.8.0/24[any] any
	out prio def ipsec
	esp/tunnel/198.51.100.7-203.0.113.2/require
	created: Jan  1 00:00:00 2007  lastused:
	lifetime: 0(s) validtime: 0(s)
	spid=1009 seq=1 pid=1
	refcnt=1
`;

const DELETED = [
  'delete 198.51.100.7 203.0.113.2 esp 4001;',
  'delete 203.0.113.2 198.51.100.7 ah 4002;',
  'delete 198.51.100.7 203.0.113.2 esp 4003;',
];

function noted(host: TestHost, name: string): readonly string[] {
  const file = join(host.kernel, name);
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];
}
