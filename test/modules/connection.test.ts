import { rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { connection } from '../../modules/connection.ts';
import type { ConnectionArgs } from '../../modules/shared/connection-args.ts';
import { raisedResource, restartedResource } from '../../modules/shared/raised.ts';
import { fileResource, HostState } from '../../src/model/host-state.ts';
import { Secret } from '../../src/model/secret.ts';
import { installIfup, installNetworkScripts } from './network-scripts.ts';
import { apply, context, everyShell, expectLaws, look, makeHost, probe, type TestHost } from './run-module.ts';
import { shown } from './shown.ts';

const SCRIPTS = '/etc/sysconfig/network-scripts';
const IFCFG = `${SCRIPTS}/ifcfg-ipsec0`;
const KEYS = `${SCRIPTS}/keys-ipsec0`;
const MARKER = '/var/lib/ipsec-play/pending/ipsec0';
const REQUIRED = { path: `${SCRIPTS}/ifup-ipsec`, why: 'this host has no ifup-ipsec' };

/** As RHEL 5 does it. */
const IFUP_BY_PREFIX = `cd "$ROOT/etc/racoon"; grep -v '^198.51.100.2' psk.txt > new; echo '198.51.100.2  new' >> new; mv -f new psk.txt`;

interface Shape {
  readonly tunnel: boolean;
  readonly esp: boolean;
  readonly ah: boolean;
  readonly onboot: boolean;
  readonly peer: string;
  readonly psk: string;
}
const lan: Shape = { tunnel: true, esp: true, ah: true, onboot: true, peer: '203.0.113.2', psk: 'r3dh4tl1nux' };
const hosts: Shape = { ...lan, tunnel: false, onboot: false, peer: '198.51.100.2', psk: "it's $x" };

function ifcfg({ tunnel, esp, ah, onboot, peer }: Shape): string {
  const nets = tunnel ? 'SRCGW=192.168.1.254\nDSTGW=192.168.2.254\nSRCNET=192.168.1.0/24\nDSTNET=192.168.2.0/24\n' : '';
  const protocols = `${esp ? '' : 'ESP_PROTO=none\n'}${ah ? '' : 'AH_PROTO=none\n'}`;
  return `TYPE=IPSEC\nONBOOT=${onboot ? 'yes' : 'no'}\nIKE_METHOD=PSK\n${nets}DST=${peer}\n${protocols}`;
}

const keys = ({ psk }: Shape) => `IKE_PSK='${psk.replaceAll("'", `'\\''`)}'\n`;

function argsOf(shape: Shape, state: ConnectionArgs['state']): ConnectionArgs {
  const { tunnel, esp, ah, onboot, peer } = shape;
  return {
    nickname: 'ipsec0',
    state,
    onboot,
    files: [
      { path: IFCFG, content: [ifcfg(shape)] },
      { path: KEYS, content: [new Secret(keys(shape))] },
    ],
    requires: [REQUIRED],
    selectors: tunnel ? { dst: peer, srcnet: '192.168.1.0/24', dstnet: '192.168.2.0/24' } : { dst: peer },
    mode: tunnel ? 'tunnel' : 'transport',
    esp,
    ah,
    record: { tunnel: 'a-b', other: 'b', keying: 'psk', psk: '/etc/racoon/psk.txt', conf: `/etc/racoon/${peer}.conf` },
  };
}

/** What is on the host: files and whether it is up by them, the marker, and the files that were written since. */
function prepare(
  host: TestHost,
  found: Shape | null,
  options: { up?: boolean; marked?: boolean; next?: Shape } = {},
): void {
  host.reset();
  host.write(REQUIRED.path, '');
  const files = (shape: Shape) => {
    host.write(IFCFG, ifcfg(shape));
    host.write(KEYS, keys(shape), 0o600);
  };
  if (found) files(found);
  if (found && options.up) ifup(host);
  if (options.marked) host.write(MARKER, '', 0o600);
  if (options.next) files(options.next);
}

function ifup(host: TestHost): void {
  const args: ConnectionArgs = { nickname: 'ipsec0', state: 'up' };
  expect(apply(host, connection, look(host, connection, args).plan, args).exitCode).toBe(0);
}

const policies = (host: TestHost, args: ConnectionArgs) => {
  const table = probe(host, connection as never, args).get({ kind: 'ipsec-policies', scope: 'host' }, 'kernel');
  return (table as { policies: unknown[] }).policies;
};

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    installNetworkScripts(host);
    const shape = fc
      .record({
        tunnel: fc.boolean(),
        protocols: fc.constantFrom({ esp: true, ah: true }, { esp: true, ah: false }, { esp: false, ah: true }),
        onboot: fc.boolean(),
        peer: fc.constantFrom('203.0.113.2', '203.0.113.20'),
        psk: fc.constantFrom('one', "it's $x `y`"),
      })
      .map(({ protocols, ...rest }): Shape => ({ ...rest, ...protocols }));
    const state = fc.constantFrom('up', 'down', 'replaced', 'absent') as fc.Arbitrary<ConnectionArgs['state']>;
    fc.assert(
      fc.property(shape, fc.option(shape), state, fc.boolean(), fc.boolean(), (wanted, found, what, up, marked) => {
        // `up` comes after its files were written.
        if (what === 'up') prepare(host, wanted, { up, marked });
        else prepare(host, found, { up, marked });
        const args = argsOf(wanted, what);
        const plan = expectLaws(host, connection, args);
        if (plan.kind === 'change') expect(plan.diff.length).toBe(1);
        if (what === 'replaced' && found && (host.mode(MARKER) ?? 0) !== 0) expect(host.mode(MARKER)).toBe(0o600);
        if (what === 'absent' || what === 'down') expect(policies(host, args)).toEqual([]);
        if (what === 'up' && (marked || wanted.onboot)) expect(policies(host, args)).toHaveLength(3);
      }),
      { numRuns: 30 },
    );
  });

  test('comes up when somebody asks for it, by the files of the inventory only', () => {
    installNetworkScripts(host);
    const asked = { ...argsOf(hosts, 'up'), asked: true };
    prepare(host, hosts);
    expect(look(host, connection, argsOf(hosts, 'up')).plan.kind, 'onboot is false').toBe('ok');
    expectLaws(host, connection, asked);
    expect(policies(host, asked)).toHaveLength(3);
    expect(look(host, connection, asked).plan.kind).toBe('ok');
    for (const other of [
      { ...hosts, psk: 'other' },
      { ...hosts, ah: false },
      { ...hosts, peer: '198.51.100.3' },
    ]) {
      prepare(host, other);
      const { plan } = look(host, connection, asked);
      expect(plan).toMatchObject({ kind: 'blocked', why: expect.stringContaining('not what the inventory says') });
    }
  });

  test('a changed tunnel is taken down by its old files, and comes up by its new ones', () => {
    installNetworkScripts(host);
    const next = { ...lan, peer: '203.0.113.3', psk: 'new' };
    prepare(host, lan, { up: true });
    expect(expectLaws(host, connection, argsOf(next, 'replaced'))).toMatchObject({
      disruptive: expect.stringContaining('takes ipsec0 down'),
    });
    expect(policies(host, argsOf(next, 'up'))).toEqual([]);
    expect(host.mode(MARKER)).toBe(0o600);
    expect(host.mode('/var/lib/ipsec-play/pending')).toBe(0o700);
    host.write(IFCFG, ifcfg(next));
    host.write(KEYS, keys(next), 0o600);
    expect(look(host, connection, argsOf(next, 'replaced')).plan.kind).toBe('ok');
    expectLaws(host, connection, argsOf(next, 'up'));
    expect(host.read(MARKER)).toBe(null);
    expect(host.read('/../kernel/log')).toBe('ifup ipsec0\nifdown ipsec0\nifup ipsec0\n');
  });

  test('an ifup that brings up nothing is a failure, with its own words, and stays due', () => {
    installNetworkScripts(host);
    prepare(host, hosts, { marked: true });
    host.write('/../kernel/broken', '');
    const args = argsOf(hosts, 'up');
    const applied = apply(host, connection, look(host, connection, args).plan, args);
    expect(applied.exitCode).toBe(1);
    expect(applied.stderr.trim()).toBe(
      'ifup: no such algorithm\nifup ipsec0 ran, but the kernel has no ipsec policies for it (setkey -DP)',
    );
    expect(host.read(MARKER)).toBe('');
  });

  test('the psk lines that ifup drops by prefix are back before anything else can happen', () => {
    installNetworkScripts(host);
    const psk = '/etc/racoon/psk.txt';
    for (const broken of [false, true]) {
      prepare(host, hosts, { marked: true });
      if (broken) host.write('/../kernel/broken', '');
      host.write(
        psk,
        "# mine\n198.51.100.2 old\n198.51.100.25 it's $x `y`  \\ \n198.51.100.20\tother\n9.9.9.9 nine",
        0o600,
      );
      installIfup(host, IFUP_BY_PREFIX);
      const args = argsOf(hosts, 'up');
      expect(apply(host, connection, look(host, connection, args).plan, args).exitCode).toBe(broken ? 1 : 0);
      expect(host.read(psk)).toBe(
        "# mine\n9.9.9.9 nine\n198.51.100.2  new\n198.51.100.25 it's $x `y`  \\ \n198.51.100.20\tother\n",
      );
      expect(host.mode(psk)).toBe(0o600);
    }
  });

  test('ifdown of a connection leaves to another one to the same peer its line of racoon.conf', () => {
    installNetworkScripts(host);
    const conf = '/etc/racoon/racoon.conf';
    for (const shared of [true, false]) {
      prepare(host, lan, { up: true });
      const before = `log info;\n${host.read(conf)}`;
      host.write(conf, before);
      expect(before).toContain(`include "/etc/racoon/${lan.peer}.conf";`);
      expectLaws(host, connection, { ...argsOf(lan, 'absent'), shared });
      expect(host.read(conf)).toBe(shared ? before : 'log info;\n');
    }
  });

  test('an ifdown that leaves the policies is a failure', () => {
    installNetworkScripts(host);
    prepare(host, lan, { up: true });
    host.program('ifdown', 'exit 0');
    const args = argsOf(lan, 'absent');
    const applied = apply(host, connection, look(host, connection, args).plan, args);
    expect(applied).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('the kernel still has its policies'),
    });
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => installNetworkScripts(host));
  const plan = (shape: Shape, state: ConnectionArgs['state']) => look(host, connection, argsOf(shape, state)).plan;

  test('of a new connection marks it, and brings it up', () => {
    prepare(host, null);
    expect(shown(plan(lan, 'replaced'))).toEqual(['connection ipsec0: null -> "ifup due"']);
    prepare(host, lan, { marked: true });
    const up = plan(lan, 'up');
    expect(shown(up)).toEqual(['connection ipsec0: "ifup due" -> "up"']);
    expect(up).toMatchObject({
      disruptive: 'brings ipsec0 up (ifup): traffic with 192.168.2.0/24 waits until the other end is up as well',
    });
    if (up.kind === 'change') expect(up.after.get(raisedResource, lan.peer)).toBe(true);
  });

  test('leaves alone what is written otherwise but means the same, and what only ONBOOT changes', () => {
    prepare(host, lan, { up: true });
    host.write(
      IFCFG,
      `# by hand\n${ifcfg(lan).split('\n').reverse().join('\n')}\nUSERCTL=no SRC=''\n`.replace('=IPSEC', '="IPSEC"'),
    );
    expect(plan(lan, 'replaced').kind).toBe('ok');
    expect(plan({ ...lan, onboot: false }, 'replaced').kind).toBe('ok');
    expect(plan({ ...lan, psk: 'other' }, 'replaced').kind).toBe('change');
  });

  test('is down: a drift only where it comes up at boot', () => {
    prepare(host, hosts);
    expect(plan(hosts, 'up').kind).toBe('ok');
    prepare(host, { ...hosts, onboot: true });
    expect(shown(plan({ ...hosts, onboot: true }, 'up'))).toEqual(['connection ipsec0: "down" -> "up"']);
  });

  test('that follows a network restart brings back the route of a tunnel that boot does not', () => {
    const byHand = { ...lan, onboot: false };
    const restarted = (shape: Shape) => {
      prepare(host, shape, { up: true });
      const args = argsOf(shape, 'up');
      const state = probe(host, connection as never, args).with(restartedResource, 'network', true);
      const found = connection.plan(args, state, context(state));
      return { found, again: (after: HostState) => connection.plan(args, state.merge(after), context(state)).kind };
    };
    const { found, again } = restarted(byHand);
    expect(shown(found)).toEqual(['connection ipsec0: "up, its route lost" -> "up"']);
    expect(found.kind === 'change' && again(found.after)).toBe('ok');
    expect(restarted(lan).found.kind).toBe('ok');
    expect(restarted({ ...hosts, onboot: false }).found.kind).toBe('ok');
  });

  test('is due where racoon no longer knows the peer: a racoon.conf made anew, or its phase 1 file gone', () => {
    const conf = '/etc/racoon/racoon.conf';
    const before = '"up, unknown to racoon" -> "up"';
    for (const shape of [lan, { ...lan, onboot: false }, hosts]) {
      for (const [path, text] of [
        [conf, 'log info;\n'],
        [`/etc/racoon/${shape.peer}.conf`, null],
      ] as const) {
        prepare(host, shape, { up: true });
        expect(plan(shape, 'up').kind).toBe('ok');
        rmSync(host.root + path);
        if (text !== null) host.write(path, text);
        expect(shown(plan(shape, 'up'))).toEqual([`connection ipsec0: ${before}`]);
        expectLaws(host, connection, argsOf(shape, 'up'));
      }
    }
  });

  test('is due where ifdown of another connection to the same peer takes its line out of racoon.conf', () => {
    prepare(host, lan, { up: true });
    const other = IFCFG.replace('ipsec0', 'ipsec1');
    host.write(other, ifcfg(lan).replaceAll('192.168.2.', '192.168.9.'));
    const args: ConnectionArgs = { nickname: 'ipsec1', state: 'up' };
    apply(host, connection, look(host, connection, args).plan, args);
    const gone = look(host, connection, { nickname: 'ipsec1', state: 'absent' }).plan;
    const state = probe(host, connection as never, argsOf(lan, 'up'));
    const after = gone.kind === 'change' ? gone.after : HostState.empty;
    expect(connection.plan(argsOf(lan, 'up'), state, context(state)).kind).toBe('ok');
    expect(connection.plan(argsOf(lan, 'up'), state.merge(after), context(state)).kind).toBe('change');
  });

  test('of files with the line ends of DOS makes them new', () => {
    prepare(host, lan);
    host.write(IFCFG, ifcfg(lan).replaceAll('\n', '\r\n'));
    expect(plan(lan, 'replaced').kind).toBe('change');
  });

  test('knows other policies from its own', () => {
    prepare(host, { ...lan, ah: false }, { up: true, next: lan });
    expect(shown(plan(lan, 'up'))).toEqual(['connection ipsec0: "down" -> "up"']);
    prepare(host, { ...lan, peer: '203.0.113.9' }, { up: true, next: lan });
    expect(plan(lan, 'up').kind).toBe('change');
  });

  test('plans against files that earlier tasks will have written', () => {
    prepare(host, null);
    const args = argsOf(lan, 'up');
    const state = probe(host, connection as never, args);
    expect(connection.plan(args, state, context(state)).kind).toBe('blocked');
    const file = { kind: 'file', mode: 0o644, owner: 'root', group: 'root', uid: 0, gid: 0, bytes: '' } as const;
    const written = HostState.empty
      .with(fileResource, IFCFG, { ...file, bytes: ifcfg(lan) })
      .with(fileResource, KEYS, { ...file, bytes: keys(lan) });
    expect(connection.plan(args, state.merge(written), context(state)).kind).toBe('change');
  });

  test('by hand: up and down, as its files say', () => {
    prepare(host, { ...hosts, onboot: true });
    expect(expectLaws(host, connection, { nickname: 'ipsec0', state: 'up' }).kind).toBe('change');
    expect(expectLaws(host, connection, { nickname: 'ipsec0', state: 'down' }).kind).toBe('change');
    expect(expectLaws(host, connection, { nickname: 'ipsec0', state: 'down' }).kind).toBe('ok');
  });

  test('is blocked without what it requires, and says why', () => {
    prepare(host, lan);
    host.remove();
    const bare = makeHost();
    installNetworkScripts(bare);
    bare.write(IFCFG, ifcfg(lan));
    expect(look(bare, connection, argsOf(lan, 'up')).plan).toEqual({ kind: 'blocked', why: REQUIRED.why });
    expect(look(bare, connection, argsOf(lan, 'replaced')).plan).toEqual({ kind: 'blocked', why: REQUIRED.why });
    expect(look(bare, connection, argsOf(lan, 'absent')).plan.kind).toBe('ok');
    bare.remove();
  });
});

describe('a connection left over under another nickname', () => {
  const host = makeHost();
  const LEFT = IFCFG.replace('ipsec0', 'old');
  afterAll(() => host.remove());
  beforeEach(() => {
    installNetworkScripts(host);
    prepare(host, null);
  });
  const planned = (state: ConnectionArgs['state'] = 'replaced') => look(host, connection, argsOf(lan, state)).plan;

  test('blocks the new one, and says what to do', () => {
    host.write(LEFT, ifcfg(lan));
    expect(planned()).toMatchObject({ kind: 'blocked', why: expect.stringContaining('rm ifcfg-old keys-old') });
    host.write(LEFT, `export ${ifcfg({ ...lan, esp: false }).replace('TYPE=IPSEC', 'TYPE="ipsec"')}`);
    expect(planned().kind).toBe('blocked');
  });

  test('is none when it is for other traffic, no connection, or a copy that the scripts pass over', () => {
    host.write(LEFT, ifcfg(lan).replaceAll('192.168.2.', '192.168.9.'));
    host.write(`${SCRIPTS}/ifcfg-eth0`, 'DEVICE=eth0\nONBOOT=yes\n');
    host.write(`${LEFT}.rpmsave`, ifcfg(lan));
    host.write(`${SCRIPTS}/keys-old2`, ifcfg(lan));
    expect(planned().kind).toBe('change');
  });

  test('is none when an earlier task removes it', () => {
    host.write(LEFT, ifcfg(lan));
    const state = probe(host, connection as never, argsOf(lan, 'replaced')).with(fileResource, LEFT, {
      kind: 'absent',
    });
    expect(connection.plan(argsOf(lan, 'replaced'), state, context(state)).kind).toBe('change');
  });
});

describe('a plan is blocked', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => {
    installNetworkScripts(host);
    prepare(host, lan);
  });

  test.each(['replaced', 'absent', 'up', 'down'] as const)('by a file of a real device: %s', (state) => {
    host.write(IFCFG, 'DEVICE=eth0\nTYPE=Ethernet\nONBOOT=yes\n');
    expect(look(host, connection, argsOf(lan, state)).plan).toEqual({
      kind: 'blocked',
      why: `${IFCFG} is there and is no IPsec connection (TYPE=Ethernet): choose another nickname`,
    });
  });

  test.each(['DST=$PEER', 'DST=$(host gw)', '. ./common'])('by addresses that only a shell knows: %s', (line) => {
    host.write(IFCFG, `TYPE=IPSEC\n${line}\n`);
    expect(look(host, connection, argsOf(lan, 'replaced')).plan).toMatchObject({
      kind: 'blocked',
      why: expect.stringContaining('lets the shell compute its addresses'),
    });
  });

  test('when the kernel will not tell its policies', () => {
    host.program('setkey', 'echo "pfkey_open: Operation not permitted" >&2; exit 1');
    expect(look(host, connection, argsOf(lan, 'up')).plan).toEqual({
      kind: 'blocked',
      why: 'setkey -DP: pfkey_open: Operation not permitted',
    });
  });
});
