import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { procName, valueIn, withoutKey, withValue } from '../../modules/shared/sysctl-conf.ts';
import { type SysctlArgs, sysctl } from '../../modules/sysctl.ts';
import { apply, everyShell, expectLaws, look, makeHost, type TestHost } from './run-module.ts';
import { shown } from './shown.ts';

const KEY = 'net.ipv4.ip_forward';
const CONF = '/etc/sysctl.conf';

/** procps: an unknown key costs the exit status, and the others are set. `where`: /proc/sys, or out of sight. */
function install(host: TestHost, where: '$ROOT/proc/sys' | '$KERNEL/sys'): void {
  host.program(
    'sysctl',
    `sys="${where}"
case $1 in
  -n) cat "$sys/$(echo "$2" | tr . /)" 2>/dev/null || { echo "error: unknown key $2" >&2; exit 255; } ;;
  -p) code=0
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in *[!\\ ]*) ;; *) continue ;; esac
      case \${line#"\${line%%[! ]*}"} in '#'*|';'*) continue ;; esac
      key=$(echo "\${line%%=*}" | tr -d ' ' | sed 's/^-//')
      case $key in */*) ;; *) key=$(echo "$key" | tr . /) ;; esac
      value=$(echo "\${line#*=}" | sed 's/^ *//; s/ *$//')
      if [ -f "$sys/$key" ]; then echo "$value" > "$sys/$key"; else echo "error: \\"$key\\" is an unknown key" >&2; code=255; fi
    done < "$2"
    exit $code ;;
esac`,
  );
}

describe.each(everyShell)('under %s', (_, shell) => {
  const host = makeHost(shell);
  afterAll(() => host.remove());

  test.each(['$ROOT/proc/sys', '$KERNEL/sys'] as const)('the laws hold, the kernel being read at %s', (where) => {
    install(host, where);
    const value = fc.constantFrom('0', '1', '1 2\t3');
    const line = fc.constantFrom(
      `${KEY} = 0`,
      `${KEY}=1`,
      'net/ipv4/ip_forward = 2',
      `-${KEY} = 1`,
      `# ${KEY} = 7`,
      '; x',
      '',
      'no.such = 1',
      '  kernel.sysrq = 0',
    );
    const args = fc.record(
      {
        value: fc.oneof(value, fc.constantFrom(0, 1)),
        state: fc.constantFrom('present' as const, 'absent' as const),
        reload: fc.boolean(),
      },
      { requiredKeys: ['value'] },
    );
    fc.assert(
      fc.property(args, fc.option(fc.array(line, { maxLength: 5 })), value, (rest, lines, runtime) => {
        host.reset();
        host.mkdir('/etc');
        if (lines) host.write(CONF, lines.join('\n'));
        const proc = where === '$ROOT/proc/sys' ? '/proc/sys' : '/../kernel/sys';
        host.write(`${proc}/net/ipv4/ip_forward`, `${runtime}\n`);
        host.write(`${proc}/kernel/sysrq`, '0\n');
        expectLaws(host, sysctl, { key: KEY, ...rest });
      }),
      { numRuns: 30 },
    );
  });

  test('a key that sysctl does not know beside ours is no failure; ours is', () => {
    install(host, '$ROOT/proc/sys');
    host.reset();
    host.write(CONF, 'net.bridge.x = 0\n');
    host.write('/proc/sys/net/ipv4/ip_forward', '0\n');
    expectLaws(host, sysctl, { name: KEY, value: 1 });
    expect(host.read('/proc/sys/net/ipv4/ip_forward')).toBe('1\n');

    host.write('/proc/sys/net/ipv4/ip_forward', '0\n');
    const { plan } = look(host, sysctl, { name: KEY, value: 1 });
    host.program('sysctl', 'echo "error: permission denied on key" >&2; exit 255');
    const applied = apply(host, sysctl, plan, { name: KEY, value: 1 });
    expect(applied.exitCode).toBe(1);
    expect(applied.stderr.trim()).toBe(
      `error: permission denied on key\n${KEY} still has another value in the kernel: 0`,
    );
  });
});

describe('sysctl.conf', () => {
  test('the last assignment counts, with either separator', () => {
    expect(valueIn(`${KEY}=0\nnet/ipv4/ip_forward =  1  \n#${KEY}=2\n; ${KEY}=3\n`, KEY)).toBe('1');
    expect(valueIn('other = 1\n', KEY)).toBe(undefined);
    expect(procName('net.ipv4.conf.eth0/100.rp_filter')).toBe('net/ipv4/conf/eth0.100/rp_filter');
    expect(procName('net/ipv4/conf/eth0.100/rp_filter')).toBe('net/ipv4/conf/eth0.100/rp_filter');
  });

  test.each([
    ['', `${KEY} = 1\n`],
    ['a = b', `a = b\n${KEY} = 1\n`],
    [`${KEY}=0`, `${KEY}=1`],
    [`# x\n  ${KEY}\t=\t0  \r\ny = 1`, `# x\n  ${KEY}\t=\t1  \r\ny = 1`],
    [`${KEY} = 0\n${KEY} = 0\n`, `${KEY} = 0\n${KEY} = 1\n`],
    [`${KEY} =\nx = 2\n`, `${KEY} = 1\nx = 2\n`],
    [`${KEY}.x = 0\n`, `${KEY}.x = 0\n${KEY} = 1\n`],
    [`#${KEY} = 0\n`, `#${KEY} = 0\n${KEY} = 1\n`],
  ])('%j becomes %j: no other byte changes', (text, result) => {
    expect(withValue(text, KEY, '1')).toBe(result);
    expect(valueIn(result, KEY)).toBe('1');
  });

  test('loses every assignment', () => {
    expect(withoutKey(`a=1\n${KEY}=0\n#x\nnet/ipv4/ip_forward=1`, KEY)).toBe('a=1\n#x\n');
  });
});

describe('a plan', () => {
  const host = makeHost();
  afterAll(() => host.remove());
  const args: SysctlArgs = { name: KEY, value: '1' };
  const plan = () => look(host, sysctl, args).plan;

  test('tells a wrong file from a wrong kernel', () => {
    host.write('/proc/sys/net/ipv4/ip_forward', '0\n');
    host.write(CONF, `${KEY} = 1\n`);
    expect(shown(plan())).toEqual([`sysctl ${KEY}: "0" -> "1"`]);
    host.write('/proc/sys/net/ipv4/ip_forward', '1\n');
    host.write(CONF, `${KEY} = 0\n`);
    expect(shown(plan())).toEqual([`${CONF}: "${KEY} = 0\\n" -> "${KEY} = 1\\n"`]);
  });

  test('is blocked when the kernel lacks the key', () => {
    host.reset();
    host.program('sysctl', 'exit 255');
    expect(plan()).toMatchObject({ kind: 'blocked', why: expect.stringContaining(`the kernel has no ${KEY}`) });
    host.mkdir('/etc');
    expectLaws(host, sysctl, { ...args, reload: false });
  });
});
