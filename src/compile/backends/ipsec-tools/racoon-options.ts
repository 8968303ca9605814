/** What a user may choose in racoon.conf; all of it has the value of Red Hat's chapters where nothing is chosen. */
export interface RacoonOptions {
  readonly paths: { readonly include: string; readonly pre_shared_key: string; readonly certificate: string };
  readonly log?: string;
  readonly sainfo: {
    /** `false`: no perfect forward secrecy. */
    readonly pfs_group: number | false;
    readonly lifetime: string;
    readonly encryption_algorithm: string | readonly string[];
    readonly authentication_algorithm: string | readonly string[];
    readonly compression_algorithm: string;
  };
}

const CHAPTER: RacoonOptions = {
  paths: { include: '/etc/racoon', pre_shared_key: '/etc/racoon/psk.txt', certificate: '/etc/racoon/certs' },
  sainfo: {
    pfs_group: 2,
    lifetime: '1 hour',
    encryption_algorithm: ['3des', 'blowfish 448', 'rijndael'],
    authentication_algorithm: ['hmac_sha1', 'hmac_md5'],
    compression_algorithm: 'deflate',
  },
};

/** The options of tunnels.yml overlaid by those of a host; each is a mapping that {@link racoonSchema} allows. */
export function racoonOptions(layers: readonly unknown[]): RacoonOptions {
  let { paths, sainfo, log } = CHAPTER;
  for (const layer of layers as readonly (Partial<RacoonOptions> | null | undefined)[]) {
    paths = { ...paths, ...layer?.paths };
    sainfo = { ...sainfo, ...layer?.sainfo };
    log = layer?.log ?? log;
  }
  return { paths, sainfo, ...(log === undefined ? {} : { log }) };
}

const absolutePath = {
  type: 'string',
  pattern: '^/(?!(?:.*/)?[.][.](?:/|$))[A-Za-z0-9._/-]*$',
  description: 'an absolute path of letters, digits and . _ / -',
} as const;

const algorithm = '[a-z][a-z0-9_]*( [0-9]+)?|3des';

function algorithms(description: string) {
  return {
    description,
    oneOf: [
      { type: 'string', pattern: `^(${algorithm})(, *(${algorithm}))*$` },
      { type: 'array', minItems: 1, items: { type: 'string', pattern: `^(${algorithm})$` } },
    ],
  } as const;
}

/** JSON Schema of `racoon:` in tunnels.yml and of the host variable `racoon`; the words are those of racoon.conf(5). */
export const racoonSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'what racoon.conf holds beside the lines that ifup writes',
  properties: {
    paths: {
      type: 'object',
      additionalProperties: false,
      properties: { include: absolutePath, pre_shared_key: absolutePath, certificate: absolutePath },
    },
    log: { enum: ['error', 'warning', 'notify', 'info', 'debug', 'debug2'] },
    sainfo: {
      type: 'object',
      additionalProperties: false,
      description: 'phase 2, with every peer',
      properties: {
        pfs_group: {
          enum: [1, 2, 5, 14, 15, 16, 17, 18, false],
          description: 'Diffie-Hellman group, or false for none',
        },
        lifetime: {
          type: 'string',
          pattern: '^[1-9][0-9]* (sec|secs|second|seconds|min|mins|minute|minutes|hour|hours)$',
          description: 'how long an SA lives, such as "1 hour"',
        },
        encryption_algorithm: algorithms('ciphers, each with its key length where it has one: "blowfish 448"'),
        authentication_algorithm: algorithms('such as hmac_sha1'),
        compression_algorithm: { enum: ['deflate'] },
      },
    },
  },
} as const;
