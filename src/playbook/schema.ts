import { LONGEST_TIMEOUT } from './fields.ts';
import type { ModuleSpec } from './registry.ts';

/** The JSON Schema (draft 7) of a playbook, for editors. The program itself checks playbooks by read-playbook.ts. */
export function playbookSchema(modules: readonly ModuleSpec[]): unknown {
  const text = { type: 'string' };
  const texts = { anyOf: [text, { type: 'array', items: text }] };
  const condition = {
    anyOf: [{ type: ['string', 'boolean'] }, { type: 'array', items: { type: ['string', 'boolean'] } }],
  };
  const vars = { type: 'object', description: 'variables, for this and all below it' };
  const tasks = { type: 'array', items: { anyOf: [{ $ref: '#/definitions/task' }, { $ref: '#/definitions/block' }] } };
  const inherited = {
    name: { ...text, description: 'what people read in the progress and the report' },
    when: { ...condition, description: 'an expression without braces; a list: all of them' },
    tags: texts,
    vars,
    become: { type: 'boolean' },
    ignore_errors: { type: 'boolean', description: 'a failure is reported and does not stop the host' },
  };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Playbook of ipsec-play',
    type: 'array',
    minItems: 1,
    items: { $ref: '#/definitions/play' },
    definitions: {
      play: {
        type: 'object',
        required: ['hosts'],
        additionalProperties: false,
        properties: {
          name: text,
          hosts: { ...texts, description: 'a host pattern: names, groups, globs, `a:&b:!c`' },
          become: { type: 'boolean' },
          become_user: text,
          gather_facts: { type: 'boolean', description: 'accepted; facts are read when they are used' },
          vars,
          vars_files: texts,
          serial: { description: 'how many hosts at a time: a number, a percentage, or a list of them' },
          order: { enum: ['inventory', 'reverse_inventory', 'sorted', 'reverse_sorted'] },
          tags: texts,
          any_errors_fatal: { type: 'boolean' },
          max_fail_percentage: { type: 'number' },
          pre_tasks: tasks,
          tasks,
          post_tasks: tasks,
          handlers: tasks,
        },
      },
      block: {
        type: 'object',
        required: ['block'],
        additionalProperties: false,
        properties: { ...inherited, block: tasks },
      },
      task: {
        type: 'object',
        additionalProperties: false,
        properties: {
          ...inherited,
          args: { type: 'object' },
          loop: { description: 'a list, or a template that gives one; the item is {{ item }}' },
          with_items: {},
          loop_control: { type: 'object', properties: { loop_var: text, index_var: text } },
          register: text,
          notify: texts,
          listen: texts,
          changed_when: condition,
          failed_when: condition,
          timeout: {
            type: 'integer',
            minimum: 0,
            maximum: LONGEST_TIMEOUT,
            description: 'seconds that it may take on a host; 0: as long as it does',
          },
          ...Object.fromEntries(modules.map((module) => [module.name, argumentsSchema(module)])),
        },
        oneOf: modules.map(({ name }) => ({ required: [name] })),
      },
    },
  };
}

/** A module's arguments; a bare string too, where one argument is meant by it. Templates may stand for any value. */
function argumentsSchema({ summary, args, free }: ModuleSpec): unknown {
  const schema = { ...(args as object), description: summary };
  return free === undefined ? schema : { anyOf: [{ type: 'string', description: summary }, schema] };
}
