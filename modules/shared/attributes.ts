import type { FileState } from '../../src/model/host-state.ts';

/** The arguments of every module that gives a path its mode and owner. */
export const attributeArgs = {
  mode: {
    description:
      "Permissions in octal: '0644', or 0644 as YAML 1.1 reads it. Default: as found; 0644 for a new file; with a secret in it, for its owner alone.",
    anyOf: [
      { description: "an octal number in quotes, such as '0644'", type: 'string', pattern: '^[0-7]{3,5}$' },
      // Above 0777 a number is most likely decimal by mistake: 644 would be 01204.
      { description: "an octal number in quotes, such as '0644'", type: 'integer', minimum: 0, maximum: 0o777 },
    ],
  },
  owner: {
    description: 'Owning user, by name or number. Default: as found; the writing user for a new file.',
    anyOf: [
      { type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*[$]?$' },
      { type: 'integer', minimum: 0 },
    ],
  },
  group: {
    description: 'Owning group, by name or number. Default: as found.',
    anyOf: [
      { type: 'string', pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*[$]?$' },
      { type: 'integer', minimum: 0 },
    ],
  },
} as const;

/** An absolute path on the host. Without `..`, which could lead out of a moved root, as the rehearsal lab has it. */
export const pathArg = { type: 'string', pattern: '^/(?!(?:.*/)?[.][.](?:/|$))[^\\u0000\\n\\r]*$' } as const;

export interface AttributeArgs {
  readonly mode?: string | number | undefined;
  readonly owner?: string | number | undefined;
  readonly group?: string | number | undefined;
}

export interface Attributes {
  readonly mode?: number | undefined;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
}

/** The attributes that a task asks for, or what is wrong with them (a template may have made them). */
export function attributes(args: AttributeArgs): Attributes | { readonly fault: string } {
  const mode = typeof args.mode === 'string' ? octalNumber(args.mode) : args.mode;
  if (mode === null) return { fault: `mode ${JSON.stringify(args.mode)} is no octal number such as '0644'` };
  return { mode, owner: text(args.owner), group: text(args.group) };
}

type Owned = Extract<FileState, { kind: 'file' | 'directory' }>;
export type Ownership = Pick<Owned, 'owner' | 'group' | 'uid' | 'gid'>;

/** Nobody knows yet: a prediction says who writes, not under which number. */
export const unknownOwner: Ownership = { owner: '', group: '', uid: -1, gid: -1 };

/** Who will own a path that now is `found`. */
export function ownershipAfter(found: Ownership, wanted: Attributes): Ownership {
  const user = wanted.owner === undefined || ownedBy(found.owner, found.uid, wanted.owner);
  const group = wanted.group === undefined || ownedBy(found.group, found.gid, wanted.group);
  return {
    ...(user ? { owner: found.owner, uid: found.uid } : { owner: nameOf(wanted.owner), uid: numberOf(wanted.owner) }),
    ...(group ? { group: found.group, gid: found.gid } : { group: nameOf(wanted.group), gid: numberOf(wanted.group) }),
  };
}

/** Whether the user or group `found` is the one that was asked for, by name or by number. */
export function ownedBy(name: string, id: number, wanted: string): boolean {
  return name === wanted || (id >= 0 && String(id) === wanted);
}

/** The argument of chown(1), or undefined when there is nothing to say. */
export function ownerWord(user: string | undefined, group: string | undefined): string | undefined {
  if (group === undefined) return user;
  return `${user ?? ''}:${group}`;
}

function octalNumber(mode: string): number | null {
  return /^[0-7]{3,5}$/.test(mode) && Number.parseInt(mode, 8) <= 0o7777 ? Number.parseInt(mode, 8) : null;
}

function text(value: string | number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function nameOf(wanted: string | undefined): string {
  return wanted !== undefined && !/^\d+$/.test(wanted) ? wanted : '';
}

function numberOf(wanted: string | undefined): number {
  return wanted !== undefined && /^\d+$/.test(wanted) ? Number(wanted) : -1;
}
