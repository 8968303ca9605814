import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import type { Inventory } from '../../inventory/inventory.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { readTunnels } from '../../inventory/tunnels/read-tunnels.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';
import { makeSource } from '../../lang/source.ts';
import type { OpenVault } from '../../lang/vaulted.ts';
import { type Located, parseYaml } from '../../lang/yaml.ts';
import type { Variables } from '../../model/host.ts';
import type { SecretFault, SecretSources } from '../../secrets/sources.ts';

/**
 * What is wrong with keys only in the edited text, as `validate` would say it: two tunnels whose keys must agree and do
 * not, an SPI that is taken. Secrets from elsewhere are not fetched; they are the same before and after.
 */
export async function newKeyFaults(
  inventory: Inventory,
  document: Located,
  edited: string,
  extraVars: Variables,
  opening: { readonly open: OpenVault; readonly openAll: NonNullable<SecretSources['openAll']> },
): Promise<readonly Diagnostic[]> {
  const { source } = document;
  const parsed = parseYaml(makeSource(source.file, edited, source.sealed), opening.open);
  if (parsed.document === null) return parsed.diagnostics;
  const errorsOf = async (each: Located) => {
    const { tunnels, diagnostics } = await readTunnels(each, inventory.hosts, {
      varsOf: ({ name }) => renderedVars(inventory, name, extraVars),
      spanOfVar: ({ name }, variable) => inventory.origins.get(name)?.get(variable),
      secrets: {
        env: () => undefined,
        file: () => NOT_FETCHED,
        command: async () => NOT_FETCHED,
        openAll: opening.openAll,
      },
    });
    const all = [...diagnostics, ...ipsecTools.check(tunnels)];
    return all.filter(({ severity, code }) => severity === 'error' && OF_KEYS.test(code));
  };
  const before = new Set((await errorsOf(document)).map(identity));
  const after = await errorsOf(parsed.document);
  return after.filter((fault) => !before.has(identity(fault))).map(withoutPlace);
}

/** Its place is one of a text that nobody has seen. */
function withoutPlace({ severity, code, message, fix }: Diagnostic): Diagnostic {
  return { severity, code, message, ...(fix === undefined ? {} : { fix }) };
}

const NOT_FETCHED: SecretFault = { fault: 'failed', why: 'it is not fetched here' };

/** The rest was wrong before, and only shows now that the tunnel has keys. */
const OF_KEYS = /^(?:keying|secret|psk|peer|manual|spi)-/;

function identity({ code, message }: Diagnostic): string {
  return `${code} ${message}`;
}
