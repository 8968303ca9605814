import { describe, expect, test } from 'vitest';
import type { Span } from '../../../src/model/span.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { lanHosts, makeHosts, noSources, plain, read } from './read.ts';

const LAN = lanHosts('a', 'b', 'c', 'gw2', 'gw10');

async function readClean(text: string, hosts = LAN, context = {}): Promise<readonly Tunnel[]> {
  const { tunnels, diagnostics } = await read(text, hosts, context);
  expect(diagnostics).toEqual([]);
  return tunnels;
}

describe('ends', () => {
  test('take address, network and gateway from where they are written, the nearest first', async () => {
    const hosts = makeHosts({
      a: {
        ansible_host: '10.9.9.9',
        ipsec_address: '10.0.0.1',
        ipsec_network: '172.16.1.0/24',
        ipsec_gateway: '172.16.1.1',
      },
      b: { ansible_host: '10.0.0.2' },
      '10.0.0.3': {},
    });
    const [ab, to3] = await readClean(
      `tunnels:
  t1:
    type: network-to-network
    ends:
      a: { gateway: 172.16.1.254 }
      b: { network: 172.16.2.0/24, gateway: 172.16.2.1, nickname: 7 }
    keying: { psk: k }
  t2: { type: host-to-host, ends: { b: {}, 10.0.0.3: {} }, keying: { psk: k } }
`,
      hosts,
    );
    expect(ab?.ends).toMatchObject([
      { host: 'a', nickname: 't1', address: '10.0.0.1', network: { cidr: '172.16.1.0/24' }, gateway: '172.16.1.254' },
      { host: 'b', nickname: '7', address: '10.0.0.2', network: { cidr: '172.16.2.0/24' } },
    ]);
    expect(to3?.ends.map(({ address }) => address)).toEqual(['10.0.0.3', '10.0.0.2']);
  });

  test('of a host-to-host tunnel have no network, though their hosts have one', async () => {
    const [tunnel] = await readClean('tunnels: { t: { type: host-to-host, ends: { a: , b: }, keying: { psk: k } } }');
    expect(tunnel?.ends.every((end) => !('network' in end) && !('gateway' in end))).toBe(true);
  });

  test('of which nothing is written are the same in each tunnel, but for its type and its state', async () => {
    const [hosts, first, gone, second] = await readClean(
      `tunnels:
  h: { type: host-to-host, ends: { a: , b: }, keying: { psk: k } }
  n1: { type: network-to-network, ends: { a: , b: }, keying: { psk: k } }
  n2: { type: network-to-network, ends: { a: , plain: { managed: false } }, state: absent }
  n3: { type: network-to-network, ends: { a: , c: }, keying: { psk: k } }
`,
      new Map([...LAN, ...makeHosts({ plain: { ansible_host: '10.0.0.77' } })]),
    );
    expect(hosts?.ends[0]).toEqual({ host: 'a', managed: true, nickname: 'h', address: '10.0.0.200' });
    expect(first?.ends[0]).toMatchObject({ nickname: 'n1', network: { cidr: '172.16.0.0/24' } });
    expect(second?.ends[0]).toEqual({ ...first?.ends[0], nickname: 'n3' });
    expect(gone?.ends[1]).not.toHaveProperty('network');
    expect([first, second].map((tunnel) => tunnel?.at('ends', 'a').line)).toEqual([3, 5]);
  });

  test('that are wrong in their host variables are told of in each tunnel', async () => {
    const hosts = makeHosts({
      a: { ansible_host: '10.0.0.1', ipsec_network: '172.16.1.0/24', ipsec_gateway: '172.16.9.1' },
      b: { ansible_host: '10.0.0.2', ipsec_network: '172.16.2.1/24', ipsec_gateway: '172.16.2.1' },
    });
    const { diagnostics } = await read(
      `tunnels:
  t1: { type: network-to-network, ends: { a: , b: }, keying: { psk: k } }
  t2: { type: network-to-network, ends: { a: , b: }, keying: { psk: k } }
`,
      hosts,
    );
    const told = diagnostics.map(({ code, span }) => [code, span?.line, span?.column]);
    expect(told).toEqual([
      ['gateway-outside', 2, 43],
      ['network-host-bits', 2, 48],
      ['gateway-outside', 3, 43],
      ['network-host-bits', 3, 48],
    ]);
  });

  test('may be an external peer', async () => {
    const [tunnel] = await readClean(`tunnels:
  t: { type: host-to-host, ends: { a: {}, partner: { managed: false, address: 10.1.1.1 } }, keying: { psk: k } }
`);
    expect(tunnel?.ends.map(({ managed }) => managed)).toEqual([true, false]);
  });
});

describe('defaults', () => {
  test('fill up a tunnel, and ike, esp and ah field by field, but keying as a whole', async () => {
    const [own, plainOne] = await readClean(`
defaults:
  type: host-to-host
  onboot: no
  keying: { psk: common }
  ike: { encryption: aes 256, dh_group: 14 }
  ah: false
tunnels:
  own:
    ends: { a: {}, b: {} }
    onboot: true
    keying: { x509: }
    ike: { dh_group: 5 }
    ah: { authentication: hmac_md5 }
    esp: { encryption: 3des-cbc }
  plain: { ends: { a: {}, c: {} } }
`);
    expect(plain(own as Tunnel)).toMatchObject({
      onboot: true,
      keying: { method: 'x509', certificates: ['a', 'b'], peer: 'file' },
      ike: { encryption: 'aes 256', dhGroup: 5 },
      ah: { authentication: 'md5' },
      esp: { encryption: '3des' },
    });
    expect(plain(plainOne as Tunnel)).toMatchObject({
      onboot: false,
      keying: { psk: 'secret common' },
      ike: { encryption: 'aes 256', dhGroup: 14 },
      ah: false,
      esp: {},
    });
  });
});

describe('meshes and hubs', () => {
  test('become a tunnel for each pair, named in natural order', async () => {
    const tunnels = await readClean(`
meshes: { m: { type: network-to-network, members: [gw10, gw2, a], keying: { psk: { derive: master } } } }
hubs: { hq: { type: host-to-host, hub: b, spokes: [c, a], keying: { psk: k } } }
`);
    expect(tunnels.map(({ name, ends }) => [name, ...ends.map(({ host }) => host)])).toEqual([
      ['hq-a', 'a', 'b'],
      ['hq-c', 'b', 'c'],
      ['m-a-gw2', 'a', 'gw2'],
      ['m-a-gw10', 'a', 'gw10'],
      ['m-gw2-gw10', 'gw2', 'gw10'],
    ]);
    expect(tunnels.every(({ name, ends }) => ends.every(({ nickname }) => nickname === name))).toBe(true);
  });

  test('derive a key for each pair, the same whatever the tunnel is called', async () => {
    const keys = async (text: string) =>
      (await readClean(text)).map((tunnel) => plain(tunnel) as { keying: { psk: string } });
    const mesh = await keys(
      'meshes: { m: { type: host-to-host, members: [a, b, c], keying: { psk: { derive: x } } } }',
    );
    const psks = mesh.map(({ keying }) => keying.psk);
    expect(new Set(psks).size).toBe(3);
    const [again] = await keys(
      'tunnels: { z: { type: host-to-host, ends: { b: {}, a: {} }, keying: { psk: { derive: x } } } }',
    );
    expect(again?.keying.psk).toBe(psks[0]);
  });
});

describe('secrets', () => {
  test('written without quotes are what stands in the file', async () => {
    const written = ['0x0123', '12345678', 'yes', '007', '1_000', '1e3', '2001-01-01', '1:30', '.5', '"a\\tb"'];
    const hosts = lanHosts(...written.map((_, index) => `h${index}`), 'hub');
    const text = `tunnels:\n${written
      .map(
        (psk, index) =>
          `  t${index}: { type: host-to-host, ends: { hub: {}, h${index}: {} }, keying: { psk: ${psk} } }\n`,
      )
      .join('')}`;
    const tunnels = await readClean(text, hosts);
    const psks = tunnels.map((tunnel) =>
      (plain(tunnel) as { keying: { psk: string } }).keying.psk.slice('secret '.length),
    );
    expect(psks).toEqual([...written.slice(0, -1), 'a\tb']);
  });

  test.each(['', '~', 'null', '""'])('psk: %s is empty', async (psk) => {
    const { diagnostics } = await read(
      `tunnels: { t: { type: host-to-host, ends: { a: {}, b: {} }, keying: { psk: ${psk} } } }`,
      LAN,
    );
    expect(diagnostics.map(({ code }) => code)).toEqual(['secret-empty']);
  });

  test('a template in place of a secret is refused, and not quoted', async () => {
    const { diagnostics } = await read(
      'tunnels: { t: { type: host-to-host, ends: { a: {}, b: {} }, keying: { psk: "{{ canary }}" } } }',
      LAN,
    );
    expect(diagnostics.map(({ code }) => code)).toEqual(['secret-template']);
    expect(JSON.stringify(diagnostics)).not.toContain('canary');
  });

  const NONE = { fault: 'missing', why: 'there is none' } as const;
  test.each([
    ['that lost its tag', '"$ANSIBLE_VAULT;1.1;AES256\\n6162\\n"', {}],
    ['on one line', '"$ANSIBLE_VAULT;1.1;AES256"', {}],
    ['from elsewhere', '{ env: KEY }', { env: () => '$ANSIBLE_VAULT;1.1;AES256\n6162\n' }],
    ['as a master', '{ derive: "$ANSIBLE_VAULT;1.1;AES256" }', {}],
  ])('a text of Ansible Vault %s is no key', async (_, psk, secrets) => {
    const { diagnostics } = await read(
      `tunnels: { t: { type: host-to-host, ends: { a: {}, b: {} }, keying: { psk: ${psk} } } }`,
      LAN,
      { secrets: { env: () => undefined, file: () => NONE, command: async () => NONE, ...secrets } },
    );
    expect(diagnostics).toMatchObject([{ code: 'secret-encrypted', fix: /^!vault/ }]);
    expect(JSON.stringify(diagnostics)).not.toContain('AES256');
  });

  test('are fetched at once, each source one time, files from the folder of the file', async () => {
    const asked: string[] = [];
    let running = 0;
    let most = 0;
    const secrets = {
      env: (name: string) => {
        asked.push(`env ${name}`);
        return `value of ${name}`;
      },
      file: (path: string) => {
        asked.push(`file ${path}`);
        return 'from file\n\n';
      },
      command: async (argv: readonly string[]) => {
        asked.push(`command ${argv.join(' ')}`);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running -= 1;
        return `${argv[1]}\r\n`;
      },
    };
    const tunnels = await readClean(
      `
defaults: { type: host-to-host, keying: { psk: { env: PSK } } }
tunnels:
  t1: { ends: { a: {}, b: {} } }
  t2: { ends: { a: {}, c: {} } }
  t3: { ends: { b: {}, c: {} }, keying: { psk: { file: keys/one } } }
  t4: { ends: { a: {}, gw2: {} }, keying: { psk: { command: [get, 1] } } }
  t5: { ends: { b: {}, gw2: {} }, keying: { psk: { command: [get, 2] } } }
  t6: { ends: { c: {}, gw2: {} }, keying: { psk: { derive: { command: [get, 2] } } } }
`,
      LAN,
      { secrets },
    );
    expect(asked.sort()).toEqual(['command get 1', 'command get 2', 'env PSK', 'file inventory/keys/one']);
    expect(most).toBe(2);
    const psks = tunnels.map((tunnel) => (plain(tunnel) as { keying: { psk: string } }).keying.psk);
    expect(psks.slice(0, 5)).toEqual(
      ['value of PSK', 'value of PSK', 'from file\n', '1', '2'].map((psk) => `secret ${psk}`),
    );
    expect(psks[5]).toMatch(/^secret [\w-]{43}$/);
  });

  test('of an absent tunnel are not asked for, nor its keying and networks', async () => {
    const tunnels = await readClean(
      `
defaults: { state: absent, type: network-to-network }
tunnels:
  t1: { ends: { a: { nickname: ipsec0 }, bare: {} } }
  t2: { ends: { a: {}, b: {} }, keying: { psk: { env: GONE } } }
  t3: { ends: { a: {}, b: {} }, keying: { manual: { a: { ah: { spi: 0x200, key: short } }, b: { ah: { spi: 0x300, key: short } } } } }
`,
      new Map([...LAN, ...makeHosts({ bare: { ansible_host: '10.0.0.99' } })]),
      { secrets: noSources },
    );
    expect(tunnels.map(({ state }) => state)).toEqual(['absent', 'absent', 'absent']);
    expect(tunnels.map(({ keying }) => keying.method)).toEqual(['psk', 'psk', 'manual']);
  });

  test('are handed over for redaction even where the tunnel is faulty', async () => {
    const { secrets, tunnels } = await read(
      'tunnels: { t: { type: host-to-host, ends: { a: {} }, keying: { psk: one, manual: { a: { ah: { key: two } } } } } }',
      LAN,
    );
    expect(tunnels).toEqual([]);
    expect(secrets.map((secret) => plain({ secret } as never))).toEqual([
      { secret: 'secret one' },
      { secret: 'secret two' },
    ]);
  });
});

test('a nickname may pass from an absent tunnel to a present one', async () => {
  const tunnels = await readClean(`
tunnels:
  old: { type: host-to-host, ends: { a: { nickname: ipsec0 }, b: {} }, state: absent }
  new: { type: host-to-host, ends: { a: { nickname: ipsec0 }, b: {} }, keying: { psk: k } }
`);
  expect(tunnels.map(({ name, state }) => [name, state])).toEqual([
    ['new', 'present'],
    ['old', 'absent'],
  ]);
});

describe('manual keying', () => {
  const key = (length: number) => 'k'.repeat(length - 1);
  test('spells algorithms as setkey does and leaves out what has no SA', async () => {
    const [tunnel] = await readClean(`
tunnels:
  t:
    type: host-to-host
    ends: { b: {}, a: {} }
    esp: { encryption: aes, authentication: sha256 }
    keying:
      manual:
        b: { esp: { spi: 0x300, key: '${key(17)}', authentication_key: '${key(33)}' } }
        a: { esp: { spi: 512, key: '${key(33)}', authentication_key: '${key(33)}' } }
`);
    expect(tunnel?.esp).toEqual({ encryption: 'aes-cbc', authentication: 'hmac-sha256' });
    expect(tunnel?.ah).toBe(false);
    expect(tunnel?.keying).toMatchObject({ sent: [{ esp: { spi: 512 } }, { esp: { spi: 768 } }] });
  });
});

describe('places', () => {
  const TEXT = `defaults:
  onboot: true
tunnels:
  t:
    type: host-to-host
    ends:
      a: { nickname: ipsec0 }
      b:
    keying:
      psk: k
meshes:
  m: { type: host-to-host, members: [a, c], keying: { psk: k } }
`;
  const spanOfVar = (_: unknown, name: string): Span | undefined =>
    name === 'ansible_host' ? { file: 'hosts.yml', line: 1, column: 2, endLine: 1, endColumn: 3 } : undefined;

  test('are those of the tunnel, the defaults, the host variables, the members; else the name', async () => {
    const [mesh, tunnel] = await readClean(TEXT, LAN, { spanOfVar });
    const at = (of: Tunnel | undefined, ...path: string[]) => {
      const span = of?.at(...path);
      return `${span?.file}:${span?.line}:${span?.column}`;
    };
    expect(at(tunnel)).toBe('inventory/tunnels.yml:4:3');
    expect(at(tunnel, 'keying', 'psk')).toBe('inventory/tunnels.yml:10:12');
    expect(at(tunnel, 'ends', 'a', 'nickname')).toBe('inventory/tunnels.yml:7:22');
    expect(at(tunnel, 'ends', 'b', 'nickname')).toBe('inventory/tunnels.yml:8:7');
    expect(at(tunnel, 'ends', 'b', 'address')).toBe('hosts.yml:1:2');
    expect(at(tunnel, 'onboot')).toBe('inventory/tunnels.yml:2:11');
    expect(at(tunnel, 'ike', 'encryption')).toBe('inventory/tunnels.yml:4:3');
    expect(at(mesh, 'ends', 'c')).toBe('inventory/tunnels.yml:12:41');
    expect(at(mesh, 'keying', 'psk')).toBe('inventory/tunnels.yml:12:60');
    expect(at(mesh, 'ends', 'nobody')).toBe('inventory/tunnels.yml:12:3');
  });
});

test('racoon is handed on as it stands', async () => {
  const { racoon } = await read('racoon: { sainfo: { pfs_group: 2 } }', LAN);
  expect(racoon).toEqual({ value: { sainfo: { pfs_group: 2 } }, at: ['racoon'] });
  expect((await read('tunnels: {}', LAN)).racoon).toBeNull();
});

test('an empty file has no tunnels', async () => {
  expect(await read('# nothing yet\n', LAN)).toMatchObject({ tunnels: [], diagnostics: [] });
});
