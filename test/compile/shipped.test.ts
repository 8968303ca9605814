import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ipsecTools } from '../../src/compile/backends/ipsec-tools/index.ts';
import { type Compiled, compile } from '../../src/compile/compile.ts';
import { FACT_NAMES } from '../../src/engine/facts.ts';
import { fileInventory } from '../../src/inventory/files.ts';
import { loadInventory } from '../../src/inventory/load-inventory.ts';
import { selectHosts } from '../../src/inventory/pattern.ts';
import { hostVariables, renderedVars } from '../../src/inventory/rendered-vars.ts';
import { readTunnels, type TunnelsRead } from '../../src/inventory/tunnels/read-tunnels.ts';
import { type Content, joined } from '../../src/model/content.ts';
import { reveal } from '../../src/model/secret.ts';
import { secretSources } from '../../src/secrets/sources.ts';
import { argsOf, readText, registry, tasksOf } from './support/world.ts';

const ROOT = join(import.meta.dirname, '../..');
const { inventory } = loadInventory(join(ROOT, 'inventory'), fileInventory);
let tunnels: TunnelsRead;

beforeAll(async () => {
  if (inventory.tunnelsDocument === null) throw new Error('no tunnels.yml');
  tunnels = await readTunnels(inventory.tunnelsDocument, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name),
    secrets: secretSources({ env: {} }),
  });
});

describe('every shipped playbook, with the shipped inventory', () => {
  test.each(readdirSync(join(ROOT, 'playbooks')))('%s compiles without a word', (name) => {
    const compiled = compileShipped(name);
    expect(compiled.diagnostics).toEqual([]);
    expect(compiled.plays.flatMap(({ hosts }) => hosts.flatMap(({ tasks }) => tasks)).length).toBeGreaterThan(0);
  });
});

describe('the files of site.yml are to the letter what the chapters print', () => {
  const letter = (host: string, file: string) => {
    const path = `/etc/sysconfig/network-scripts/${file}`;
    const tasks = tasksOf(compileShipped('site.yml'), host).map(argsOf);
    const { content } = tasks.find((args) => args.path === path) ?? {};
    const text = joined(content as Content);
    return typeof text === 'string' ? text : reveal(text);
  };
  const lines = (...list: string[]) => `${list.join('\n')}\n`;

  test('host-to-host', () => {
    const common = ['TYPE=IPSEC', 'ONBOOT=no', 'IKE_METHOD=PSK'];
    expect(letter('pinky', 'ifcfg-ipsec1')).toBe(lines('DST=198.51.100.2', ...common));
    expect(letter('ijin', 'ifcfg-ipsec1')).toBe(lines('DST=198.51.100.1', ...common));
    expect(letter('pinky', 'keys-ipsec1')).toBe('IKE_PSK=Key_Value01\n');
    expect(letter('ijin', 'keys-ipsec1')).toBe('IKE_PSK=Key_Value01\n');
  });

  test('network-to-network', () => {
    const [a, b] = [1, 2].map((net) => ({ gateway: `192.168.${net}.254`, net: `192.168.${net}.0/24` }));
    const file = (src = a, dst = b, peer = '') =>
      lines(
        'TYPE=IPSEC',
        'ONBOOT=yes',
        'IKE_METHOD=PSK',
        `SRCGW=${src?.gateway}`,
        `DSTGW=${dst?.gateway}`,
        `SRCNET=${src?.net}`,
        `DSTNET=${dst?.net}`,
        `DST=${peer}`,
      );
    expect(letter('lana', 'ifcfg-ipsec0')).toBe(file(a, b, '203.0.113.2'));
    expect(letter('lanb', 'ifcfg-ipsec1')).toBe(file(b, a, '203.0.113.1'));
    expect(letter('lana', 'keys-ipsec0')).toBe('IKE_PSK=r3dh4tl1nux\n');
    expect(letter('lanb', 'keys-ipsec1')).toBe('IKE_PSK=r3dh4tl1nux\n');
  });
});

function compileShipped(playbook: string): Compiled {
  const { plays, diagnostics } = readText(readFileSync(join(ROOT, 'playbooks', playbook), 'utf8'));
  expect(diagnostics).toEqual([]);
  return compile({
    plays,
    select: (pattern) => selectHosts(inventory, pattern),
    tunnels: tunnels.tunnels,
    backend: ipsecTools,
    backendOptions: tunnels.racoon?.value ?? null,
    registry,
    factNames: FACT_NAMES,
    varsOf: (host) => hostVariables(inventory, host),
    options: { tags: [], skipTags: [], extraVars: {} },
  });
}
