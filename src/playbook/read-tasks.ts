import { error } from '../lang/diagnostic.ts';
import type { Pointer } from '../lang/yaml.ts';
import type { Variables } from '../model/host.ts';
import {
  booleanField,
  isMapping,
  listField,
  type Mapping,
  mappingField,
  type Reading,
  tagsField,
  unique,
} from './fields.ts';
import { BLOCK_KEYS, unsupportedHint } from './keywords.ts';
import type { Condition, PlayTask } from './play.ts';
import { readConditions } from './read-conditions.ts';
import { checkBecome, readTask } from './read-task.ts';
import { knownWords } from './suggest.ts';
import { checkTemplates } from './templates.ts';

/** What a task has from its play and the blocks around it. */
export interface Inherited {
  /** Prefix of the ids of the tasks in it. */
  readonly id: string;
  readonly tags: readonly string[];
  readonly when: readonly Condition[];
  readonly vars: Variables;
  /** The play's: one shell a host runs all tasks, so no task may differ. */
  readonly become: boolean | null;
  readonly ignoreErrors: boolean;
  readonly handlers: boolean;
}

/** Reads a list of tasks; blocks are unfolded into their tasks. */
export function readTasks(
  reading: Reading,
  list: readonly unknown[],
  at: Pointer,
  around: Inherited,
): readonly PlayTask[] {
  return list.flatMap((value, index) => {
    const place = [...at, index];
    const inherited = { ...around, id: `${around.id}/${index}` };
    if (!isMapping(value)) {
      const fix = 'write `- name: …` and below it a module with its arguments';
      reading.diagnostics.push(error('task-form', 'a task is a mapping', { span: reading.document.span(place), fix }));
      return [];
    }
    if ('block' in value) return readBlock(reading, value, place, inherited);
    const task = readTask(reading, value, place, inherited);
    return task === null ? [] : [task];
  });
}

function readBlock(reading: Reading, map: Mapping, at: Pointer, around: Inherited): readonly PlayTask[] {
  for (const key of Object.keys(map)) {
    if (BLOCK_KEYS.includes(key)) continue;
    const span = reading.document.keySpan([...at, key]);
    const hint = unsupportedHint(key);
    reading.diagnostics.push(
      hint === undefined
        ? error('block-unknown-key', `a block has no "${key}"`, { span, fix: knownWords(key, BLOCK_KEYS) })
        : error('unsupported-key', `"${key}" is not supported`, { span, fix: hint }),
    );
  }
  checkBecome(reading, map, at, around);
  const vars = mappingField(reading, map, 'vars', at);
  checkTemplates(reading, vars, [...at, 'vars']);
  return readTasks(reading, listField(reading, map, 'block', at), [...at, 'block'], {
    ...around,
    tags: unique([...around.tags, ...tagsField(reading, map, at)]),
    when: [...around.when, ...readConditions(reading, map, 'when', at)],
    vars: { ...around.vars, ...vars },
    ignoreErrors: booleanField(reading, map, 'ignore_errors', at) ?? around.ignoreErrors,
  });
}
