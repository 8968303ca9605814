import { allNeeds, opened, TemplateFault, Verbatim, vaultsIn } from '../lang/template.ts';
import type { Variables } from '../model/host.ts';
import type { Deferred } from '../model/task.ts';

/** The variables of one task on one host: those that are known now, and the names that only the run will know. */
export interface Scope {
  readonly vars: Variables;
  /** What earlier tasks register. It goes before `vars`, but not before `fixed`. */
  readonly later: ReadonlySet<string>;
  /** Facts that no play, block or task has a variable of the same name for: they go before the inventory's only. */
  readonly facts: ReadonlySet<string>;
  /** Extra variables: nothing goes before them. */
  readonly fixed: Variables;
}

/** What a deferred value is worth in a scope. */
export type Settled<T> =
  | { readonly kind: 'known'; readonly value: T }
  | { readonly kind: 'later'; readonly deferred: Deferred<T> }
  | { readonly kind: 'fault'; readonly fault: TemplateFault };

/**
 * Resolves a value now if all it needs is known, through other variables' templates too; else leaves it for the run.
 * `written` is what stands in the playbook.
 */
export function settle<T>(value: Deferred<T>, scope: Scope, written?: unknown): Settled<T> {
  const needs = laterNeeds(value.needs, scope);
  try {
    if (needs.length > 0) {
      openNow(written, value.needs, scope);
      return { kind: 'later', deferred: { needs, resolve: (vars) => value.resolve(withLater(scope, needs, vars)) } };
    }
    return { kind: 'known', value: value.resolve(scope.vars) };
  } catch (fault) {
    if (fault instanceof TemplateFault) return { kind: 'fault', fault };
    throw fault;
  }
}

/** What is encrypted is opened before the run: no host may be half done when a password turns out to be wrong. */
function openNow(written: unknown, names: readonly string[], { vars }: Scope): void {
  for (const sealed of vaultsIn(written)) opened(sealed);
  for (const name of allNeeds(names, vars)) {
    if (Object.hasOwn(vars, name)) for (const sealed of vaultsIn(vars[name])) opened(sealed);
  }
}

/**
 * The scope's variables overlaid with what the run has come to know of `names`. Those come from the host: braces in them
 * are text, never a template.
 */
function withLater(scope: Scope, names: Iterable<string>, vars: Variables): Variables {
  const known: Record<string, unknown> = { ...scope.vars };
  for (const name of names)
    if (Object.hasOwn(vars, name) && !Object.hasOwn(scope.fixed, name)) known[name] = new Verbatim(vars[name]);
  return known;
}

function laterNeeds(names: readonly string[], scope: Scope): readonly string[] {
  if (names.length === 0) return names;
  return [...allNeeds(names, scope.vars)].filter(
    (name) => (scope.later.has(name) || scope.facts.has(name)) && !Object.hasOwn(scope.fixed, name),
  );
}

/** A template or condition; one that is not well-formed becomes a value that tells so when it is asked for. */
export function parsed<T>(parse: () => Deferred<T>): Deferred<T> {
  try {
    return parse();
  } catch (fault) {
    if (fault instanceof TemplateFault) return failing(fault);
    throw fault;
  }
}

export function failing(fault: TemplateFault): Deferred<never> {
  return {
    needs: [],
    resolve: () => {
      throw fault;
    },
  };
}

/** The facts that none of these variables stands in front of. */
export function unshadowed(facts: ReadonlySet<string>, vars: Variables): ReadonlySet<string> {
  const shadows = Object.keys(vars).filter((name) => facts.has(name));
  return shadows.length === 0 ? facts : new Set([...facts].filter((name) => !shadows.includes(name)));
}
