import { describe, expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { isSensitive } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import type { Task } from '../../src/model/task.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { cases } from './support/cases.ts';
import { host, psk, router, tunnel, x509 } from './support/tunnels.ts';
import { argsOf, compileWorld, registry, tasksOf } from './support/world.ts';

const lana = router('lana', 'ipsec0', '203.0.113.1', '192.168.1.0/24', '192.168.1.254');
const lanb = router('lanb', 'ipsec1', '203.0.113.2', '192.168.2.0/24', '192.168.2.254');
const lanaLanb = tunnel('lana-lanb', [lana, lanb], psk('r3dh4tl1nux'));

const outline = (tasks: readonly Task[]) =>
  tasks.map(({ name, module, args }) => `${module}: ${name}${stateOf(args.resolve({}))}`);
const stateOf = (args: Readonly<Record<string, unknown>>) => (args.state === undefined ? '' : ` (${args.state})`);

function site(tunnels: readonly Tunnel[], activation = 'auto') {
  const playbook = `- hosts: all\n  tasks:\n    - ipsec_tunnels: { activation: ${activation} }\n`;
  return compileWorld({ tunnels, playbook });
}

function find(tasks: readonly Task[], id: string): Task {
  const found = tasks.find((task) => task.id === `1/tasks/0/${id}`);
  if (found === undefined) throw new Error(`no ${id} in ${tasks.map((task) => task.id).join(', ')}`);
  return found;
}

describe('the order of the tasks', () => {
  test('of a router: what changes goes down first, files, then what makes them take effect', () => {
    expect(outline(tasksOf(site([lanaLanb]), 'lana'))).toEqual([
      'package: install ipsec-tools (present)',
      'connection: prepare ipsec0 (ifdown if it is up) (replaced)',
      'racoon_conf: racoon.conf',
      'file: ifcfg-ipsec0',
      'file: keys-ipsec0',
      'psk: psk.txt',
      'sysctl: net.ipv4.ip_forward',
      'service: service network restart (restarted)',
      'connection: ifup ipsec0 (up)',
      'psk: psk.txt put right again',
    ]);
  });

  test('of a host with onboot: false: nothing is restarted and nothing forwarded', () => {
    expect(outline(tasksOf(site(cases['host-to-host']?.tunnels ?? []), 'pinky'))).toEqual([
      'package: install ipsec-tools (present)',
      'connection: prepare ipsec1 (ifdown if it is up) (replaced)',
      'racoon_conf: racoon.conf',
      'file: ifcfg-ipsec1',
      'file: keys-ipsec1',
      'psk: psk.txt',
      'connection: ifup ipsec1 (up)',
      'psk: psk.txt put right again',
    ]);
  });

  test('with manual keys: racoon has no part in it', () => {
    const modules = tasksOf(site(cases['manual-ah']?.tunnels ?? []), 'pinky').map(({ module }) => module);
    expect(modules).toEqual(['package', 'connection', 'file', 'file', 'service', 'connection']);
  });

  test('of an absent tunnel: ifdown while the files are there, then the files, then what ifdown leaves behind', () => {
    expect(outline(tasksOf(site([{ ...lanaLanb, state: 'absent' }]), 'lana'))).toEqual([
      'connection: ifdown ipsec0 (absent)',
      'file: remove ifcfg-ipsec0 (absent)',
      'file: remove keys-ipsec0 (absent)',
      'psk: remove 203.0.113.2 from psk.txt',
      'file: remove 203.0.113.2.conf (absent)',
      'racoon_conf: remove 203.0.113.2.conf from racoon.conf (absent)',
    ]);
  });

  test('connections stand in the natural order of their nicknames', () => {
    const ends = ['ipsec10', 'ipsec2', 'ipsec1'].map((nickname, index) =>
      tunnel(
        `t${index}`,
        [host('hub', nickname, '192.0.2.1'), host(`spoke${index}`, 'ipsec0', `192.0.2.1${index}`)],
        psk('key'),
      ),
    );
    const ups = tasksOf(site(ends), 'hub').filter(({ name }) => name.startsWith('ifup'));
    expect(ups.map(({ name }) => name)).toEqual(['ifup ipsec1', 'ifup ipsec2', 'ifup ipsec10']);
  });
});

describe('an absent tunnel beside one that stays', () => {
  const gone: Tunnel = { ...tunnel('old', [{ ...lana, nickname: 'old0' }, lanb], psk('')), state: 'absent' };

  test('keeps what belongs to the peer that both have', () => {
    const names = tasksOf(site([gone, lanaLanb]), 'lana').map(({ name }) => name);
    expect(names.slice(0, 5)).toEqual([
      'install ipsec-tools',
      'ifdown old0',
      'remove ifcfg-old0',
      'remove keys-old0',
      'prepare ipsec0 (ifdown if it is up)',
    ]);
    expect(names.filter((name) => name.includes('203.0.113.2'))).toEqual([]);
    expect(argsOf(find(tasksOf(site([gone, lanaLanb]), 'lana'), 'old/down'))).toMatchObject({ shared: true });
    expect(argsOf(find(tasksOf(site([gone]), 'lana'), 'old/down'))).not.toHaveProperty('shared');
  });

  test('keeps files of a nickname that another tunnel has taken over', () => {
    const other: Tunnel = { ...tunnel('old', [lana, host('far', 'ipsec0', '198.51.100.9')], psk('')), state: 'absent' };
    const names = tasksOf(site([other, lanaLanb]), 'lana').map(({ name }) => name);
    expect(names).not.toContain('remove ifcfg-ipsec0');
    expect(names).toContain('remove 198.51.100.9 from psk.txt');
  });

  test('its line is not put back when psk.txt is put right', () => {
    const other: Tunnel = {
      ...tunnel('old', [{ ...lana, nickname: 'x' }, host('far', 'x', '198.51.100.9')], psk('')),
      state: 'absent',
    };
    const restored = find(tasksOf(site([other, lanaLanb]), 'lana'), 'psk-restored');
    expect(argsOf(restored)).toMatchObject({ restore: true, absent: ['198.51.100.9'] });
  });
});

describe('activation', () => {
  const restart = (activation: string) => {
    const tasks = tasksOf(site([lanaLanb], activation), 'lana');
    return tasks
      .find(({ module }) => module === 'service')
      ?.triggers?.map(({ task, on }) => `${task.replace('1/tasks/0/', '')} ${on}`);
  };

  test('auto restarts the network for a new connection of the boot, and for forwarding', () => {
    expect(restart('auto')).toEqual(['lana-lanb/ifcfg created', 'ip-forward change']);
  });

  test('network-restart restarts it for every file', () => {
    expect(restart('network-restart')).toEqual([
      'racoon-conf change',
      'lana-lanb/ifcfg change',
      'lana-lanb/keys change',
      'psk change',
      'ip-forward change',
    ]);
  });

  test('tunnel never restarts it', () => {
    expect(restart('tunnel')).toBeUndefined();
    expect(tasksOf(site([lanaLanb], 'tunnel'), 'lana').filter(({ module }) => module === 'connection')).toHaveLength(2);
  });

  test('none writes files and touches nothing that runs', () => {
    const modules = new Set(tasksOf(site([lanaLanb], 'none'), 'lana').map(({ module }) => module));
    expect([...modules].sort()).toEqual(['file', 'package', 'psk', 'racoon_conf', 'sysctl']);
  });
});

describe('arguments', () => {
  test('fit the modules, in every case', () => {
    for (const { tunnels, racoon } of Object.values(cases)) {
      const compiled = compileWorld({ tunnels, racoon });
      for (const { host: name } of compiled.plays[0]?.hosts ?? []) {
        for (const task of tasksOf(compiled, name)) {
          const schema = registry.get(task.module)?.args as object;
          expect(checkValue(schema, plain(argsOf(task))), task.id).toEqual([]);
        }
      }
    }
  });

  test('every key is a Secret, in files and in psk.txt', () => {
    const tasks = tasksOf(site([lanaLanb]), 'lana');
    expect(JSON.stringify(tasks.map(argsOf))).not.toContain('r3dh4tl1nux');
    expect(isSensitive(argsOf(find(tasks, 'lana-lanb/keys')).content as [])).toBe(true);
    expect(isSensitive(argsOf(find(tasks, 'lana-lanb/ifcfg')).content as [])).toBe(false);
  });

  test('of files: modes and owner', () => {
    const tasks = tasksOf(site([lanaLanb]), 'lana');
    expect(argsOf(find(tasks, 'lana-lanb/ifcfg'))).toMatchObject({ mode: '0644', owner: 'root', group: 'root' });
    expect(argsOf(find(tasks, 'lana-lanb/keys'))).toMatchObject({ mode: '0600', owner: 'root', group: 'root' });
  });

  test('of a connection: what tells it from others in the kernel', () => {
    const router = argsOf(find(tasksOf(site([lanaLanb]), 'lana'), 'lana-lanb/up'));
    expect(router).toMatchObject({
      nickname: 'ipsec0',
      onboot: true,
      mode: 'tunnel',
      esp: true,
      ah: true,
      selectors: { dst: '203.0.113.2', srcnet: '192.168.1.0/24', dstnet: '192.168.2.0/24' },
    });
    const manual = tasksOf(site(cases['manual-ah']?.tunnels ?? []), 'pinky').find(({ name }) => name === 'ifup ipsec1');
    expect(argsOf(manual)).toMatchObject({
      mode: 'transport',
      esp: false,
      ah: true,
      selectors: { dst: '198.51.100.2' },
    });
  });

  test('of a connection with certificates: the files that must be there', () => {
    const required = (peer: 'file' | 'dns' | 'exchange') => {
      const compiled = compileWorld({ tunnels: [tunnel('a-b', [lana, lanb], x509('own', 'theirs', peer))] });
      const up = find(tasksOf(compiled, 'lana'), 'a-b/up');
      return (argsOf(up).requires as { path: string }[]).map(({ path }) => path.replace('/etc/', ''));
    };
    const own = ['sysconfig/network-scripts/ifup-ipsec', 'racoon/certs/own.public', 'racoon/certs/own.private'];
    expect(required('exchange')).toEqual(own);
    expect(required('dns')).toEqual(own);
    expect(required('file')).toEqual([...own, 'racoon/certs/theirs.public']);
  });

  test('of keys with certificates: an old file with a psk goes', () => {
    const compiled = compileWorld({ tunnels: [tunnel('a-b', [lana, lanb], x509('a', 'b', 'file'))] });
    const keys = find(tasksOf(compiled, 'lana'), 'a-b/keys');
    expect(argsOf(keys)).toEqual({ path: '/etc/sysconfig/network-scripts/keys-ipsec0', state: 'absent' });
  });

  test('psk.txt has one line for two tunnels to one peer; a restart raises those of the boot', () => {
    const second = tunnel(
      'second',
      [{ ...lana, nickname: 'z' }, { ...router('lanb', 'z', '203.0.113.2', '10.0.0.0/8', '10.0.0.1') }],
      psk('r3dh4tl1nux'),
      { onboot: false },
    );
    const elsewhere = tunnel('third', [{ ...lana, nickname: 'y' }, host('far', 'y', '198.51.100.9')], psk('k'), {
      onboot: false,
    });
    const restored = argsOf(find(tasksOf(site([lanaLanb, second, elsewhere]), 'lana'), 'psk-restored'));
    expect((restored.entries as { peer: string }[]).map(({ peer }) => peer)).toEqual(['203.0.113.2', '198.51.100.9']);
    expect(restored.raised).toEqual(['203.0.113.2']);
  });
});

test('an external peer has no tasks', () => {
  const compiled = site([tunnel('lana-x', [lana, { ...lanb, managed: false }], psk('key'))]);
  expect(compiled.plays[0]?.hosts.map((one) => one.host)).toEqual(['lana']);
});

test('a task knows the tunnel it is part of, and where that was written', () => {
  const tasks = tasksOf(site([lanaLanb]), 'lana');
  expect(find(tasks, 'lana-lanb/ifcfg')).toMatchObject({
    tunnel: 'lana-lanb',
    span: { file: 'tunnels.yml#lana-lanb' },
  });
  expect(find(tasks, 'racoon-conf')).toMatchObject({ tunnel: null, span: { file: 'play.yml' } });
});

test('the host variable racoon overrides that of tunnels.yml, part by part, and is checked', () => {
  const hosts = {
    lana: { racoon: { sainfo: { lifetime: '{{ hours }} hours' } }, hours: 8 },
    lanb: { racoon: { sainfo: { pfs: 2 } } },
  };
  const racoon = { sainfo: { pfs_group: 5, lifetime: '2 hours' } };
  const alone = compileWorld({ tunnels: [lanaLanb], racoon, hosts: { lana: hosts.lana } });
  const content = String(argsOf(find(tasksOf(alone, 'lana'), 'racoon-conf')).content);
  expect(content).toContain('\tpfs_group 5;\n\tlifetime time 8 hours ;\n');
  const faulty = compileWorld({ tunnels: [lanaLanb], racoon, hosts });
  expect(faulty.diagnostics).toMatchObject([
    { code: 'unknown-key', message: expect.stringContaining('racoon.sainfo') },
  ]);
  expect(faulty.diagnostics[0]?.message).toContain('lanb');
  expect(faulty.plays).toEqual([]);
});

describe('which tunnels', () => {
  const other = tunnel(
    'pinky-ijin',
    [host('pinky', 'ipsec1', '198.51.100.1'), host('ijin', 'ipsec1', '198.51.100.2')],
    psk('key'),
  );
  const chosen = (tunnels: string) => {
    const playbook = `- hosts: all\n  tasks:\n    - ipsec_tunnels: { tunnels: ${tunnels} }\n`;
    const compiled = compileWorld({ tunnels: [lanaLanb, other], playbook });
    const names = compiled.plays.flatMap(({ hosts }) =>
      hosts.flatMap(({ tasks }) => tasks.flatMap((task) => task.tunnel ?? [])),
    );
    return { names: [...new Set(names)].sort(), diagnostics: compiled.diagnostics };
  };

  test.each([
    ['all', ['lana-lanb', 'pinky-ijin']],
    ['lana-lanb', ['lana-lanb']],
    ['"lana-*"', ['lana-lanb']],
    ['"[lp]*-?*"', ['lana-lanb', 'pinky-ijin']],
    ['"[!l]*"', ['pinky-ijin']],
    ['"lana-lanb, pinky-ijin"', ['lana-lanb', 'pinky-ijin']],
    ['[lana-lanb, "p*"]', ['lana-lanb', 'pinky-ijin']],
  ])('%s', (pattern, names) => expect(chosen(pattern)).toEqual({ names, diagnostics: [] }));

  test('a name that matches nothing is told, with the one that was meant', () => {
    expect(chosen('[lana-lamb, "z*"]').diagnostics).toMatchObject([
      {
        code: 'tunnel-matches-nothing',
        message: '"lana-lamb" matches no tunnel',
        fix: 'did you mean "lana-lanb"?',
        span: { line: 3 },
      },
      { code: 'tunnel-matches-nothing', message: '"z*" matches no tunnel', fix: 'known are: lana-lanb, pinky-ijin' },
    ]);
  });

  test('a dot is a dot', () => expect(chosen('"lana.lanb"').names).toEqual([]));
});

/** Contents as the strings that a user would have written in their place. */
function plain(value: unknown): unknown {
  if (value instanceof Secret) return 'secret';
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, key === 'content' ? 'text' : plain(inner)]),
  );
}
