import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostsText } from '../../../src/cli/import/hosts.ts';
import { soundTunnels } from '../../../src/cli/import/sound.ts';
import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { memoryFiles } from '../../../src/inventory/files.ts';
import { loadInventory } from '../../../src/inventory/load-inventory.ts';
import { renderedVars } from '../../../src/inventory/rendered-vars.ts';
import { readTunnels } from '../../../src/inventory/tunnels/read-tunnels.ts';
import { tunnelsText } from '../../../src/inventory/tunnels/tunnels-text.ts';
import { reveal } from '../../../src/model/secret.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import { tunnels } from '../support/arbitrary.ts';
import { compileWorld, tasksOf } from '../support/world.ts';
import { due, type Files, filesOf, printed } from './fake-host.ts';
import { handWritten } from './hand-written.ts';

const { importer } = ipsecTools;

const settings = fc.record({
  ike: fc.record(
    {
      encryption: fc.constantFrom('aes 256', '3des', 'blowfish'),
      hash: fc.constantFrom('sha1', 'md5', 'sha256'),
      dhGroup: fc.constantFrom(1, 2, 14),
    },
    { requiredKeys: [] },
  ),
  esp: fc.oneof(
    fc.constant(false as const),
    fc.constant({}),
    fc.constantFrom('aes', '3des').map((encryption) => ({ encryption })),
  ),
  ah: fc.oneof(
    fc.constant({}),
    fc.constantFrom('sha1', 'md5').map((authentication) => ({ authentication })),
  ),
});

/** racoon's options, for all hosts alike. */
const racoon = fc.constantFrom(
  null,
  { log: 'notify' },
  {
    paths: { certificate: '/etc/pki/racoon' },
    sainfo: {
      pfs_group: false,
      lifetime: '8 hours',
      encryption_algorithm: ['aes 256', '3des'],
      authentication_algorithm: 'hmac_sha256',
    },
  },
);

/** Generated tunnels that an inventory can say. */
const worlds = fc
  .tuple(tunnels, fc.array(settings, { minLength: 6, maxLength: 6 }), racoon)
  .map(([all, more, options]) => ({
    options,
    tunnels: all
      .filter(({ state }) => state === 'present')
      .map((tunnel, index) =>
        tunnel.keying.method === 'manual' ? withoutEmpty(tunnel) : { ...tunnel, ...more[index] },
      ),
  }));

/** With manual keys a protocol without SAs is off. */
function withoutEmpty(tunnel: Tunnel): Tunnel {
  if (tunnel.keying.method !== 'manual') return tunnel;
  const [{ ah, esp }] = tunnel.keying.sent;
  return { ...tunnel, ah: ah ? {} : false, esp: esp ? {} : false };
}

interface Host {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly files: Files;
}

function hostsOf(all: readonly Tunnel[], options: object | null): readonly Host[] {
  const compiled = compileWorld({ tunnels: all, racoon: options });
  const ends = all.flatMap((tunnel) => tunnel.ends);
  return [...new Set(ends.map(({ host }) => host))].map((name) => ({
    name,
    addresses: ends.flatMap((end) => (end.host !== name ? [] : [end.address, ...(end.gateway ? [end.gateway] : [])])),
    files: filesOf(tasksOf(compiled, name), options),
  }));
}

function importOf(hosts: readonly Host[]) {
  return importer.pair(
    hosts.map(({ name, addresses, files }) => ({
      name,
      address: null,
      seen: importer.read(printed(files, { hostname: name, addresses })),
    })),
  );
}

/** Through the text of a file, as any command reads it. */
async function throughYaml(all: readonly Tunnel[], hosts: string, options: object | null) {
  const { text } = tunnelsText(all, options && { key: 'racoon', value: options }, (secret) => ({
    plain: reveal(secret),
  }));
  const { inventory, diagnostics } = loadInventory('i', memoryFiles({ 'i/hosts.yml': hosts, 'i/tunnels.yml': text }));
  if (inventory.tunnelsDocument === null) throw new Error(text);
  const none = { fault: 'failed', why: 'none' } as const;
  const read = await readTunnels(inventory.tunnelsDocument, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name),
    secrets: { env: () => undefined, file: () => none, command: async () => none },
  });
  expect([...diagnostics, ...read.diagnostics].filter(({ severity }) => severity === 'error')).toEqual([]);
  return { tunnels: read.tunnels, racoon: (read.racoon?.value ?? null) as object | null };
}

const namesOf = (all: readonly Tunnel[]) =>
  hostsText(new Map(all.flatMap(({ ends }) => ends.map(({ host }) => [host, {}] as const))));
const keysOf = (tunnel: Tunnel) =>
  tunnel.ends
    .map(({ host, nickname }) => `${host} ${nickname}`)
    .sort()
    .join(' ');

describe('right after an import', () => {
  test('a check is empty, whatever the tunnels were, and whoever wrote their files', async () => {
    let imports = 0;
    await fc.assert(
      fc.asyncProperty(worlds, fc.infiniteStream(fc.nat(1000)), fc.boolean(), async (world, stream, byHand) => {
        const known = namesOf(world.tunnels);
        const all = (await soundTunnels(world.tunnels, known, world.options)).tunnels;
        const written = hostsOf(all, world.options);
        const random = () => Number(stream.next().value);
        const hosts = byHand ? written.map((host) => ({ ...host, files: handWritten(host, all, random) })) : written;
        const imported = importOf(hosts);
        const sound = await soundTunnels(imported.tunnels, known, imported.options);
        expect([...imported.findings, ...sound.findings].filter(({ severity }) => severity === 'error')).toEqual([]);
        const read = await throughYaml(sound.tunnels, known, imported.options);
        expect(read.tunnels.map(keysOf).sort()).toEqual(all.map(keysOf).sort());
        if (all.length === 0) return;
        const compiled = compileWorld({ tunnels: read.tunnels, racoon: read.racoon });
        for (const { name, files } of hosts) expect(due(tasksOf(compiled, name), files), name).toEqual([]);
        imports += all.length;
      }),
      { numRuns: 100 },
    );
    expect(imports).toBeGreaterThan(100);
  });

  test('of one end alone, too: its peer is external', async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const all = (await soundTunnels(world.tunnels, namesOf(world.tunnels), world.options)).tunnels;
        const hosts = hostsOf(all, world.options).filter(({ name }) => !name.startsWith('right'));
        const imported = importOf(hosts);
        const sound = await soundTunnels(imported.tunnels, namesOf(all), imported.options);
        expect(sound.tunnels).toHaveLength(all.length);
        expect(imported.findings.filter(({ code }) => code === 'import-unpaired')).toHaveLength(all.length);
        if (all.length === 0) return;
        const read = await throughYaml(sound.tunnels, namesOf(all), imported.options);
        const compiled = compileWorld({ tunnels: read.tunnels, racoon: read.racoon });
        for (const { name, files } of hosts) expect(due(tasksOf(compiled, name), files), name).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('no key is in any finding', async () => {
    let differing = 0;
    await fc.assert(
      fc.asyncProperty(worlds, async (world) => {
        const all = (await soundTunnels(world.tunnels, namesOf(world.tunnels), world.options)).tunnels;
        const hosts = hostsOf(all, world.options);
        // One end of each has another key.
        for (const { name, files } of hosts)
          if (name.startsWith('right'))
            for (const [path, { mode, text }] of files)
              if (path.includes('/keys-'))
                files.set(path, { mode, text: text.replace(/\w(?='?\n$)/, (last) => (last === '1' ? '2' : '1')) });
        const { findings } = importOf(hosts);
        differing += findings.filter(({ code }) => code === 'import-psk-differs').length;
        const secrets = all.flatMap(({ keying }) =>
          keying.method === 'psk' && reveal(keying.psk).length > 6 ? [reveal(keying.psk)] : [],
        );
        for (const secret of secrets)
          expect(JSON.stringify(findings)).not.toContain(JSON.stringify(secret).slice(1, -1));
      }),
      { numRuns: 60 },
    );
    expect(differing).toBeGreaterThan(10);
  });
});
