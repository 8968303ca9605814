import { algorithmNames, DH_GROUPS } from '../../model/algorithms.ts';

export type Schema = Readonly<Record<string, unknown>>;

/** The JSON Schema (draft 7) of tunnels.yml, for editors. Its descriptions are also what messages tell a user to write. */
export function tunnelsSchema(): Schema {
  return SCHEMA;
}

const NAME = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$';
const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const ADDRESS = `^${OCTET}(\\.${OCTET}){3}$`;
const NETWORK = `^${OCTET}(\\.${OCTET}){3}/(3[0-2]|[12]?\\d)$`;

const host: Schema = { type: 'string', description: 'the name of an inventory host' };

/** Unquoted keys may look like numbers or booleans to an editor; here they are text all the same. */
const TEXT = ['string', 'number', 'boolean'];

function mapping(description: string, properties: Schema, rest: Schema = {}): Schema {
  return { type: 'object', description, properties, additionalProperties: false, ...rest };
}

function secret(description: string, sources: Schema = {}): Schema {
  const properties = {
    env: { type: TEXT, description: 'the name of an environment variable', minLength: 1 },
    file: { type: TEXT, description: 'a path, from the folder of this file; one newline at the end is dropped' },
    command: {
      type: 'array',
      description: 'a list: [program, argument]; its output is the secret, without the newline at the end',
      items: { type: TEXT },
      minItems: 1,
    },
    ...sources,
  };
  return {
    type: [...TEXT, 'object'],
    description,
    properties,
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
  };
}

const psk = secret('a text, or { env: NAME }, { file: PATH }, { command: [...] }, or { derive: SECRET }', {
  derive: secret('the master secret from which each pair of hosts has a key of its own'),
});

const manualKey = secret('0x and hexadecimal digits, or a text, of exactly the length that the algorithm takes');

const spi: Schema = { type: ['integer', 'string'], description: 'a number from 0x100 to 0xffffffff' };

const sent = mapping(
  'the SAs of what this end sends: { ah: { spi, key } }, { esp: { spi, key, authentication_key } }',
  {
    ah: mapping('{ spi, key }', { spi, key: manualKey }, { required: ['spi', 'key'] }),
    esp: mapping(
      '{ spi, key, authentication_key }',
      { spi, key: manualKey, authentication_key: manualKey },
      { required: ['spi', 'key'] },
    ),
  },
);

const keying = mapping(
  'how the ends prove who they are, exactly one of: { psk: ... }, { manual: ... }, { x509: ... }',
  {
    psk,
    manual: {
      type: 'object',
      description: 'the SAs of each end, by the end that sends; nothing is negotiated',
      additionalProperties: sent,
      minProperties: 2,
      maxProperties: 2,
    },
    x509: {
      ...mapping('{ certificates: { HOST: NAME }, peer: file }', {
        certificates: {
          type: 'object',
          description:
            'of each end the base name of its certificate: NAME.public and NAME.private in /etc/racoon/certs; the host name where nothing is written',
          additionalProperties: { type: TEXT, description: 'a base name', pattern: NAME },
        },
        peer: {
          enum: ['file', 'dns', 'exchange'],
          description:
            "how an end gets its peer's certificate: from a file of its own, from DNS, or in the IKE exchange",
          default: 'file',
        },
      }),
      type: ['object', 'null'],
    },
  },
  { minProperties: 1, maxProperties: 1 },
);

const end: Schema = {
  ...mapping('{ nickname, address, network, gateway }', {
    nickname: {
      type: TEXT,
      description:
        "the connection's name on this host, as in `ifup ipsec0`; the tunnel's name where nothing is written",
      pattern: NAME,
    },
    address: {
      type: TEXT,
      description: "an IPv4 address; else the host variable ipsec_address, else the host's ansible_host",
      pattern: ADDRESS,
    },
    network: {
      type: TEXT,
      description: 'the network behind this end, such as 192.168.1.0/24; else the host variable ipsec_network',
      pattern: NETWORK,
    },
    gateway: {
      type: TEXT,
      description: "this end's address in its network, such as 192.168.1.254; else the host variable ipsec_gateway",
      pattern: ADDRESS,
    },
    managed: {
      type: 'boolean',
      description: 'false for an external peer, which need not be in the inventory',
      default: true,
    },
  }),
  type: ['object', 'null'],
};

const encryption = (description: string) => algorithm('encryption', description);
const authentication = (description: string) => algorithm('authentication', description);

function algorithm(kind: 'encryption' | 'authentication', description: string): Schema {
  const names = [...new Set([...algorithmNames(kind, 'racoon'), ...algorithmNames(kind, 'setkey')])];
  return { type: 'string', description, anyOf: [{ enum: names }, { type: 'string' }] };
}

/** What every tunnel may have, and the defaults too. */
const fields: Schema = {
  type: { enum: ['host-to-host', 'network-to-network'], description: 'host-to-host or network-to-network' },
  keying,
  ike: mapping('phase 1: { encryption: aes, hash: sha1, dh_group: 2 }; what is not written is left to the host', {
    encryption: encryption('an algorithm of racoon.conf(5), such as 3des, aes or aes 256'),
    hash: authentication('an algorithm of racoon.conf(5), such as sha1'),
    dh_group: { type: 'integer', description: 'a Diffie-Hellman group', anyOf: [{ enum: DH_GROUPS }] },
  }),
  esp: {
    ...mapping('{ encryption: 3des, authentication: sha1 }, or false', {
      encryption: encryption('an encryption algorithm, such as 3des or aes'),
      authentication: authentication('an authentication algorithm, such as sha1'),
    }),
    type: ['object', 'boolean'],
  },
  ah: {
    ...mapping('{ authentication: sha1 }, or false', {
      authentication: authentication('an authentication algorithm, such as sha1'),
    }),
    type: ['object', 'boolean'],
  },
  onboot: { type: 'boolean', description: 'whether the tunnel comes up when the host boots', default: true },
  state: {
    enum: ['present', 'absent'],
    description: 'present, or absent: taken down and every trace removed on both ends',
    default: 'present',
  },
};

function named(description: string, entry: Schema): Schema {
  return { type: ['object', 'null'], description, propertyNames: { pattern: NAME }, additionalProperties: entry };
}

const SCHEMA: Schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Tunnels of an ipsec-play inventory',
  ...mapping('defaults, tunnels, meshes, hubs and racoon', {
    defaults: { ...mapping('fields for every tunnel that does not set them itself', fields), type: ['object', 'null'] },
    tunnels: named(
      'tunnels by name',
      mapping(
        'a tunnel: { type, ends, keying }',
        {
          ...fields,
          ends: {
            type: 'object',
            description: 'exactly two inventory hosts, each with what it needs: { HOST-A: {}, HOST-B: {} }',
            additionalProperties: end,
            minProperties: 2,
            maxProperties: 2,
          },
        },
        { required: ['ends'] },
      ),
    ),
    meshes: named(
      'meshes by name: every pair of members becomes a tunnel MESH-A-B',
      mapping(
        'a mesh: { type, members, keying }',
        {
          ...fields,
          members: {
            type: 'array',
            description: 'a list of hosts: [gw1, gw2]',
            items: host,
            minItems: 2,
            uniqueItems: true,
          },
        },
        { required: ['members'] },
      ),
    ),
    hubs: named(
      'hubs by name: every spoke has a tunnel HUB-SPOKE to the hub',
      mapping(
        'a hub: { type, hub, spokes, keying }',
        {
          ...fields,
          hub: host,
          spokes: {
            type: 'array',
            description: 'a list of hosts: [gw4, gw5]',
            items: host,
            minItems: 1,
            uniqueItems: true,
          },
        },
        { required: ['hub', 'spokes'] },
      ),
    ),
    racoon: {
      type: ['object', 'null'],
      description: "settings of racoon.conf's sainfo and paths; the host variable racoon overrides them",
    },
  }),
};
