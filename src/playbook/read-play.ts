import { error } from '../lang/diagnostic.ts';
import type { Pointer } from '../lang/yaml.ts';
import { checkNotifications } from './check-notifications.ts';
import {
  booleanField,
  listField,
  type Mapping,
  mappingField,
  type Reading,
  tagsField,
  textField,
  textsField,
  wrongType,
} from './fields.ts';
import { PLAY_KEYS, unsupportedHint } from './keywords.ts';
import type { Batch, HostOrder, Play, PlayTask, SectionName } from './play.ts';
import { readTasks } from './read-tasks.ts';
import { knownWords } from './suggest.ts';
import { checkTemplates } from './templates.ts';

/** Reads one play of the list, the `index`-th. */
export function readPlay(reading: Reading, map: Mapping, index: number): Play {
  const at: Pointer = [index];
  checkKeys(reading, map, at);
  const hosts = readHosts(reading, map, at);
  const becomeUser = textField(reading, map, 'become_user', at);
  const tags = tagsField(reading, map, at);
  booleanField(reading, map, 'gather_facts', at);
  const become = booleanField(reading, map, 'become', at) ?? null;
  const section = (name: SectionName | 'handlers'): readonly PlayTask[] =>
    readTasks(reading, listField(reading, map, name, at), [...at, name], {
      id: `${index + 1}/${name}`,
      tags,
      when: [],
      vars: {},
      become,
      ignoreErrors: false,
      handlers: name === 'handlers',
    });
  const sections = { pre_tasks: section('pre_tasks'), tasks: section('tasks'), post_tasks: section('post_tasks') };
  const handlers = section('handlers');
  checkNotifications(reading, sections, handlers);
  const vars = mappingField(reading, map, 'vars', at);
  checkTemplates(reading, vars, [...at, 'vars']);
  const maxFailPercentage = readPercentage(reading, map, at);
  return {
    number: index + 1,
    name: textField(reading, map, 'name', at) ?? hosts.pattern,
    hosts,
    become,
    ...(becomeUser === undefined ? {} : { becomeUser }),
    vars,
    varsFiles: readVarsFiles(reading, map, at),
    serial: readSerial(reading, map, at),
    order: readOrder(reading, map, at),
    anyErrorsFatal: booleanField(reading, map, 'any_errors_fatal', at) ?? false,
    ...(maxFailPercentage === undefined ? {} : { maxFailPercentage }),
    sections,
    handlers,
    span: map.name === undefined ? reading.document.span(at) : reading.document.span([...at, 'name']),
  };
}

function checkKeys(reading: Reading, map: Mapping, at: Pointer): void {
  for (const key of Object.keys(map)) {
    if (PLAY_KEYS.includes(key)) continue;
    const span = reading.document.keySpan([...at, key]);
    const hint = unsupportedHint(key);
    if (hint === undefined) {
      const fix = reading.registry.get(key) ? 'put the task into the `tasks` of the play' : knownWords(key, PLAY_KEYS);
      reading.diagnostics.push(error('play-unknown-key', `a play has no "${key}"`, { span, fix }));
    } else reading.diagnostics.push(error('unsupported-key', `"${key}" is not supported`, { span, fix: hint }));
  }
}

function readHosts(reading: Reading, map: Mapping, at: Pointer): Play['hosts'] {
  const span = reading.document.span([...at, 'hosts']);
  const patterns = textsField(reading, map, 'hosts', at);
  if (patterns.some(({ text }) => text.includes('{{'))) {
    const fix = 'name a group, and choose hosts with --limit';
    reading.diagnostics.push(error('hosts-template', '"hosts" cannot hold a template', { span, fix }));
  } else if (patterns.every(({ text }) => text.trim() === '')) {
    const fix = 'write `hosts: all`, a group, or a host';
    if (map.hosts === undefined || map.hosts === null || patterns.length > 0) {
      const place = map.hosts === undefined ? reading.document.span(at) : span;
      reading.diagnostics.push(
        error('play-without-hosts', 'this play says not on which hosts it runs', { span: place, fix }),
      );
    }
  }
  return { pattern: patterns.map(({ text }) => text).join(','), span };
}

function readVarsFiles(reading: Reading, map: Mapping, at: Pointer): Play['varsFiles'] {
  return textsField(reading, map, 'vars_files', at).flatMap(({ text, at: place }) => {
    const span = reading.document.span(place);
    if (!text.includes('{{')) return [{ path: text, span }];
    const fix = 'use group_vars and host_vars of the inventory for what differs by host';
    reading.diagnostics.push(error('vars-files-template', '"vars_files" cannot hold a template', { span, fix }));
    return [];
  });
}

function readSerial(reading: Reading, map: Mapping, at: Pointer): readonly Batch[] {
  return textsField(reading, map, 'serial', at).flatMap(({ text, at: place }): Batch[] => {
    const match = /^(\d+)(%?)$/.exec(text.trim());
    const number = Number(match?.[1]);
    if (match && number > 0) return [match[2] === '%' ? { percent: number } : { hosts: number }];
    // as in Ansible, 0 stands for all hosts at once
    if (match && number === 0) return [{ percent: 100 }];
    wrongType(reading, place, 'serial', 'a number of hosts or a percentage such as "30%"');
    return [];
  });
}

const ORDERS: readonly HostOrder[] = ['inventory', 'reverse_inventory', 'sorted', 'reverse_sorted'];

function readOrder(reading: Reading, map: Mapping, at: Pointer): HostOrder {
  const text = textField(reading, map, 'order', at);
  const order = ORDERS.find((known) => known === text);
  if (order !== undefined || text === undefined) return order ?? 'inventory';
  const span = reading.document.span([...at, 'order']);
  reading.diagnostics.push(error('play-order', `there is no order "${text}"`, { span, fix: knownWords(text, ORDERS) }));
  return 'inventory';
}

function readPercentage(reading: Reading, map: Mapping, at: Pointer): number | undefined {
  const text = textField(reading, map, 'max_fail_percentage', at);
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)%?$/.exec(text);
  if (match && Number(match[1]) <= 100) return Number(match[1]);
  wrongType(reading, [...at, 'max_fail_percentage'], 'max_fail_percentage', 'a number from 0 to 100');
  return undefined;
}
