import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeSource } from '../../src/lang/source.ts';
import { parseYaml } from '../../src/lang/yaml.ts';
import type { PlayTask } from '../../src/playbook/play.ts';
import { withVarsFiles } from '../../src/playbook/vars-files.ts';
import { readText } from '../compile/support/world.ts';

function play(text: string) {
  const { plays, diagnostics } = readText(text);
  expect(diagnostics).toEqual([]);
  const [first] = plays;
  if (first === undefined) throw new Error('no play');
  return first;
}

const tasks = (text: string): readonly PlayTask[] =>
  play(`- hosts: all\n  tasks:\n${text.replace(/^/gm, '    ')}\n`).sections.tasks;
const args = (task: PlayTask | undefined) =>
  Object.fromEntries((task?.args ?? []).map(({ name, value }) => [name, value]));

test('a play with all it can have', () => {
  const text = `
- name: Everything
  hosts: [routers, "!lanb"]
  become: yes
  become_user: admin
  gather_facts: no
  vars: { a: 1 }
  vars_files: more.yml
  serial: [1, "30%"]
  order: reverse_sorted
  any_errors_fatal: true
  max_fail_percentage: 25
  tags: one, two
  pre_tasks: [{ command: a }]
  tasks: [{ command: b }]
  post_tasks: [{ command: c }]
  handlers: [{ name: h, command: d, listen: topic }]
`;
  expect(play(text)).toMatchObject({
    number: 1,
    name: 'Everything',
    hosts: { pattern: 'routers,!lanb' },
    become: true,
    becomeUser: 'admin',
    vars: { a: 1 },
    varsFiles: [{ path: 'more.yml' }],
    serial: [{ hosts: 1 }, { percent: 30 }],
    order: 'reverse_sorted',
    anyErrorsFatal: true,
    maxFailPercentage: 25,
    sections: {
      pre_tasks: [{ id: '1/pre_tasks/0', tags: ['one', 'two'] }],
      tasks: [{ id: '1/tasks/0' }],
      post_tasks: [{ id: '1/post_tasks/0' }],
    },
    handlers: [{ id: '1/handlers/0', name: 'h', listen: ['topic'] }],
  });
});

test('what is not said', () => {
  expect(play('- hosts: all\n')).toMatchObject({
    name: 'all',
    become: null,
    serial: [],
    order: 'inventory',
    anyErrorsFatal: false,
  });
});

describe('arguments', () => {
  test('as a mapping, as a bare text, and as a text with more of them', () => {
    const [mapping, text, more] = tasks(
      '- file: { path: /x, mode: "0600" }\n- command: ls -l\n- command: make\n  args: { chdir: /src }',
    );
    expect(args(mapping)).toEqual({ path: '/x', mode: '0600' });
    expect(args(text)).toEqual({ cmd: 'ls -l' });
    expect(args(more)).toEqual({ cmd: 'make', chdir: '/src' });
  });

  test('that are numbers or booleans keep the text the user wrote, where a text is meant', () => {
    expect(args(tasks('- command: 0x10')[0])).toEqual({ cmd: '0x10' });
  });

  test('a command with an equals sign is a command', () => {
    expect(args(tasks('- command: env LANG=C dd if=/dev/zero')[0])).toEqual({ cmd: 'env LANG=C dd if=/dev/zero' });
  });

  test('with a template are not judged before it is rendered', () => {
    expect(args(tasks('- service: { name: network, state: "{{ state }}" }')[0])).toEqual({
      name: 'network',
      state: '{{ state }}',
    });
  });
});

test.each(['ansible.builtin.file', 'ansible.legacy.file', 'ansible.posix.sysctl'])('%s is ours', (name) => {
  const given = name.endsWith('file') ? '{ path: /x }' : '{ name: a.b, value: "1" }';
  expect(tasks(`- ${name}: ${given}`)[0]?.module).toBe(name.split('.')[2]);
});

test('a block hands down its condition, tags and variables', () => {
  const [inner] = tasks(`
- block:
    - block:
        - command: ls
          when: c
          tags: z
          vars: { v: 3 }
      when: [b, bb]
      tags: [y]
      ignore_errors: true
  when: a
  tags: x
  vars: { u: 1, v: 2 }
`);
  expect(inner).toMatchObject({ id: '1/tasks/0/0/0', tags: ['x', 'y', 'z'], vars: { u: 1, v: 3 }, ignoreErrors: true });
  expect(inner?.when.map(({ text }) => text)).toEqual(['a', 'b', 'bb', 'c']);
});

test('braces around a condition are taken off', () => {
  const { plays } = readText('- hosts: all\n  tasks:\n    - command: ls\n      when: "{{ a == 1 }}"\n');
  expect(plays[0]?.sections.tasks[0]?.when).toMatchObject([{ text: 'a == 1' }]);
});

test('loops', () => {
  const [one, two] = tasks(
    '- command: ls\n  loop: [1, 2]\n- command: ls\n  with_items: "{{ a }}"\n  loop_control: { loop_var: it, index_var: at }',
  );
  expect(one?.loop).toMatchObject({ items: [1, 2], flatten: false, variable: 'item' });
  expect(two?.loop).toMatchObject({ items: '{{ a }}', flatten: true, variable: 'it', indexVariable: 'at' });
});

test('variables of files go before those of the play', () => {
  const files: Record<string, string> = { 'a.yml': 'x: 2\ny: 2', 'b.yml': 'y: 3', 'list.yml': '- 1', 'empty.yml': '' };
  const load = (path: string) => parseYaml(makeSource(path, files[path] ?? ''));
  const named = (...paths: string[]) =>
    withVarsFiles([play(`- hosts: all\n  vars: { w: 1, x: 1 }\n  vars_files: [${paths}]\n`)], load);
  expect(named('a.yml', 'b.yml', 'empty.yml').plays[0]?.vars).toEqual({ w: 1, x: 2, y: 3 });
  expect(named('a.yml').diagnostics).toEqual([]);
  expect(named('list.yml').diagnostics).toMatchObject([{ code: 'vars-file-form', span: { file: 'list.yml' } }]);
});

describe('the playbooks that are shipped', () => {
  const folder = join(import.meta.dirname, '../../playbooks');
  test.each(readdirSync(folder))('%s has no faults', (name) => {
    const { plays } = { plays: [play(readFileSync(join(folder, name), 'utf8'))] };
    expect(plays[0]?.sections.tasks.length).toBeGreaterThan(0);
  });
});
