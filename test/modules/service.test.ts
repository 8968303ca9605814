import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type ServiceArgs, service } from '../../modules/service.ts';
import { installedResource, restartedResource } from '../../modules/shared/raised.ts';
import { apply, context, everyShell, expectLaws, look, makeHost, type TestHost } from './run-module.ts';
import { shown } from './shown.ts';

function install(host: TestHost): void {
  host.program(
    'service',
    `case $1 in ghost) echo "ghost: unrecognized service" >&2; exit 1 ;; esac
case $2 in
  status) [ -e "$KERNEL/running-$1" ] || { echo "$1 is stopped"; exit 3; } ;;
  start) : > "$KERNEL/running-$1" ;;
  stop) rm "$KERNEL/running-$1" ;;
  restart|reload) : > "$KERNEL/running-$1"; echo "$*" >> "$KERNEL/log" ;;
esac`,
  );
  host.program(
    'chkconfig',
    `case $2 in
  '') [ -e "$KERNEL/boot-$1" ] ;;
  on) : > "$KERNEL/boot-$1" ;;
  off) rm "$KERNEL/boot-$1" ;;
esac`,
  );
}

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test('the laws hold', () => {
    install(host);
    const args = fc.record(
      {
        name: fc.constantFrom('racoon', 'network', 'sshd@x'),
        state: fc.constantFrom('started' as const, 'stopped' as const, 'restarted' as const, 'reloaded' as const),
        enabled: fc.boolean(),
      },
      { requiredKeys: ['name'] },
    );
    fc.assert(
      fc.property(args, fc.boolean(), fc.boolean(), (wanted, running, boot) => {
        host.reset();
        if (running) host.write(`/../kernel/running-${wanted.name}`, '');
        if (boot) host.write(`/../kernel/boot-${wanted.name}`, '');
        expectLaws(host, service, wanted);
      }),
      { numRuns: 25 },
    );
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  beforeEach(() => {
    install(host);
    host.reset();
  });
  const plan = (args: ServiceArgs) => look(host, service, args).plan;

  test('restarts once in a run, without asking for the status', () => {
    host.program('service', 'exit 77');
    const { state, plan } = look(host, service, { name: 'network', state: 'restarted' });
    if (plan.kind !== 'change') throw new Error(plan.kind);
    expect(plan.diff).toEqual([]);
    expect(plan.disruptive).toMatch(
      /^restarts the network service: every connection of this host, this SSH session too, may drop/,
    );
    expect(plan.after.get(restartedResource, 'network')).toBe(true);
    const later = state.merge(plan.after.runScoped());
    expect(service.plan({ name: 'network', state: 'restarted' }, later, context(state)).kind).toBe('ok');
    expect(
      service.plan({ name: 'network', state: 'restarted' }, later, { ...context(state), taskId: 'other' }).kind,
    ).toBe('change');
  });

  test('shows what it starts and what is started at boot', () => {
    expect(shown(plan({ name: 'racoon', state: 'started', enabled: true }))).toEqual([
      'service racoon: "stopped" -> "started"',
      'service racoon at boot: "off" -> "on"',
    ]);
  });

  test('is blocked where there is no such service, unless a package may bring it', () => {
    const args: ServiceArgs = { name: 'ghost', state: 'started' };
    const { state } = look(host, service, args);
    expect(service.plan(args, state, context(state))).toEqual({
      kind: 'blocked',
      why: 'there is no service ghost on this host',
    });
    expect(service.plan(args, state.with(installedResource, 'ghost', true), context(state)).kind).toBe('unknown');
    expect(plan({ name: 'ghost', state: 'stopped' }).kind).toBe('ok');
  });

  test.each([
    ['network', 'stopped', /can no longer be reached/],
    ['sshd', 'stopped', /no new SSH connection/],
    ['racoon', 'stopped', /no keys are negotiated/],
  ] as const)('says what stopping %s costs', (name, state, words) => {
    host.write(`/../kernel/running-${name}`, '');
    expect(plan({ name, state })).toMatchObject({ disruptive: expect.stringMatching(words) });
  });

  test('two tasks about one service do not hide from each other what they have read', () => {
    host.write('/../kernel/running-racoon', '');
    const one: ServiceArgs = { name: 'racoon', state: 'started' };
    const other: ServiceArgs = { name: 'racoon', enabled: false };
    const state = look(host, service, one).state.merge(look(host, service, other).state);
    expect(service.plan(one, state, context(state)).kind).toBe('ok');
    expect(service.plan(other, state, context(state)).kind).toBe('ok');
  });

  test('a restart of the network keeps the psk lines that its ifups drop, also when it fails', () => {
    const psk = '/etc/racoon/psk.txt';
    for (const exitCode of [0, 3]) {
      host.write(psk, '10.0.0.1 a\n10.0.0.12 b\n', 0o600);
      host.program('service', `echo '10.0.0.1  a' > "$ROOT${psk}"; exit ${exitCode}`);
      const args: ServiceArgs = { name: 'network', state: 'restarted' };
      expect(apply(host, service, plan(args), args).exitCode).toBe(exitCode);
      expect(host.read(psk)).toBe('10.0.0.1  a\n10.0.0.12 b\n');
    }
  });

  test('a restart that fails is a failure', () => {
    host.program('service', 'echo "no eth1" >&2; exit 1');
    const args: ServiceArgs = { name: 'network', state: 'restarted' };
    expect(apply(host, service, plan(args), args)).toMatchObject({ exitCode: 1, stderr: 'no eth1\n' });
  });
});
