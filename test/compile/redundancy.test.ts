import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parts, type TunnelEnds } from '../../src/compile/redundancy.ts';
import { host, psk, tunnel } from './support/tunnels.ts';
import { compileWorld } from './support/world.ts';

const between = (a: string, b: string): TunnelEnds => ({ name: `${a}-${b}`, hosts: [a, b] });
const groupOf = (name: string) => (/^gw[12]$/.test(name) ? 'gateways' : undefined);
const shown = (tunnels: readonly TunnelEnds[]) => parts(tunnels, groupOf).map((part) => [...part]);

describe('parts', () => {
  test('tunnels that redundant gateways have with the same branches go apart', () => {
    const tunnels = ['gw1', 'gw2'].flatMap((gw) => ['b1', 'b2'].map((branch) => between(gw, branch)));
    expect(shown(tunnels)).toEqual([
      ['gw1-b1', 'gw1-b2'],
      ['gw2-b1', 'gw2-b2'],
    ]);
  });

  test('gateways that nothing connects need no parts: waves are enough', () => {
    expect(shown([between('gw1', 'b1'), between('gw2', 'b2'), between('x', 'y')])).toEqual([
      ['gw1-b1', 'gw2-b2', 'x-y'],
    ]);
  });

  test('a tunnel between the two of them is in a part of its own', () => {
    expect(shown([between('gw1', 'b1'), between('gw1', 'gw2'), between('gw2', 'b1')])).toEqual([
      ['gw1-b1'],
      ['gw1-gw2'],
      ['gw2-b1'],
    ]);
  });

  const some = fc
    .array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 20 })
    .map((pairs) => [
      ...new Map(
        pairs.filter(([a, b]) => a !== b).map(([a, b]) => [`h${a}-h${b}`, between(`h${a}`, `h${b}`)]),
      ).values(),
    ]);
  const inGroups = (name: string) => ({ h0: 'g', h1: 'g', h2: 'g', h3: 'h', h4: 'h' })[name];

  test('every tunnel is in exactly one part', () => {
    fc.assert(
      fc.property(some, (tunnels) => {
        const all = parts(tunnels, inGroups).flatMap((part) => [...part]);
        expect(all.sort()).toEqual(tunnels.map(({ name }) => name).sort());
      }),
    );
  });

  test('in a part no connected set has two hosts of a group, but for the ends of one tunnel, alone', () => {
    fc.assert(
      fc.property(some, (tunnels) => {
        for (const part of parts(tunnels, inGroups)) {
          const here = tunnels.filter(({ name }) => part.has(name));
          for (const first of here) {
            const set = new Set(first.hosts);
            for (const each of set)
              for (const { hosts } of here.filter((one) => one.hosts.includes(each)))
                for (const end of hosts) set.add(end);
            const groups = [...set].flatMap((each) => inGroups(each) ?? []);
            if (new Set(groups).size !== groups.length) expect(set.size).toBe(2);
          }
        }
      }),
    );
  });
});

describe('a play', () => {
  const ends = (a: string, b: string, nickname: string) =>
    tunnel(`${a}-${b}`, [host(a, nickname, address(a)), host(b, `to-${a}`, address(b))], psk('A-long-key_1'));
  const address = (name: string) =>
    ({ gw1: '192.0.2.1', gw2: '192.0.2.2', b1: '192.0.2.11', b2: '192.0.2.12' })[name] ?? '';
  const tunnels = [ends('gw1', 'b1', 'x1'), ends('gw1', 'b2', 'x2'), ends('gw2', 'b1', 'x1'), ends('gw2', 'b2', 'x2')];
  const hosts = { gw1: { redundancy_group: 'gateways' }, gw2: { redundancy_group: 'gateways' }, b1: {}, b2: {} };
  const PLAYBOOK = `- name: Site
  hosts: all
  tasks:
    - { name: note, command: "true" }
    - ipsec_tunnels: {}
`;

  test('becomes two, one for each gateway; what else there is to do is done once', () => {
    const { plays, diagnostics } = compileWorld({ playbook: PLAYBOOK, hosts, tunnels });
    expect(diagnostics).toEqual([]);
    const summary = plays.map(({ name, hosts: of }) => [
      name,
      ...of.map(({ host: each, tasks }) => {
        const names = [...new Set(tasks.flatMap((task) => task.tunnel ?? []))];
        return `${each}: ${names.join(' ')}${tasks.some((task) => task.name === 'note') ? ', note' : ''}`;
      }),
    ]);
    expect(summary).toEqual([
      ['Site', 'gw1: gw1-b1 gw1-b2, note', 'b1: gw1-b1, note', 'b2: gw1-b2, note'],
      ['Site, part 2', 'gw2: gw2-b1 gw2-b2, note', 'b1: gw2-b1', 'b2: gw2-b2'],
    ]);
    for (const name of Object.keys(hosts)) {
      const ids = plays.flatMap((play) =>
        play.hosts.filter((each) => each.host === name).flatMap(({ tasks }) => tasks),
      );
      expect(new Set(ids.map(({ id }) => id)).size).toBe(ids.length);
    }
  });

  test('stays one where no two hosts are of one group', () => {
    const { plays } = compileWorld({
      playbook: PLAYBOOK,
      hosts: { ...hosts, gw2: { redundancy_group: 'other' } },
      tunnels,
    });
    expect(plays.map(({ name }) => name)).toEqual(['Site']);
    expect(plays[0]?.hosts.map(({ redundancyGroup }) => redundancyGroup)).toEqual([
      'gateways',
      'other',
      undefined,
      undefined,
    ]);
  });

  test('a group is a name, and may be a template', () => {
    const named = compileWorld({
      hosts: { ...hosts, gw2: { site: 'ways', redundancy_group: 'gate{{ site }}' } },
      tunnels,
    });
    expect(named.plays).toHaveLength(2);
    const wrong = compileWorld({ hosts: { ...hosts, gw2: { redundancy_group: ['a'] } }, tunnels });
    expect(wrong.diagnostics.map(({ code }) => code)).toEqual(['redundancy-group']);
    expect(wrong.diagnostics[0]?.message).toContain('gw2');
  });
});

describe('--limit', () => {
  const ends = (a: string, b: string) =>
    tunnel(`${a}-${b}`, [host(a, `to-${b}`, address(a)), host(b, `to-${a}`, address(b))], psk('A-long-key_1'));
  const address = (name: string) => `192.0.2.${name.charCodeAt(0)}`;
  const tunnels = [ends('a', 'b'), ends('b', 'c'), ends('c', 'd')];
  const PLAYBOOK = `- hosts: all
  tasks:
    - { name: look, command: "uname", register: system }
    - { name: note, command: "true" }
    - ipsec_tunnels: {}
      when: system.stdout != 'x'
      notify: tell
  handlers:
    - { name: tell, command: "true" }
    - { name: never, command: "true" }
- name: other
  hosts: all
  tasks: [{ name: more, command: "true" }]
`;
  const compiled = (limit: string, playbook = PLAYBOOK) => compileWorld({ playbook, tunnels, options: { limit } });

  test('takes the other ends along, with these tunnels, what they need and what they notify, and no more', () => {
    const { plays, widened } = compiled('b');
    expect(widened.map(({ host: name, tunnels: of }) => [name, [...of]])).toEqual([
      ['a', ['a-b']],
      ['c', ['b-c']],
    ]);
    expect(plays.map(({ hosts }) => hosts.map((each) => each.host))).toEqual([['a', 'b', 'c'], ['b']]);
    const [a, , c] = plays[0]?.hosts ?? [];
    expect(a?.tasks.map(({ name }) => name)).toEqual([
      'look',
      'install ipsec-tools',
      'prepare to-b (ifdown if it is up)',
      'racoon.conf',
      'ifcfg-to-b',
      'keys-to-b',
      'psk.txt',
      'service network restart',
      'ifup to-b',
      'psk.txt put right again',
      'tell',
    ]);
    expect([...new Set(c?.tasks.flatMap((task) => task.tunnel ?? []))]).toEqual(['b-c']);
  });

  test('leaves ends alone that no play is about, and tunnels whose task is not chosen', () => {
    const narrow = PLAYBOOK.replace('hosts: all', 'hosts: b,c');
    expect(compiled('b', narrow).widened.map(({ host: name }) => name)).toEqual(['c']);
    const one = PLAYBOOK.replace('ipsec_tunnels: {}', 'ipsec_tunnels: { tunnels: a-b }');
    expect(compiled('b', one).widened.map(({ host: name }) => name)).toEqual(['a']);
    const never = PLAYBOOK.replace("system.stdout != 'x'", 'false');
    expect(compiled('b', never).widened).toEqual([]);
  });

  test('a limit that names both ends widens nothing', () => {
    expect(compiled('all').widened).toEqual([]);
  });
});
