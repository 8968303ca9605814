import { checkValue, type ValueFault } from '../lang/schema.ts';
import type { Pointer } from '../lang/yaml.ts';
import { Secret } from '../model/secret.ts';
import type { ModuleSpec } from '../playbook/registry.ts';

type Fault = Pick<ValueFault, 'pointer' | 'code' | 'message' | 'found' | 'fix'>;

/** What is wrong with the arguments of a task, as they are when its templates are filled in. */
export function checkArguments(
  { args: schema, secretArgs = [] }: Pick<ModuleSpec, 'args' | 'secretArgs'>,
  args: Readonly<Record<string, unknown>>,
): readonly Fault[] {
  const misplaced = Object.entries(args)
    .filter(([name]) => !secretArgs.includes(name))
    .flatMap(([name, value]) => secretsIn(value, [name]));
  const is = (pointer: Pointer) => misplaced.some((other) => other.join('\0') === pointer.join('\0'));
  const others = checkValue(schema as object, args).filter(({ pointer }) => !is(pointer));
  return [...misplaced.map(refusal), ...others];
}

/** A module that does not ask for a secret shows the value, or has it read by others of the host. */
function refusal(pointer: Pointer): Fault {
  return {
    pointer,
    code: 'secret-misplaced',
    message: `"${pointer.findLast((step) => typeof step === 'string')}" cannot be secret: it is shown, and others on the host may see it`,
    fix: 'a variable that is not encrypted, and not made of one that is',
  };
}

function secretsIn(value: unknown, at: Pointer): readonly Pointer[] {
  if (value instanceof Secret) return [at];
  if (typeof value !== 'object' || value === null) return [];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return entries.flatMap(([key, inner]) => secretsIn(inner, [...at, key]));
}
