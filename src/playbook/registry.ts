import type { AnyModule } from '../engine/module.ts';

/** What the playbook's reader and the compiler must know of a module. */
export type ModuleSpec = Pick<AnyModule, 'name' | 'summary' | 'args' | 'free' | 'secretArgs'>;

/** The modules that a playbook may call, by name. */
export interface ModuleRegistry {
  readonly names: readonly string[];
  /** Accepts Ansible's full names too: `ansible.builtin.file` is `file`. */
  get(name: string): ModuleSpec | undefined;
}

export function moduleRegistry(modules: readonly ModuleSpec[]): ModuleRegistry {
  const byName = new Map(modules.map((module) => [module.name, module]));
  return {
    names: [...byName.keys()].sort(),
    get: (name) => byName.get(name) ?? byName.get(withoutCollection(name)),
  };
}

/** The collections whose modules have the same names and meaning here. */
function withoutCollection(name: string): string {
  return name.replace(/^ansible\.(builtin|legacy|posix)\./, '');
}
