import { dirname } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { connection } from '../../modules/connection.ts';
import { directory } from '../../modules/directory.ts';
import { file } from '../../modules/file.ts';
import { lineinfile } from '../../modules/lineinfile.ts';
import { psk } from '../../modules/psk.ts';
import { racoonConf } from '../../modules/racoon-conf.ts';
import { service } from '../../modules/service.ts';
import type { ConnectionArgs } from '../../modules/shared/connection-args.ts';
import { sysctl } from '../../modules/sysctl.ts';
import { nothing } from '../../src/engine/sh.ts';
import { Secret } from '../../src/model/secret.ts';
import { installIfup, installNetworkScripts } from './network-scripts.ts';
import { apply, look, makeHost, type TestHost } from './run-module.ts';
import { type Wanted, wanted, wayBackOn } from './way-back.ts';

const SCRIPTS = '/etc/sysconfig/network-scripts';
const IFCFG = `${SCRIPTS}/ifcfg-ipsec0`;
const KEYS = `${SCRIPTS}/keys-ipsec0`;
const MARKER = '/var/lib/ipsec-play/pending/ipsec0';
const PSK = '/etc/racoon/psk.txt';
const CONF = '/etc/racoon/racoon.conf';

interface Tunnel {
  readonly peer: string;
  readonly key: string;
}
const old: Tunnel = { peer: '203.0.113.2', key: 'old' };
const ifcfg = ({ peer }: Tunnel) =>
  `TYPE=IPSEC\nONBOOT=yes\nIKE_METHOD=PSK\nSRCNET=192.168.1.0/24\nDSTNET=192.168.2.0/24\nDST=${peer}\n`;
const keys = ({ key }: Tunnel) => `IKE_PSK=${key}\n`;

function connectionArgs(tunnel: Tunnel, state: ConnectionArgs['state']): ConnectionArgs {
  return {
    nickname: 'ipsec0',
    state,
    onboot: true,
    files: [
      { path: IFCFG, content: [ifcfg(tunnel)] },
      { path: KEYS, content: [new Secret(keys(tunnel))] },
    ],
    selectors: { dst: tunnel.peer, srcnet: '192.168.1.0/24', dstnet: '192.168.2.0/24' },
    mode: 'tunnel',
    esp: true,
    ah: true,
    record: { tunnel: 'a-b', other: 'b', keying: 'psk', psk: PSK, conf: `/etc/racoon/${tunnel.peer}.conf` },
  };
}

/** What an end of a tunnel compiles to. */
const endOf = (tunnel: Tunnel) => [
  wanted(connection, connectionArgs(tunnel, 'replaced')),
  wanted(racoonConf, { content: 'path certificate "/etc/racoon/certs";\n# new\nlog info;\n' }),
  wanted(file, { path: IFCFG, content: ifcfg(tunnel), mode: '0644' }),
  wanted(file, { path: KEYS, content: keys(tunnel), mode: '0600' }),
  wanted(psk, { entries: [{ peer: tunnel.peer, key: new Secret(tunnel.key) }] }),
  wanted(connection, connectionArgs(tunnel, 'up')),
];

const removal = (tunnel: Tunnel) => [
  wanted(connection, connectionArgs(tunnel, 'absent')),
  wanted(file, { path: IFCFG, state: 'absent' as const }),
  wanted(file, { path: KEYS, state: 'absent' as const }),
  wanted(psk, { absent: [tunnel.peer] }),
  wanted(racoonConf, { state: 'absent' as const, include: `/etc/racoon/${tunnel.peer}.conf` }),
];

function stage(host: TestHost, tunnel: Tunnel | null, { isUp = true, isPending = false } = {}): void {
  host.reset();
  host.write(CONF, 'path certificate "/etc/racoon/certs";\n', 0o600);
  host.write(PSK, '10.9.8.7 somebody\n', 0o600);
  host.mkdir(SCRIPTS);
  if (tunnel === null) return;
  host.write(IFCFG, ifcfg(tunnel));
  host.write(KEYS, keys(tunnel), 0o600);
  host.write(PSK, `10.9.8.7 somebody\n${tunnel.peer} ${tunnel.key}\n`, 0o600);
  if (isUp) {
    host.write(CONF, `path certificate "/etc/racoon/certs";\ninclude "/etc/racoon/${tunnel.peer}.conf";\n`, 0o600);
    host.write(`/etc/racoon/${tunnel.peer}.conf`, '', 0o600);
    for (const [direction, from, to, ends] of [
      ['out', '192.168.1.0/24', '192.168.2.0/24', `198.51.100.7-${tunnel.peer}`],
      ['in', '192.168.2.0/24', '192.168.1.0/24', `${tunnel.peer}-198.51.100.7`],
      ['fwd', '192.168.2.0/24', '192.168.1.0/24', `${tunnel.peer}-198.51.100.7`],
    ] as const) {
      const name = `${direction}-${from}-${to}`.replaceAll('/', '_');
      host.write(
        `/../kernel/spd/${name}`,
        `${from}[any] ${to}[any] 255\n\t${direction} prio def ipsec\n\tesp/tunnel/${ends}/require\n\tah/tunnel/${ends}/require\n\tcreated: Jan  1 00:00:00 2007  lastused:\n\tlifetime: 0(s) validtime: 0(s)\n\tspid=1 seq=0 pid=1\n\trefcnt=1\n`,
      );
    }
  } else host.mkdir('/../kernel/spd');
  if (!isPending) return;
  host.mkdir(dirname(MARKER), 0o700);
  host.write(MARKER, '', 0o600);
}

describe('the way back', () => {
  const host = makeHost();
  const expectWayBack = wayBackOn(host);
  host.program('killall', 'echo "killall $*" >> "$KERNEL/log"');
  host.program(
    'ip',
    `[ "$1" != -o ] || shift
case $1:$2 in
  route:show) cat "$KERNEL/routes" ;;
  route:add) shift 2; echo "$* " >> "$KERNEL/routes" ;;
esac`,
  );
  afterAll(() => host.remove());

  test.each([
    ['of a key that changed', old, { ...old, key: 'new' }, {}],
    ['of a peer that changed', old, { ...old, peer: '203.0.113.3' }, {}],
    ['of a new tunnel', null, old, {}],
    ['of a tunnel that was down', old, { ...old, key: 'new' }, { isUp: false }],
    ['of an ifup that was due', old, old, { isUp: false, isPending: true }],
    ['of an ifup that was due though it is up', old, old, { isPending: true }],
  ] as const)('%s', (_, found, next, how) => {
    installNetworkScripts(host);
    const inEachShell = found === null || found.key !== next.key;
    const went = expectWayBack(() => stage(host, found, how), endOf(next), { inEachShell });
    expect(went).toMatchObject({ isWhole: true });
    expect(went.states).toBeGreaterThan(5);
  });

  test.each([false, true])('of a racoon that ifup starts; one ran before: %s', (ran) => {
    installNetworkScripts(host);
    installIfup(host, ': > "$KERNEL/racoon"');
    host.program('pidof', '[ -e "$KERNEL/racoon" ]');
    host.program('killall', 'case $1 in -HUP) ;; *) rm "$KERNEL/$1" ;; esac');
    const begin = () => {
      stage(host, null);
      if (ran) host.write('/../kernel/racoon', '');
    };
    expect(expectWayBack(begin, endOf(old))).toMatchObject({ isWhole: true });
    host.program('killall', 'echo "killall $*" >> "$KERNEL/log"');
  });

  test('of a racoon that was started, but that another tunnel needs by now', () => {
    installNetworkScripts(host);
    host.program('pidof', 'exit 1');
    const args = connectionArgs(old, 'up');
    stage(host, null);
    host.write(IFCFG, ifcfg(old));
    const { plan } = look(host, connection, args);
    if (plan.kind !== 'change') throw new Error(plan.kind);
    const after = connection.undo?.(plan.change, args, {}).after ?? nothing;
    const killed = (found: Tunnel | null) => {
      stage(host, found);
      apply(host, { ...connection, apply: () => after }, plan, args);
      return host.read('/../kernel/log');
    };
    expect(killed(null)).toBe('killall racoon\n');
    expect(killed(old)).toBe('killall -HUP racoon\n');
  });

  test.each([
    ['of a tunnel that was taken away', {}],
    ['of one that was taken away while an ifup was due', { isUp: false, isPending: true }],
  ])('%s', (_, how) => {
    installNetworkScripts(host);
    const went = expectWayBack(() => stage(host, old, how), removal(old), { inEachShell: true });
    expect(went).toMatchObject({ isWhole: true });
    expect(went.states).toBeGreaterThan(5);
  });

  test('of what ifup of RHEL 4 and 5 drops from psk.txt', () => {
    installNetworkScripts(host);
    const drop = `cd "$ROOT/etc/racoon"; grep -v '^10.9.8.7' psk.txt > new; echo '10.9.8.7  new' >> new; mv -f new psk.txt`;
    installIfup(host, drop);
    const near = { peer: '10.9.8.7', key: 'old' };
    const begin = () => {
      stage(host, near);
      host.write(PSK, '10.9.8.7 old\n10.9.8.77 other\n', 0o600);
    };
    expect(expectWayBack(begin, endOf({ ...near, key: 'new' })).states).toBeGreaterThan(10);
  });

  test('of a service', () => {
    const status = `[ -e "$KERNEL/running-$1" ] || { echo "$1 is stopped"; exit 3; }`;
    // An init script of old: what is so already is an error.
    host.program(
      'service',
      `case $2 in
  status) ${status} ;;
  start) [ ! -e "$KERNEL/running-$1" ] || exit 1; : > "$KERNEL/running-$1" ;;
  stop) [ -e "$KERNEL/running-$1" ] || exit 1; rm "$KERNEL/running-$1" ;;
  restart|reload) : > "$KERNEL/running-$1"; [ "$1" != network ] || : > "$KERNEL/routes" ;;
esac`,
    );
    host.program(
      'chkconfig',
      `case $2 in '') [ -e "$KERNEL/boot-$1" ] ;; on) : > "$KERNEL/boot-$1" ;; off) rm -f "$KERNEL/boot-$1" ;; esac`,
    );
    for (const name of ['racoon', 'network']) {
      for (const state of ['started', 'stopped', 'restarted', 'reloaded'] as const) {
        for (const [running, boot, enabled] of [
          [true, true, false],
          [false, false, true],
          [true, false, true],
        ] as const) {
          if (!running && /re(started|loaded)/.test(state)) continue;
          const begin = () => {
            host.reset();
            host.write('/../kernel/routes', '10.9.0.0/16 via 203.0.113.254 dev eth0 \n');
            if (running) host.write(`/../kernel/running-${name}`, '');
            if (boot) host.write(`/../kernel/boot-${name}`, '');
          };
          expect(expectWayBack(begin, [wanted(service, { name, state, enabled })])).toMatchObject({ isWhole: true });
        }
      }
    }
  });

  test('of a kernel parameter', () => {
    host.program(
      'sysctl',
      `at() { echo "$ROOT/proc/sys/$(echo "$1" | tr . /)"; }
case $1 in
  -n) cat "$(at "$2")" ;;
  -w) printf '%s\\n' "\${2#*=}" > "$(at "\${2%%=*}")" ;;
  -p) while IFS= read -r line; do
      key=\${line%%=*}; key=\${key% }; value=\${line#*=}; value=\${value# }
      printf '%s\\n' "$value" > "$(at "$key")"
    done < "$2" ;;
esac`,
    );
    const begin = () => {
      host.reset();
      host.write('/etc/sysctl.conf', 'kernel.sysrq = 0\n', 0o640);
      host.write('/proc/sys/net/ipv4/ip_forward', '0\n');
      host.write('/proc/sys/kernel/sysrq', '0\n');
    };
    const went = expectWayBack(begin, [wanted(sysctl, { name: 'net.ipv4.ip_forward', value: 1 })], {
      inEachShell: true,
    });
    expect(went).toMatchObject({ isWhole: true });
    expect(went.states).toBeGreaterThan(2);
  });

  describe('of files and folders', () => {
    interface Before {
      /** What `/etc/a` holds; null where it is not there. */
      readonly found?: string | null;
      readonly hasFolder?: boolean;
    }
    const begin = ({ found = null, hasFolder = false }: Before) => {
      host.reset();
      host.mkdir('/etc/empty', 0o700);
      if (hasFolder) host.mkdir('/etc/deep/er', 0o711);
      if (found !== null) host.write('/etc/a', found, 0o640);
    };
    const A = '/etc/a';
    const DEEP = '/etc/deep/er/b';
    const whole = (path: string, content = 'one\ntwo\n', mode = '0644') => wanted(file, { path, content, mode });
    const noFile = (path: string) => wanted(file, { path, state: 'absent' as const });
    const line = (path: string) => wanted(lineinfile, { path, line: 'three', create: true });
    const folder = (path: string) => wanted(directory, { path, mode: '0750' });
    const noFolder = wanted(directory, { path: '/etc/empty', state: 'absent' as const });

    test.each<readonly [string, Before, readonly Wanted[]]>([
      ['a new file', {}, [whole("/etc/it's")]],
      ['a file with other bytes', { found: 'old\n' }, [whole(A, 'x'.repeat(5000), '4755')]],
      ['the same file twice', { found: 'old\n' }, [whole(A), line(A)]],
      ['a file that goes and comes back', { found: 'old\n' }, [noFile(A), whole(A)]],
      ['a mode', { found: 'old\n' }, [wanted(file, { path: A, mode: '0600' })]],
      ['a line in a file', { found: 'one\n' }, [line(A)]],
      ['a new folder', {}, [folder('/etc/new/folder')]],
      ['the mode of a folder', {}, [folder('/etc/empty')]],
      ['a folder that goes', {}, [noFolder]],
      ['a file in a folder', { hasFolder: true }, [whole(DEEP)]],
      ['a file whose folder an earlier task makes', {}, [folder('/etc/deep/er'), whole(DEEP), line(DEEP)]],
    ])('%s', (_, before, tasks) => {
      expect(expectWayBack(() => begin(before), tasks)).toMatchObject({ isWhole: true });
    });

    test('a task that fails because there is no folder: what was made before it goes back', () => {
      const went = expectWayBack(() => begin({ found: 'old\n' }), [whole(A), whole(DEEP), folder('/etc/new/folder')]);
      expect(went.isWhole).toBe(false);
    });

    test('and whatever else comes together', () => {
      const path = fc.constantFrom(A, DEEP, "/etc/it's");
      const content = fc.constantFrom('', 'one\ntwo\n', 'x'.repeat(5000));
      const mode = fc.constantFrom('0600', '0644', '4755');
      const task = fc.oneof(
        fc.tuple(path, content, mode).map((words) => whole(...words)),
        path.map(noFile),
        fc.tuple(path, mode).map(([path, mode]) => wanted(file, { path, mode })),
        path.map(line),
        fc.constantFrom('/etc/new/folder', '/etc/deep/er', '/etc/empty').map(folder),
        fc.constant(noFolder),
      );
      const before = fc.record({ found: fc.option(content), hasFolder: fc.boolean() });
      fc.assert(
        fc.property(fc.array(task, { minLength: 2, maxLength: 4 }), before, (tasks, before) => {
          expectWayBack(() => begin(before), tasks);
        }),
        { numRuns: 6 },
      );
    });
  });
});
