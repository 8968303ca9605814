import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { memoryFiles } from '../../inventory/files.ts';
import { loadInventory } from '../../inventory/load-inventory.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { weakSecrets } from '../../inventory/secret-checks/weak.ts';
import { readTunnels } from '../../inventory/tunnels/read-tunnels.ts';
import { tunnelsText } from '../../inventory/tunnels/tunnels-text.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { reveal } from '../../model/secret.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import type { SecretFault } from '../../secrets/sources.ts';

export interface Sound {
  readonly tunnels: readonly Tunnel[];
  readonly findings: readonly Diagnostic[];
}

/**
 * Reads what is about to be written as every command will read it. A tunnel that the inventory's own checks refuse is left
 * out, with the reason; what they warn of is told.
 */
export async function soundTunnels(tunnels: readonly Tunnel[], hosts: string, options: object | null): Promise<Sound> {
  const findings: Diagnostic[] = [];
  let left = tunnels;
  for (;;) {
    const { text, places } = tunnelsText(left, options && { key: ipsecTools.optionsKey, value: options }, (secret) => ({
      plain: reveal(secret),
    }));
    const { inventory } = loadInventory(
      'import',
      memoryFiles({ 'import/hosts.yml': hosts, 'import/tunnels.yml': text }),
    );
    const document = inventory.tunnelsDocument;
    if (document === null) throw new Error('the imported tunnels cannot be read');
    const read = await readTunnels(document, inventory.hosts, {
      varsOf: ({ name }) => renderedVars(inventory, name),
      secrets: { env: () => undefined, file: () => NONE, command: async () => NONE, openAll: async () => {} },
    });
    const found = [...read.diagnostics, ...ipsecTools.check(read.tunnels), ...weakSecrets(read.keys, document)];
    const nameAt = ({ span }: Diagnostic) =>
      places.find(({ line, endLine }) => span !== undefined && span.line >= line && span.line < endLine)?.name;
    const faults = found.filter(({ severity }) => severity === 'error');
    if (faults.length === 0)
      return { tunnels: left, findings: [...findings, ...found.map((each) => told(each, nameAt(each)))] };
    const refused = new Set(faults.map(nameAt));
    if (![...refused].some((name) => name !== undefined)) {
      const why = faults.map(({ message }) => message).join('; ');
      throw new Error(`the imported inventory is refused: ${why}`);
    }
    for (const each of faults) {
      const name = nameAt(each);
      const place = left.find((tunnel) => tunnel.name === name)?.at();
      if (place)
        findings.push(
          error('import-refused', `${name} is left out: ${each.message}`, {
            span: place,
            ...(each.fix ? { fix: each.fix } : {}),
          }),
        );
    }
    left = left.filter(({ name }) => !refused.has(name));
  }
}

/** Its place is one of a text that nobody has seen. */
function told({ severity, code, message, fix }: Diagnostic, tunnel: string | undefined): Diagnostic {
  const title = tunnel === undefined || message.includes(tunnel) ? message : `${tunnel}: ${message}`;
  return { severity, code, message: title, ...(fix === undefined ? {} : { fix }) };
}

const NONE: SecretFault = { fault: 'failed', why: 'it is not fetched here' };
