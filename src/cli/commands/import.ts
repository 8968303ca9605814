import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ImportedHost } from '../../compile/backends/backend.ts';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { look } from '../../engine/look.ts';
import { inParallel } from '../../engine/parallel.ts';
import { renderedVars } from '../../inventory/rendered-vars.ts';
import { type Diagnostic, error, hasErrors } from '../../lang/diagnostic.ts';
import type { Variables } from '../../model/host.ts';
import { parseAddress } from '../../model/subnet.ts';
import type { CompiledHost } from '../../model/task.ts';
import { visibleLine } from '../../report/visible.ts';
import { ConnectFault } from '../../transport/transport.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { folderOf, inTheWay, isSameFolder, outFolder } from '../import/files.ts';
import { connectionOf, hostsText, importHosts, ownNames } from '../import/hosts.ts';
import { additions, knownInventory } from '../import/merge.ts';
import { type ImportOutcome, importDocument, importLines } from '../import/report.ts';
import { soundTunnels } from '../import/sound.ts';
import { writeAdded, writeAll } from '../import/write.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { ImportOptions } from '../options/options.ts';
import { type Project, showDiagnostics } from '../project/load.ts';
import { type OpenRun, openRun } from '../run/open.ts';

/** Reads what is on hosts, and writes it as an inventory. Nothing is changed on any host, and nothing that stands in a file. */
export async function importTunnels(
  words: readonly string[],
  options: ImportOptions,
  terminal: Terminal,
): Promise<number> {
  const merges = options.merge === true;
  if (merges && options.out !== undefined)
    throw new UsageFault('--merge adds to the inventory of -i, and --out makes a new one', 'one of both');
  const out = merges ? folderOf(options.inventory) : outFolder(options.out);
  const source = importHosts(words, options);
  if (merges && source.isAdHoc)
    throw new UsageFault(`there is no inventory ${options.inventory} to add to`, '-i FOLDER; or without --merge');
  const keepsHosts = merges || (!source.isAdHoc && isSameFolder(out, options.inventory));
  const standing = merges ? [] : inTheWay([...(keepsHosts ? [] : [join(out, 'hosts.yml')]), join(out, 'tunnels.yml')]);
  if (standing.length > 0)
    return finish({ code: EXIT.input, files: [], tunnels: [], known: [] }, standing, options, terminal);
  const plays = (project: Project) => [
    {
      name: 'import',
      serial: [],
      hosts: source.select(project).hosts.map((host) => ({ host, tasks: [], become: null })),
    },
  ];
  const check = (project: Project) => source.select(project).diagnostics;
  const needs = options.lab === undefined && !merges ? 'connections' : 'hosts';
  const settings = { command: null, playbook: undefined, options, terminal, needs, plays, check } as const;
  return openRun({ ...settings, ...(source.files === undefined ? {} : { files: source.files }) }, async (opened) => {
    const hosts = opened.project.plays.flatMap((play) => play.hosts);
    if (hosts.length === 0) throw new UsageFault('no host is left to import from');
    const { seen, code, faults } = await readAll(opened, hosts, options);
    if (code !== EXIT.done) {
      if (options.output === 'human') return code;
      return finish({ code, files: [], tunnels: [], known: [] }, faults, options, opened.terminal);
    }
    const names = source.isAdHoc
      ? ownNames(seen.map(({ name, seen: each }) => ({ name, hostname: ipsecTools.importer.hostname(each) })))
      : new Map<string, string>();
    const named = seen.map((host) => ({ ...host, name: names.get(host.name) ?? host.name }));
    const document = merges ? opened.project.inventory.tunnelsDocument : null;
    const imported = ipsecTools.importer.pair(
      named,
      ...(document ? [knownInventory(opened.project, new Set(seen.map(({ name }) => name)))] : []),
    );
    const findings = [...imported.findings];
    const inventory = new Map<string, Variables>();
    for (const { name } of seen) {
      const { vars, diagnostics } = connectionOf(opened.project.inventory, name, opened.project.extraVars, options);
      const own = imported.hostOptions.get(names.get(name) ?? name);
      inventory.set(names.get(name) ?? name, { ...vars, ...(own ? { [ipsecTools.optionsKey]: own } : {}) });
      if (!keepsHosts) findings.push(...diagnostics);
    }
    const hostsYaml = hostsText(inventory);
    const sound = await soundTunnels(imported.tunnels, hostsYaml, imported.options);
    findings.push(...sound.findings);
    const added = document && (await additions(opened.project, document, named, sound.tunnels));
    findings.push(...(added?.findings ?? []));
    const tunnels = added?.tunnels ?? sound.tunnels;
    const written =
      document && added
        ? await writeAdded(opened.project, document, added, options, opened.terminal)
        : await writeAll(
            { out, keepsHosts, hostsYaml, tunnels, imported, source: options.inventory },
            options,
            opened.terminal,
          );
    const isWritten = written.faults.length === 0;
    const outcome = !isWritten ? EXIT.input : hasErrors(findings) ? EXIT.failed : EXIT.done;
    return finish(
      { code: outcome, files: written.files, tunnels: isWritten ? tunnels : [], known: imported.known },
      [...findings, ...written.faults],
      options,
      opened.terminal,
    );
  });
}

interface Seen extends ImportedHost {
  readonly name: string;
}

/** All hosts at the same time, one round trip each. An import is whole or not at all: a missing host would be an external peer. */
async function readAll(
  { link, rendering, stop, project, terminal, redact }: OpenRun,
  hosts: readonly CompiledHost[],
  options: ImportOptions,
): Promise<{ readonly seen: readonly Seen[]; readonly code: number; readonly faults: readonly Diagnostic[] }> {
  const faults: Diagnostic[] = [];
  const seen = new Map<string, Seen>();
  let code: number = EXIT.done;
  const failed = (host: string, message: string, worst: number) => {
    code = Math.max(code, worst);
    terminal.stderr(`${visibleLine(`[${host}] ${message}`)}\n`);
    faults.push(
      error('import-not-read', redact(`${host}: ${message}`), { fix: 'all hosts must answer: import again' }),
    );
  };
  await inParallel(hosts, options.forks, async (host) => {
    if (stop.requested) return;
    const nonce = randomBytes(12).toString('hex');
    try {
      const open = await link(host, nonce);
      try {
        const read = ipsecTools.importer.read(
          await look(open, nonce, ipsecTools.importer.script, rendering(host.host)),
        );
        if (read === null) failed(host.host, 'reading this host did not come to its end', EXIT.failed);
        else seen.set(host.host, { name: host.host, address: addressOf(project, host.host), seen: read });
      } finally {
        await open.close().catch(() => {});
      }
    } catch (fault) {
      if (!(fault instanceof ConnectFault)) throw fault;
      failed(host.host, fault.message, EXIT.unreachable);
    }
  });
  if (stop.requested) return { seen: [], code: EXIT.interrupted, faults };
  if (code !== EXIT.done)
    terminal.stderr('Nothing is written: a host that is missing would be taken for an external peer.\n');
  return { seen: hosts.flatMap(({ host }) => seen.get(host) ?? []), code, faults };
}

function addressOf({ inventory, extraVars }: Project, host: string): string | null {
  const { ipsec_address, ansible_host = host } = renderedVars(inventory, host, extraVars);
  const address = parseAddress(String(ipsec_address ?? ansible_host));
  return typeof address === 'string' ? address : null;
}

function finish(
  outcome: ImportOutcome,
  findings: readonly Diagnostic[],
  options: ImportOptions,
  terminal: Terminal,
): number {
  if (options.output !== 'human') {
    terminal.stdout(`${JSON.stringify(importDocument(outcome, findings), null, options.output === 'json' ? 2 : 0)}\n`);
    return outcome.code;
  }
  showDiagnostics(findings, new Map(), options, terminal);
  terminal.stdout(
    importLines(outcome)
      .map((line) => `${line}\n`)
      .join(''),
  );
  return outcome.code;
}
