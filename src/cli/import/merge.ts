import type { ImportedHost } from '../../compile/backends/backend.ts';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { readTunnels } from '../../inventory/tunnels/read-tunnels.ts';
import { tunnelsText, type WrittenSecret } from '../../inventory/tunnels/tunnels-text.ts';
import { appendEntries } from '../../lang/append-entries.ts';
import { type Diagnostic, error } from '../../lang/diagnostic.ts';
import { makeSource } from '../../lang/source.ts';
import { type Located, parseYaml } from '../../lang/yaml.ts';
import { reveal } from '../../model/secret.ts';
import { parseAddress } from '../../model/subnet.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { UNOPENED } from '../../model/unopened.ts';
import type { Project } from '../project/load.ts';

/** What the inventory has, for an import that is added to it. */
export function knownInventory(
  { inventory, tunnels, backendOptions, extraVars }: Project,
  imported: ReadonlySet<string>,
): NonNullable<Parameters<typeof ipsecTools.importer.pair>[1]> {
  const varsOf = (host: string) => renderedVars(inventory, host, extraVars);
  const others = [...inventory.hosts.keys()].filter((host) => !imported.has(host));
  return {
    tunnels,
    addresses: new Map(
      others.flatMap((host) => {
        const { ipsec_address, ansible_host = host } = varsOf(host);
        const address = parseAddress(String(ipsec_address ?? ansible_host));
        return typeof address === 'string' ? [[host, address] as const] : [];
      }),
    ),
    options: (host) => [backendOptions, varsOf(host)[ipsecTools.optionsKey]],
  };
}

export interface Additions {
  readonly tunnels: readonly Tunnel[];
  readonly findings: readonly Diagnostic[];
  /** tunnels.yml with them. */
  text(written: WrittenSecret): string;
}

/**
 * The tunnels that can be added to the inventory's tunnels.yml: read together with what stands there, they must be no
 * mistake, and the same tunnels, whatever `defaults` say.
 */
export async function additions(
  project: Project,
  document: Located,
  hosts: readonly ImportedHost[],
  tunnels: readonly Tunnel[],
): Promise<Additions> {
  const { file, text: before } = document.source;
  const place = document.keySpan(['tunnels']);
  const known = await readAll(project, document);
  const errorsOf = (diagnostics: readonly Diagnostic[], all: readonly Tunnel[]) =>
    [...diagnostics, ...ipsecTools.check(all)].filter(({ severity }) => severity === 'error');
  const earlier = new Set(errorsOf(known.diagnostics, project.tunnels).map(({ message }) => message));
  const differing = (all: readonly Tunnel[]) =>
    new Map(pairKnown(hosts, all).map((each) => [each.name, each.differing]));
  const alone = differing(tunnels);
  const findings: Diagnostic[] = [];
  let left = tunnels;
  while (left.length > 0) {
    const merged = withTunnels(before, left, (secret) => ({ plain: reveal(secret) }));
    const parsed = merged && parseYaml(makeSource(file, merged.text), () => UNOPENED).document;
    if (!merged || !parsed) {
      const fix = '`tunnels:` with one tunnel below the other, not in braces; or --out with a new folder';
      findings.push(error('import-not-added', `nothing can be added to the tunnels of ${file}`, { span: place, fix }));
      left = [];
      break;
    }
    const read = await readAll(project, parsed);
    const faults = errorsOf(read.diagnostics, [...project.tunnels, ...left]).filter((one) => !earlier.has(one.message));
    const nameOf = ({ span }: Diagnostic) =>
      merged.places.find(
        ({ line, endLine }) => span?.file === file && span !== undefined && span.line >= line && span.line < endLine,
      )?.name ?? left.find((tunnel) => tunnel.at() === span)?.name;
    const refused = new Map(faults.map((one) => [nameOf(one), one.message] as const));
    const now = differing(read.tunnels);
    for (const { name } of left) {
      const others = now.get(name)?.filter((one) => !alone.get(name)?.includes(one)) ?? [];
      if (others.length > 0 && !refused.has(name))
        refused.set(
          name,
          `\`defaults\` of ${file} would make another tunnel of it (${others.join(', ')}); say it there in the tunnels that need it`,
        );
    }
    if (refused.size === 0) break;
    // A fault that belongs to none of them may be any of them.
    const hasUnknown = refused.has(undefined);
    for (const [name, why] of refused) {
      const tunnel = left.find((each) => each.name === name);
      const title = name === undefined ? 'the tunnels are' : `${name} is`;
      findings.push(
        error('import-refused', `${title} left out: ${why}`, {
          ...(tunnel ? { span: tunnel.at() } : {}),
          fix: `correct it on the hosts or in ${file}, and import again`,
        }),
      );
    }
    left = hasUnknown ? [] : left.filter(({ name }) => !refused.has(name));
  }
  return { tunnels: left, findings, text: (written) => withTunnels(before, left, written)?.text ?? before };
}

function pairKnown(hosts: readonly ImportedHost[], tunnels: readonly Tunnel[]) {
  return ipsecTools.importer.pair(hosts, { tunnels, addresses: new Map(), options: () => [] }).known;
}

function withTunnels(before: string, tunnels: readonly Tunnel[], written: WrittenSecret) {
  const { text, places } = tunnelsText(tunnels, null, written);
  const appended = appendEntries(before, 'tunnels', text.slice(text.indexOf('\n') + 1));
  if (appended === null) return null;
  // The first of them stands in the second line of a text of its own.
  const more = appended.line - 2;
  return {
    text: appended.text,
    places: places.map(({ name, line, endLine }) => ({ name, line: line + more, endLine: endLine + more })),
  };
}

/** Nothing is fetched or opened for it: what was there is the same as before. */
function readAll({ inventory, extraVars }: Project, document: Located) {
  return readTunnels(document, inventory.hosts, {
    varsOf: ({ name }) => renderedVars(inventory, name, extraVars),
    spanOfVar: ({ name }, variable) => inventory.origins.get(name)?.get(variable),
    secrets: {
      env: () => reveal(UNOPENED),
      file: () => reveal(UNOPENED),
      command: async () => reveal(UNOPENED),
      openAll: async () => {},
    },
    wants: () => false,
  });
}
