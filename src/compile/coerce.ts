/**
 * What a template gave, as the type that the argument's schema asks for, as Ansible does: a number is a text where a text
 * is meant, and `"yes"` a boolean where that is meant. Everything else stays for the schema to judge.
 */
export function coerce(value: unknown, schema: object | undefined, name: string): unknown {
  const type = typeOf(schema, name);
  if (type === 'string' && typeof value === 'number') return String(value);
  // as Python prints them
  if (type === 'string' && typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value !== 'string') return value;
  if (type === 'boolean' && /^(yes|true|on|1)$/i.test(value)) return true;
  if (type === 'boolean' && /^(no|false|off|0)$/i.test(value)) return false;
  return type === 'integer' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

function typeOf(schema: object | undefined, name: string): unknown {
  const { properties } = (schema ?? {}) as { properties?: Readonly<Record<string, { type?: unknown }>> };
  return properties?.[name]?.type;
}
