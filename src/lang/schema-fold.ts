import type { SchemaFault } from './compile-schema.ts';

/**
 * A failed `oneOf` or `anyOf` comes with the faults of every branch, most of which are noise. Keeps the faults of the
 * one branch that was meant, where that can be told, and else only the fault of the choice itself.
 */
export function fold(faults: readonly SchemaFault[]): readonly SchemaFault[] {
  const choice = faults.find(
    (fault) => isChoice(fault) && !faults.some((other) => other !== fault && isChoice(other) && owns(other, fault)),
  );
  if (choice === undefined) return faults.filter((fault) => !isEcho(fault));
  const inside = faults.filter((fault) => fault !== choice && owns(choice, fault));
  const others = faults.filter((fault) => fault !== choice && !owns(choice, fault));
  return [...meant(choice, inside), ...fold(others)];
}

function isChoice({ keyword }: SchemaFault): boolean {
  return keyword === 'oneOf' || keyword === 'anyOf';
}

/** `if` only repeats that a branch below it failed; so does `propertyNames`' inner fault for its outer one. */
function isEcho({ keyword }: SchemaFault): boolean {
  return keyword === 'if';
}

/** True when `fault` comes from a branch of `choice`; a branch by `$ref` has a schema path of its own. */
function owns(choice: SchemaFault, fault: SchemaFault): boolean {
  if (fault.instancePath !== choice.instancePath && !fault.instancePath.startsWith(`${choice.instancePath}/`))
    return false;
  if (fault.schemaPath.startsWith(`${choice.schemaPath}/`)) return true;
  const home = definition(fault.schemaPath);
  return home !== undefined && home !== definition(choice.schemaPath);
}

function definition(schemaPath: string): string | undefined {
  return /^#\/(?:definitions|\$defs)\/[^/]+/.exec(schemaPath)?.[0];
}

/** The faults to show for a failed choice. */
function meant(choice: SchemaFault, inside: readonly SchemaFault[]): readonly SchemaFault[] {
  if (choice.params.passingSchemas) return [choice];
  const branches = new Map<string, SchemaFault[]>();
  for (const fault of inside) {
    const branch = fault.schemaPath.startsWith(`${choice.schemaPath}/`)
      ? (fault.schemaPath.slice(choice.schemaPath.length + 1).split('/')[0] ?? '')
      : (definition(fault.schemaPath) ?? '');
    branches.set(branch, [...(branches.get(branch) ?? []), fault]);
  }
  // a branch was meant when the value has its shape: nothing is wrong with the value itself, only inside it
  const shaped = [...branches.values()].filter((branch) => !branch.some((fault) => missesShape(fault, choice)));
  return shaped.length === 1 && shaped[0] ? fold(shaped[0]) : [choice];
}

const SHAPE = new Set(['type', 'required', 'const', 'enum']);

function missesShape(fault: SchemaFault, choice: SchemaFault): boolean {
  if (fault.instancePath === choice.instancePath) return SHAPE.has(fault.keyword);
  // a discriminator: { type: { const: 'a' } }
  return (
    fault.keyword === 'const' && fault.instancePath.split('/').length === choice.instancePath.split('/').length + 1
  );
}
