import type { FromSchema } from 'json-schema-to-ts';
import type { Content } from '../../src/model/content.ts';
import type { Secret } from '../../src/model/secret.ts';
import { pathArg } from './attributes.ts';

/** JSON Schema of what the module `connection` is told. */
export const connectionArgs = {
  type: 'object',
  properties: {
    nickname: {
      description: "The connection's name on this host: ipsec0 in `ifup ipsec0`.",
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$',
    },
    state: {
      description:
        'up: brought up when that is due. down: taken down. replaced: taken down when its files on the host differ from `files`, ' +
        'before those are written. absent: taken down before its files are removed.',
      enum: ['up', 'down', 'replaced', 'absent'],
    },
    onboot: {
      description: 'Being down is a drift to correct. Default: as ONBOOT in its ifcfg file says.',
      type: 'boolean',
    },
    asked: {
      description:
        'With state: up, somebody wants it up now, whatever `onboot` says. Not where its files on the host are others than `files`.',
      type: 'boolean',
    },
    files: {
      description: 'The files it will have.',
      type: 'array',
      items: {
        type: 'object',
        properties: { path: pathArg, content: { type: 'string' } },
        required: ['path', 'content'],
        additionalProperties: false,
      },
    },
    implied: {
      description: 'Variables that say the same when they are missing in its files.',
      type: 'object',
      additionalProperties: { type: 'string' },
    },
    requires: {
      description: 'Paths without which it cannot come up, and why.',
      type: 'array',
      items: {
        type: 'object',
        properties: { path: pathArg, why: { type: 'string' } },
        required: ['path', 'why'],
        additionalProperties: false,
      },
    },
    selectors: {
      description: 'The traffic it protects. Default: as its ifcfg file says.',
      type: 'object',
      properties: {
        src: { type: 'string' },
        dst: { type: 'string' },
        srcnet: { type: 'string' },
        dstnet: { type: 'string' },
      },
      required: ['dst'],
      additionalProperties: false,
    },
    mode: { description: 'The mode of its policies. Default: any.', enum: ['transport', 'tunnel'] },
    esp: { description: 'Its policies ask for ESP. Checked when `mode` is given.', type: 'boolean' },
    ah: { description: 'Its policies ask for AH. Checked when `mode` is given.', type: 'boolean' },
    record: {
      description: 'With state: replaced, what to remember of a connection that is created, for `ipsec-play prune`.',
      type: 'object',
      properties: {
        tunnel: { type: 'string' },
        other: { description: 'The host at the other end.', type: 'string' },
        keying: { type: 'string' },
        psk: pathArg,
        conf: pathArg,
      },
      required: ['tunnel', 'other', 'keying'],
      additionalProperties: false,
    },
    renew: {
      description: 'With `replaced`: the SAs with its peer go too, so that the new ones have the new keys.',
      type: 'boolean',
    },
    spared: {
      description: 'SPIs of manual SAs with the same peer, which stay.',
      type: 'array',
      items: { type: 'integer' },
    },
    shared: {
      description: 'Another connection leads to the same peer: what ifdown takes out of racoon.conf goes back.',
      type: 'boolean',
    },
  },
  required: ['nickname', 'state'],
  additionalProperties: false,
} as const;

/** `files` may hold secrets when a compiled task passes them. */
export type ConnectionArgs = Omit<FromSchema<typeof connectionArgs>, 'files'> & {
  readonly files?: readonly { readonly path: string; readonly content: string | Secret | Content }[];
};
