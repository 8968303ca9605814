import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Content, joined } from '../../src/model/content.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import type { CompiledPlay, Task } from '../../src/model/task.ts';
import type { Tunnel } from '../../src/model/tunnel.ts';
import { tunnels } from './support/arbitrary.ts';
import { argsOf, compileWorld, tasksOf } from './support/world.ts';

describe('both ends of every tunnel mirror each other', () => {
  test('in all that they exchange', () => {
    fc.assert(
      fc.property(tunnels, (all) => {
        const compiled = compileWorld({ tunnels: all });
        expect(compiled.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
        for (const one of all.filter(({ state }) => state === 'present')) {
          const [left, right] = one.ends.map((one_) => variables(tasksOf(compiled, one_.host), one));
          expect(right).toEqual(mirrored(left ?? {}));
          expect(left?.DST).toBe(one.ends[1].address);
          expect(right?.DST).toBe(one.ends[0].address);
        }
      }),
    );
  });
});

describe('compiling', () => {
  test('gives the same, however the tunnels and the fields in them are ordered', () => {
    const shuffled = tunnels.chain((all) =>
      fc.record({ all: fc.constant(all), order: fc.shuffledSubarray([...all], { minLength: all.length }) }),
    );
    fc.assert(
      fc.property(shuffled, ({ all, order }) => {
        const hosts = Object.fromEntries(all.flatMap(({ ends }) => ends.map((one) => [one.host, {}])));
        const turned = order.map(backwards);
        expect(flat(compileWorld({ tunnels: turned, hosts }).plays)).toEqual(
          flat(compileWorld({ tunnels: all, hosts }).plays),
        );
      }),
    );
  });

  test('of one tunnel more leaves the ids of the others as they are', () => {
    fc.assert(
      fc.property(tunnels, (all) => {
        const hosts = Object.fromEntries(all.flatMap(({ ends }) => ends.map((one) => [one.host, {}])));
        const after = ids(compileWorld({ tunnels: all, hosts }).plays);
        const before = ids(compileWorld({ tunnels: all.slice(1), hosts }).plays);
        expect([...before].filter((id) => !after.has(id) && !id.endsWith('network'))).toEqual([]);
      }),
    );
  });

  test('gives every task of a host an id of its own, and triggers that come before it', () => {
    fc.assert(
      fc.property(tunnels, fc.constantFrom('auto', 'network-restart', 'tunnel', 'none'), (all, activation) => {
        const playbook = `- hosts: all\n  tasks:\n    - ipsec_tunnels: { activation: ${activation} }\n`;
        for (const { tasks } of compileWorld({ tunnels: all, playbook }).plays.flatMap(({ hosts }) => hosts)) {
          const seen = new Set<string>();
          for (const { id, triggers } of tasks) {
            expect(seen.has(id)).toBe(false);
            for (const trigger of triggers ?? []) expect(seen.has(trigger.task)).toBe(true);
            seen.add(id);
          }
        }
      }),
    );
  });
});

/** What ifcfg-NICK and keys-NICK set, quoted words read as a shell reads them. */
function variables(tasks: readonly Task[], { name }: Tunnel): Record<string, string> {
  const files = tasks.filter(({ tunnel, module }) => tunnel === name && module === 'file').map(argsOf);
  const text = files.map(({ content }) => (content === undefined ? '' : textOf(content as Content))).join('');
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

/** What the other end must say, given what one end says. */
function mirrored(left: Readonly<Record<string, string>>): Record<string, string> {
  const swap = (name: string) =>
    name
      .replace(/^(SRC|DST)(NET|GW)$/, (_, side: string, what: string) => `${side === 'SRC' ? 'DST' : 'SRC'}${what}`)
      .replace(/_(IN|OUT)$/, (_, way: string) => (way === 'IN' ? '_OUT' : '_IN'));
  const certificates: Record<string, string> = { left: 'right', right: 'left' };
  const entries = Object.entries(left).map(([name, value]) => {
    if (name === 'DST') return [name, value.replace(/^198\.51/, '192.0')];
    return [swap(name), /CERTFILE$/.test(name) ? certificates[value] : value];
  });
  return Object.fromEntries(entries);
}

function textOf(content: Content): string {
  const text = joined(content);
  return typeof text === 'string' ? text : reveal(text);
}

/** The same tunnel, the keys of its mappings in the opposite order. */
function backwards<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Secret) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, backwards(inner)])
      .reverse(),
  ) as T;
}

function flat(plays: readonly CompiledPlay[]): unknown {
  return plays.map(({ hosts }) =>
    hosts.map(({ host: name, tasks }) => [
      name,
      tasks.map((task) => ({ ...task, when: task.when.resolve({}), args: shown(argsOf(task)) })),
    ]),
  );
}

/** Secrets as their text: equal only when the keys are. */
function shown(value: unknown): unknown {
  if (value instanceof Secret) return `secret ${reveal(value)}`;
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
}

function ids(plays: readonly CompiledPlay[]): ReadonlySet<string> {
  return new Set(
    plays.flatMap(({ hosts }) => hosts.flatMap(({ host: name, tasks }) => tasks.map(({ id }) => `${name} ${id}`))),
  );
}
