import { error } from '../lang/diagnostic.ts';
import type { Span } from '../model/span.ts';
import { type Reading, unique } from './fields.ts';
import { type Play, type PlayTask, SECTIONS } from './play.ts';
import { knownWords } from './suggest.ts';

/** Every notified name must be a handler's, and every handler's name must be its own. */
export function checkNotifications(reading: Reading, sections: Play['sections'], handlers: readonly PlayTask[]): void {
  checkNames(reading, handlers);
  const names = unique(handlers.flatMap(({ name, listen }) => [name, ...listen]));
  for (const task of SECTIONS.flatMap((section) => sections[section])) checkTask(reading, task, names);
  handlers.forEach((handler, index) => {
    checkTask(reading, handler, names);
    checkOrder(reading, handler, handlers.slice(0, index + 1));
  });
}

function checkNames(reading: Reading, handlers: readonly PlayTask[]): void {
  const first = new Map<string, Span>();
  for (const { name, span } of handlers) {
    const other = first.get(name);
    if (other === undefined) first.set(name, span);
    else {
      const related = [{ message: 'first defined here', span: other }];
      const fix = 'give each handler a name of its own; `listen` lets one name notify several';
      reading.diagnostics.push(error('handler-twice', `two handlers are named "${name}"`, { span, related, fix }));
    }
  }
}

function checkTask(reading: Reading, task: PlayTask, names: readonly string[]): void {
  for (const { name, span } of task.notify) {
    if (names.includes(name)) continue;
    const fix = names.length === 0 ? 'write it under `handlers` of the play' : knownWords(name, names);
    reading.diagnostics.push(error('notify-unknown', `there is no handler "${name}" in this play`, { span, fix }));
  }
}

/** Handlers run once, in the order in which they stand; one that is past cannot be called back. */
function checkOrder(reading: Reading, handler: PlayTask, past: readonly PlayTask[]): void {
  for (const { name, span } of handler.notify) {
    const target = past.find((other) => other.name === name || other.listen.includes(name));
    if (target === undefined) continue;
    const message = `the handler "${target.name}" has already had its turn when "${handler.name}" runs`;
    const related = [{ message: 'it stands here', span: target.span }];
    reading.diagnostics.push(error('notify-earlier', message, { span, related, fix: 'put it below this one' }));
  }
}
