import { describe, expect, test } from 'vitest';
import { describe as describeTasks } from '../../src/compile/describe.ts';
import { TemplateFault } from '../../src/lang/template.ts';
import type { Variables } from '../../src/model/host.ts';
import { Secret } from '../../src/model/secret.ts';
import { host, psk, tunnel } from './support/tunnels.ts';
import { argsOf, compilePlays, compileWorld, readText, tasksOf, type World } from './support/world.ts';

const ONE: Readonly<Record<string, Variables>> = { h: {} };

/** Compiles the tasks of one play, as the lines below `tasks:`, for the host h. */
function tasks(text: string, vars: Variables = {}, options: World['options'] = {}) {
  const playbook = `- hosts: all\n  tasks:\n${text.trim().replace(/^/gm, '    ')}\n`;
  const compiled = compileWorld({ playbook, hosts: { h: vars }, options });
  expect(compiled.diagnostics).toEqual([]);
  return tasksOf(compiled, 'h');
}

function faults(playbook: string, world: World = {}) {
  const { plays, diagnostics } = compileWorld({ playbook, hosts: ONE, ...world });
  if (diagnostics.some(({ severity }) => severity === 'error')) expect(plays).toEqual([]);
  return diagnostics.map(({ code, message, fix, span }) => ({
    code,
    message,
    fix,
    place: span && `${span.line}:${span.column}`,
  }));
}

const outline = (list: ReturnType<typeof tasks>) => list.map(({ id, name }) => `${id} ${name}`);

test('sections run in their order, each followed by the handlers it notified', () => {
  const playbook = `
- hosts: all
  handlers:
    - { name: restart, command: r }
    - { name: reload, command: l, listen: topic, notify: last }
    - { name: unused, command: u }
    - { name: last, command: z }
  post_tasks:
    - { name: post, command: c }
  tasks:
    - { name: task, command: b, notify: [topic, restart] }
    - { name: more, command: b, notify: restart }
  pre_tasks:
    - { name: pre, command: a, notify: restart }
`;
  const list = tasksOf(compileWorld({ playbook, hosts: ONE }), 'h');
  expect(outline(list)).toEqual([
    '1/pre_tasks/0 pre',
    '1/pre_tasks/handlers/0 restart',
    '1/tasks/0 task',
    '1/tasks/1 more',
    '1/tasks/handlers/0 restart',
    '1/tasks/handlers/1 reload',
    '1/tasks/handlers/3 last',
    '1/post_tasks/0 post',
  ]);
  expect(list.map(({ triggers }) => triggers?.map(({ task }) => task) ?? null)).toEqual([
    null,
    ['1/pre_tasks/0'],
    null,
    null,
    ['1/tasks/0', '1/tasks/1'],
    ['1/tasks/0'],
    ['1/tasks/handlers/1'],
    null,
  ]);
});

test('a handler of ipsec_tunnels waits for any of its tasks', () => {
  const playbook =
    '- hosts: all\n  tasks:\n    - { ipsec_tunnels: {}, notify: h }\n  handlers:\n    - { name: h, command: x }\n';
  const tunnels = [tunnel('a-b', [host('a', 'n', '192.0.2.1'), host('b', 'n', '192.0.2.2')], psk('key'))];
  const list = tasksOf(compileWorld({ playbook, tunnels }), 'a');
  expect(list.at(-1)?.triggers).toHaveLength(list.length - 1);
});

describe('arguments', () => {
  test('are rendered with the variables of host, play, block, task, loop and command line, the later ones first', () => {
    const playbook = `
- hosts: all
  vars: { b: play, c: play, d: play, e: play, f: play }
  tasks:
    - block:
        - command: "{{ [a, b, c, d, e, f] | join(' ') }}"
          vars: { d: task, e: task, f: task }
          loop: [loop]
          loop_control: { loop_var: e }
      vars: { c: block, d: block }
`;
    const hosts = { h: { a: 'host', b: 'host', f: 'host' } };
    const [task] = tasksOf(compileWorld({ playbook, hosts, options: { extraVars: { f: 'extra' } } }), 'h');
    expect(argsOf(task)).toEqual({ cmd: 'host play block task loop extra' });
  });

  test('may use variables that stand for others', () => {
    const [task] = tasks('- file: { path: "{{ where }}", mode: "{{ bits }}" }', {
      where: '/x/{{ name }}',
      name: 'y',
      bits: 0o600,
    });
    expect(argsOf(task)).toEqual({ path: '/x/y', mode: 0o600 });
  });

  test('made of secrets are secrets', () => {
    const [task] = tasks('- file: { path: /x, content: "key={{ k }}" }', { k: new Secret('canary') });
    expect(argsOf(task).content).toBeInstanceOf(Secret);
  });

  test.each([
    ['sysctl: { name: net.ipv4.ip_forward, value: "{{ k }}" }', 'value'],
    ['lineinfile: { path: /x, line: y, regexp: "{{ k }}" }', 'regexp'],
    ['file: { path: "/etc/{{ k }}" }', 'path'],
    ['file: { path: /x, content: "{{ k }}", owner: "{{ k }}" }', 'owner'],
    ['package: { name: "{{ k }}" }', 'name'],
    ['racoon_conf: { content: "log {{ k }};" }', 'content'],
    ['ipsec_tunnels: { tunnels: ["{{ k }}"] }', 'tunnels'],
  ])('%s: a secret where it would be seen is refused, and nothing else is said of it', (task, name) => {
    const world = { hosts: { h: { k: new Secret('c4nary') } } };
    expect(
      faults(`- hosts: all\n  tasks:\n    - ${task}\n`, world).filter(({ code }) => code !== 'no-tunnels'),
    ).toEqual([expect.objectContaining({ code: 'secret-misplaced', message: expect.stringContaining(`"${name}"`) })]);
  });

  test('that only the run knows are refused then', () => {
    const text = '- command: ls\n  register: r\n- package: { name: "{{ r.stdout ~ k }}" }';
    const { args } = tasks(text, { k: new Secret('c4nary') })[1] ?? {};
    expect(() => args?.resolve({ r: { stdout: 'x' } })).toThrow(/"name" cannot be secret/);
  });

  test('that are left out by omit are not there', () => {
    const [task] = tasks('- file: { path: /x, owner: "{{ who | default(omit) }}" }');
    expect(argsOf(task)).toEqual({ path: '/x' });
  });

  test('are of the type that the module wants', () => {
    const list = tasks('- command: "{{ n }}"\n- file: { path: /x, content: "{{ yes_ }}", sensitive: "{{ text }}" }', {
      n: 1,
      yes_: true,
      text: 'no',
    });
    expect(list.map(argsOf)).toEqual([{ cmd: '1' }, { path: '/x', content: 'True', sensitive: false }]);
  });

  test('wait for facts and for what earlier tasks register, also through other variables', () => {
    const [, second, third] = tasks(
      `
- { command: ls, register: result }
- { command: "echo {{ line }} {{ own }}" }
- { command: "{{ ansible_distribution }}" }
`,
      { line: '{{ result.stdout }}', own: 'mine' },
    );
    expect(second?.args.needs).toEqual(['result']);
    expect(second?.args.resolve({ result: { stdout: 'out' }, own: 'not this' })).toEqual({ cmd: 'echo out mine' });
    expect(third?.args.needs).toEqual(['ansible_distribution']);
  });

  test('that come to be known later are checked then', () => {
    const [, task] = tasks('- { command: ls, register: r }\n- { file: { path: "{{ r.stdout }}" } }');
    expect(() => task?.args.resolve({ r: { stdout: 'relative' } })).toThrow(TemplateFault);
  });

  test('of a play or task go before facts of the same name, those of the inventory do not', () => {
    const echo = '- command: "echo {{ ansible_distribution }}"';
    expect(tasks(echo, { ansible_distribution: 'inventory' })[0]?.args.needs).toEqual(['ansible_distribution']);
    expect(argsOf(tasks(`${echo}\n  vars: { ansible_distribution: task }`)[0])).toEqual({ cmd: 'echo task' });
  });

  test('take what a host said as text: braces in it are no template', () => {
    const vars = { hidden: 'from the inventory', line: '{{ r.stdout }}' };
    const [, task] = tasks('- { command: ls, register: r }\n- { command: "echo {{ line }} {{ r.stdout }}" }', vars);
    const said = '{{ hidden }}';
    expect(task?.args.resolve({ r: { stdout: said } })).toEqual({ cmd: `echo ${said} ${said}` });
  });

  test('do not wait for what the command line fixes', () => {
    const [, task] = tasks('- { command: ls, register: r }\n- command: "{{ r }}"', {}, { extraVars: { r: 'fixed' } });
    expect(argsOf(task)).toEqual({ cmd: 'fixed' });
  });

  test('a result of a later task is no variable yet', () => {
    expect(
      faults('- hosts: all\n  tasks:\n    - command: "{{ r.rc }}"\n    - { command: ls, register: r }\n'),
    ).toMatchObject([{ code: 'template-undefined', message: 'there is no variable "r" (on h)', place: '3:16' }]);
  });

  test('that are wrong once rendered are told at their place, once for all hosts', () => {
    const hosts = Object.fromEntries(
      ['a', 'b', 'c', 'd', 'e'].map((name) => [name, { p: name === 'e' ? '/ok' : 'relative' }]),
    );
    const found = faults('- hosts: all\n  tasks:\n    - file:\n        path: "{{ p }}"\n', { hosts });
    expect(found).toMatchObject([{ code: 'bad-value', place: '4:15' }]);
    expect(found[0]?.message).toContain('(on a, b, c and 1 more hosts)');
  });
});

describe('when', () => {
  const only = (condition: string, vars: Variables = {}) =>
    tasks(`- { command: ls, register: r }\n- command: ls\n  when: ${condition}`, vars)[1];

  test('is decided now, where that is possible', () => {
    expect(only('a == 1', { a: 1 })?.when).toMatchObject({ needs: [] });
    expect(only('a == 1', { a: 1 })?.when.resolve({})).toBe(true);
    expect(only('a == 1', { a: 2 })?.when.resolve({})).toBe(false);
    expect(only('false')?.when.resolve({})).toBe(false);
  });

  test('waits for a result; what is known already need not be asked again', () => {
    const task = only('[a == 1, r.rc == 0]', { a: 1 });
    expect(task?.when.needs).toEqual(['r']);
    expect(task?.when.resolve({ r: { rc: 0 } })).toBe(true);
    expect(task?.when.resolve({ r: { rc: 1 } })).toBe(false);
    expect(only('[r.rc == 0, a == 1]', { a: 2 })?.when).toMatchObject({ needs: [] });
  });

  test('that is false hides what is wrong with the rest', () => {
    const [task] = tasks('- command: "{{ missing }}"\n  when: [missing is defined, missing > 3]');
    expect(task?.when.resolve({})).toBe(false);
    expect(task?.args.needs).not.toEqual([]);
  });

  test('that is faulty is told', () => {
    expect(faults('- hosts: all\n  tasks:\n    - command: ls\n      when: [true, missing == 1]\n')).toMatchObject([
      { code: 'template-undefined', place: '4:20' },
    ]);
  });
});

describe('a loop', () => {
  test('is one task for each item', () => {
    const list = tasks(
      '- name: make\n  command: "mkdir {{ item }}"\n  loop: [a, b]\n  when: item != "a"\n  register: made',
    );
    expect(list.map(({ id, name, loop }) => ({ id, name, loop }))).toEqual([
      { id: '1/tasks/0[0]', name: 'make (a)', loop: { index: 0, count: 2, item: 'a' } },
      { id: '1/tasks/0[1]', name: 'make (b)', loop: { index: 1, count: 2, item: 'b' } },
    ]);
    expect(list.map(({ when }) => when.resolve({}))).toEqual([false, true]);
    expect(argsOf(list[1])).toEqual({ cmd: 'mkdir b' });
  });

  test('over a variable, with an index; with_items unfolds lists in the list', () => {
    const list = tasks(
      '- command: "{{ at }} {{ item.n }}"\n  loop: "{{ all }}"\n  loop_control: { index_var: at }\n- command: "{{ item }}"\n  with_items: [1, [2, 3]]',
      { all: [{ n: 'x' }, { n: 'y' }] },
    );
    expect(list.map((task) => argsOf(task).cmd)).toEqual(['0 x', '1 y', 1, 2, 3].map(String));
    expect(list[0]?.name).toBe('command (item 1)');
  });

  test('a secret item is not in the name', () => {
    expect(tasks('- command: ls\n  loop: ["{{ k }}"]', { k: new Secret('canary') })[0]?.name).toBe('command (item 1)');
  });

  test('must be a list, and known before the run', () => {
    const playbook =
      '- hosts: all\n  tasks:\n    - { command: ls, register: r }\n    - { command: ls, loop: "{{ r.stdout_lines }}" }\n    - { command: ls, loop: "{{ 3 }}" }\n';
    expect(faults(playbook)).toMatchObject([
      { code: 'loop-later', place: '4:28' },
      { code: 'loop-not-a-list', place: '5:28' },
    ]);
  });
});

test('changed_when and failed_when are asked with the result of the task', () => {
  const [task, never] = tasks(
    '- command: ls\n  register: r\n  changed_when: r.rc == limit\n  failed_when: [r.rc > 1, false]\n- command: ls\n  changed_when: false',
    { limit: 1 },
  );
  expect(task?.changedWhen?.resolve({ r: { rc: 1 } })).toBe(true);
  expect(task?.changedWhen?.resolve({ r: { rc: 0 } })).toBe(false);
  expect(task?.failedWhen?.resolve({ r: { rc: 2 } })).toBe(false);
  expect(never?.changedWhen?.needs).toEqual([]);
  expect(never?.changedWhen?.resolve({})).toBe(false);
});

test('timeout is a number of seconds, of all tasks of a loop and of a tunnel too; 0 stays', () => {
  const made = tasks('- { command: a, timeout: 30, loop: [1, 2] }\n- { command: b, timeout: "0" }\n- command: c');
  expect(made.map(({ timeout }) => timeout)).toEqual([30, 30, 0, undefined]);
});

describe('tags', () => {
  const list = `
- { name: plain, command: a }
- { name: one, command: b, tags: one }
- { name: two, command: c, tags: [two, one] }
- { name: always, command: d, tags: always }
- { name: never, command: e, tags: [never, debug] }
`;
  const run = (chosen: readonly string[], skipTags: readonly string[] = []) =>
    tasks(list, {}, { tags: chosen, skipTags }).map(({ name }) => name);

  test.each<[readonly string[], readonly string[], readonly string[]]>([
    [[], [], ['plain', 'one', 'two', 'always']],
    [['all'], [], ['plain', 'one', 'two', 'always']],
    [['one'], [], ['one', 'two', 'always']],
    [['two', 'debug'], [], ['two', 'always', 'never']],
    [['never'], [], ['always', 'never']],
    [['tagged'], [], ['one', 'two', 'always']],
    [['untagged'], [], ['plain', 'always']],
    [[], ['one'], ['plain', 'always']],
    [[], ['always'], ['plain', 'one', 'two']],
    [[], ['tagged'], ['plain']],
    [[], ['untagged'], ['one', 'two', 'always']],
    [['one'], ['two'], ['one', 'always']],
    [[], ['all'], ['always']],
  ])('--tags %j --skip-tags %j', (chosen, skipped, names) => expect(run(chosen, skipped)).toEqual(names));

  test('keep their ids: leaving tasks out renumbers nothing', () => {
    expect(tasks(list, {}, { tags: ['two'] }).map(({ id }) => id)).toEqual(['1/tasks/2', '1/tasks/3']);
  });

  test('that no task has', () => {
    const playbook = '- hosts: all\n  tasks:\n    - { command: ls, tags: install }\n';
    expect(faults(playbook, { options: { tags: ['instal'], skipTags: ['zzz', 'never'] } })).toMatchObject([
      { code: 'tag-matches-nothing', message: '--tags "instal" matches no task', fix: 'did you mean "install"?' },
      { code: 'tag-matches-nothing', message: '--skip-tags "zzz" matches no task', fix: 'known are: install' },
    ]);
  });
});

describe('hosts', () => {
  const hosts = { a: {}, b: {}, c: {}, d: {} };
  const chosen = (play: string, limit?: string) => {
    const { plays, diagnostics } = compileWorld({
      playbook: play,
      hosts,
      options: limit === undefined ? {} : { limit },
    });
    return {
      hosts: plays.map((one) => one.hosts.map((each) => each.host).join('')),
      serial: plays[0]?.serial,
      codes: diagnostics.map(({ code }) => code),
    };
  };

  test('in the order that the play wants', () => {
    expect(chosen('- hosts: all\n').hosts).toEqual(['abcd']);
    expect(chosen('- hosts: all\n  order: reverse_inventory\n').hosts).toEqual(['dcba']);
    expect(chosen('- hosts: [d, b]\n  order: sorted\n').hosts).toEqual(['bd']);
  });

  test('in batches', () => {
    expect(chosen('- hosts: all\n  serial: [1, "60%", 10%]\n').serial).toEqual([1, 2, 1]);
    expect(chosen('- hosts: all\n').serial).toEqual([]);
  });

  test('within the limit', () => {
    expect(chosen('- hosts: all\n- hosts: a\n', 'b,c')).toMatchObject({ hosts: ['bc', ''], codes: [] });
    expect(chosen('- hosts: a\n', 'b').codes).toEqual(['limit-outside-plays']);
    expect(chosen('- hosts: a\n', 'zzz').codes).toEqual(['pattern-matches-nothing']);
  });

  test('that do not exist are told where the play names them', () => {
    expect(faults('- name: x\n  hosts: zzz\n')).toMatchObject([{ code: 'pattern-matches-nothing', place: '2:10' }]);
  });

  test('of a play, as its tasks see them', () => {
    const playbook =
      '- hosts: [a, b]\n  become: true\n  become_user: admin\n  tasks:\n    - command: "{{ inventory_hostname }} {{ ansible_play_hosts }}"\n';
    const compiled = compileWorld({ playbook, hosts });
    expect(compiled.plays[0]?.hosts[1]).toMatchObject({ host: 'b', become: true, becomeUser: 'admin' });
    expect(argsOf(tasksOf(compiled, 'b')[0])).toEqual({ cmd: "b ['a', 'b']" });
  });
});

test('ipsec_tunnels takes its condition, tags and register to all that it becomes', () => {
  const playbook =
    '- hosts: all\n  tasks:\n    - { ipsec_tunnels: all, when: wanted, tags: vpn, register: r, ignore_errors: true }\n';
  const tunnels = [tunnel('a-b', [host('a', 'n', '192.0.2.1'), host('b', 'n', '192.0.2.2')], psk('key'))];
  const compiled = compileWorld({ playbook, tunnels, hosts: { a: { wanted: true }, b: { wanted: false } } });
  const [ours, others] = ['a', 'b'].map((name) => tasksOf(compiled, name));
  expect(ours?.length).toBeGreaterThan(5);
  expect(ours?.every(({ tags, register, ignoreErrors }) => tags[0] === 'vpn' && register === 'r' && ignoreErrors)).toBe(
    true,
  );
  expect(ours?.map(({ loop }) => loop?.index)).toEqual(ours?.map((_, index) => index));
  expect(ours?.some(({ when }) => !when.resolve({}))).toBe(false);
  expect(others?.every(({ when, args }) => !when.resolve({}) && args.needs.length > 0)).toBe(true);
});

test('ipsec_tunnels is no handler, and must know its tunnels before the run', () => {
  const playbook = `
- hosts: all
  tasks:
    - { command: ls, register: r, notify: h }
    - ipsec_tunnels: { tunnels: "{{ r.stdout }}" }
  handlers:
    - { name: h, ipsec_tunnels: all }
`;
  const tunnels = [tunnel('a-b', [host('a', 'n', '192.0.2.1'), host('b', 'n', '192.0.2.2')], psk('key'))];
  expect(faults(playbook, { tunnels, hosts: ONE })).toMatchObject([
    { code: 'tunnels-later' },
    { code: 'handler-module' },
  ]);
});

test('what was reported of the playbook already is not reported again', () => {
  const playbook = `
- hosts: "{{ where }}"
- hosts: all
  tasks:
    - { file: { path: relative }, tags: [x], notify: h }
    - { command: "{{ a b }}" }
    - { command: "{{ missing }}" }
  handlers:
    - { name: h, command: "{{ a b }}" }
`;
  const read = readText(playbook);
  expect(read.diagnostics.map(({ code }) => code)).toEqual([
    'hosts-template',
    'bad-value',
    'template-syntax',
    'template-syntax',
  ]);
  const found = compilePlays(read.plays, { hosts: ONE, options: { tags: [], skipTags: ['x'] } }).diagnostics;
  expect(found).toMatchObject([{ code: 'template-undefined', span: { line: 7 } }]);
});

test('without tunnels there is a warning', () => {
  expect(faults('- hosts: all\n  tasks:\n    - ipsec_tunnels: {}\n')).toMatchObject([{ code: 'no-tunnels' }]);
});

test('the description of the tasks holds no arguments', () => {
  const tunnels = [tunnel('a-b', [host('a', 'n', '192.0.2.1'), host('b', 'n', '192.0.2.2')], psk('canary-key'))];
  const playbook =
    '- name: Tunnels\n  hosts: a\n  tasks:\n    - { ipsec_tunnels: all, when: ansible_os_family == "RedHat" }\n';
  const [play] = describeTasks(compileWorld({ playbook, tunnels }).plays);
  expect(play).toMatchObject({ name: 'Tunnels', hosts: [{ host: 'a' }] });
  expect(play?.hosts[0]?.tasks.find(({ module }) => module === 'service')).toEqual({
    id: '1/tasks/0/network',
    name: 'service network restart',
    module: 'service',
    tunnel: null,
    when: 'depends',
    after: ['1/tasks/0/a-b/ifcfg'],
  });
  expect(JSON.stringify(play)).not.toContain('canary');
});
