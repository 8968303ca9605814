import { resolve } from 'node:path';
import { inParallel } from '../../engine/parallel.ts';
import { targetOf } from '../../inventory/connection.ts';
import { selectHosts } from '../../inventory/pattern.ts';
import { hostVariables } from '../../inventory/rendered-vars.ts';
import { type Diagnostic, hasErrors } from '../../lang/diagnostic.ts';
import type { Target } from '../../model/host.ts';
import { visibleLine } from '../../report/visible.ts';
import { hostKeyFiles } from '../../transport/host-keys.ts';
import { reviewHostKeys } from '../../transport/review-host-keys.ts';
import { scanHostKeys } from '../../transport/scan-host-keys.ts';
import { type SshTransport, sshTransport } from '../../transport/ssh.ts';
import { knownHost } from '../../transport/ssh-handshake.ts';
import type { SshSettings } from '../../transport/ssh-settings.ts';
import { ConnectFault } from '../../transport/transport.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { askSecret, type Terminal } from '../machine/terminal.ts';
import type { ScanOptions } from '../options/options.ts';
import { loadProject, type Project } from '../project/load.ts';
import { readProjectKeys, type ScannedHost, unambiguous, writeProjectKeys } from '../reach/project-keys.ts';
import { scanDocument, scanLines, summary } from '../reach/scan-report.ts';
import { projectKnownHostsFile, sshConfigFor } from '../reach/ssh-config.ts';
import { overridesOf } from '../reach/targets.ts';

/** Collects the host keys of hosts, shows them for review, and writes those that are new into the project's known_hosts. */
export async function hostsScan(
  pattern: string | undefined,
  options: ScanOptions,
  terminal: Terminal,
): Promise<number> {
  if (options.lab !== undefined) {
    throw new UsageFault('stand-ins have host keys of their own, which the lab knows', 'hosts scan without --lab');
  }
  const file = projectKnownHostsFile(options.inventory);
  const project = readProjectKeys(file);
  let chosen: Chosen = { targets: [], diagnostics: [] };
  const loaded = await loadProject(
    options,
    undefined,
    terminal,
    (read) => {
      chosen = chooseHosts(read, pattern ?? 'all', options);
      return [...project.diagnostics, ...chosen.diagnostics];
    },
    'connections',
  );
  if (loaded === null) return EXIT.input;
  const { targets } = chosen;
  if (targets.length === 0) throw new UsageFault('none of these hosts is reached over SSH');

  const path = resolve(terminal.cwd, file);
  const named = { file, shown: (each: string) => (each === path ? file : each) };
  // In place of a death by the signal, which would leave the ProxyCommands behind.
  const stay = terminal.onInterrupt(() => terminal.exitNow(EXIT.interrupted));
  const scanned = unambiguous(await scanAll(targets, path, options, terminal).finally(stay));
  const asked = summary(scanned, file, options.replace === true);
  if (options.output === 'human') terminal.stdout(`${scanLines(scanned, named, options, terminal).join('\n')}\n`);
  const mayWrite = asked.count > 0 && (options.yes === true || (await agrees(asked.question, options, terminal)));
  if (mayWrite) writeProjectKeys(file, project.text, scanned, options.replace === true);

  const isRefused = ({ fault, review }: ScannedHost) =>
    fault !== null || (review?.isSound === false && !(mayWrite && options.replace && review.replaceable.length > 0));
  const code = scanned.some(isRefused) ? EXIT.unreachable : EXIT.done;
  if (options.output === 'human') {
    terminal.stdout(`${mayWrite ? asked.done : asked.left}\n`);
  } else {
    const document = scanDocument(scanned, named, mayWrite ? asked.count : 0, code);
    terminal.stdout(`${JSON.stringify(document, null, options.output === 'json' ? 2 : 0)}\n`);
  }
  return code;
}

interface Chosen {
  readonly targets: readonly Target[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The hosts that are meant and reached over SSH. Nobody logs in there, so no password need be had. */
function chooseHosts({ inventory, extraVars }: Project, pattern: string, options: ScanOptions): Chosen {
  const selections = [pattern, ...(options.limit === undefined ? [] : [options.limit])].map((each) =>
    selectHosts(inventory, each),
  );
  const diagnostics = selections.flatMap((selection) => selection.diagnostics);
  const [first, limit] = selections.map(({ hosts }) => hosts);
  const names = (first ?? []).filter((name) => limit === undefined || limit.includes(name));
  if (names.length === 0 && !hasErrors(diagnostics)) {
    throw new UsageFault(`--limit "${options.limit}" leaves no host of "${pattern}"`);
  }
  const targets = names.flatMap((name) => {
    const host = inventory.hosts.get(name);
    if (host === undefined) return [];
    const vars = Object.entries(hostVariables(inventory, name, extraVars)).filter(([each]) => !PASSWORDS.test(each));
    const spanOf = (variable: string) => inventory.origins.get(name)?.get(variable);
    const read = targetOf(host, Object.fromEntries(vars), overridesOf(options, false), spanOf);
    diagnostics.push(...read.diagnostics);
    return read.target?.connection === 'ssh' ? [read.target] : [];
  });
  return { targets, diagnostics };
}

const PASSWORDS = /^ansible_(become|password$|ssh_pass)/;

async function scanAll(
  targets: readonly Target[],
  projectFile: string,
  options: ScanOptions,
  terminal: Terminal,
): Promise<readonly ScannedHost[]> {
  const { settingsOf } = sshConfigFor(options, terminal);
  const found = new Map<Target, SshSettings>();
  const failed: ScannedHost[] = [];
  const say = ({ hosts, review, fault }: ScannedHost) => {
    if (terminal.progress === null && options.verbose === 0) return;
    const outcome = fault === null ? `host keys: ${review?.keys.length}` : fault.message;
    terminal.stderr(`${visibleLine(`[${hosts.join(', ')}] ${outcome}`)}\n`);
  };
  await inParallel(targets, options.forks, async (target) => {
    const settings = await settingsOf(target).catch(onlyFaults);
    if (!(settings instanceof ConnectFault)) return void found.set(target, settings);
    failed.push({ hosts: [target.name], knownAs: null, review: null, fault: settings });
  });

  const ssh = sshTransport({
    settingsOf: async (target) => found.get(target) ?? settingsOf(target),
    ask: terminal.interactive ? (question) => askSecret(terminal, question) : null,
    env: terminal.env,
  });
  const files = hostKeyFiles();
  const scanned: ScannedHost[] = [];
  try {
    await inParallel(sameWay(targets, found), options.forks, async ({ hosts, target, settings }) => {
      const outcome = await scan(ssh, target, settings).catch(onlyFaults);
      const one = reviewed(hosts, settings, outcome, files, projectFile);
      say(one);
      scanned.push(one);
    });
  } finally {
    await ssh.close();
  }
  for (const one of failed) say(one);
  const order = new Map(targets.map(({ name }, index) => [name, index]));
  const place = ({ hosts: [first = ''] }: ScannedHost) => order.get(first) ?? 0;
  return [...failed, ...scanned].sort((one, other) => place(one) - place(other));
}

/** Hosts that are one and the same, as far as SSH knows. */
function sameWay(targets: readonly Target[], found: ReadonlyMap<Target, SshSettings>) {
  const ways = new Map<string, { readonly hosts: string[]; readonly target: Target; readonly settings: SshSettings }>();
  for (const target of targets) {
    const settings = found.get(target);
    if (settings === undefined) continue;
    const { hostName: address, port, hostKeyAlias, proxy, algorithms, profile, knownHostsFiles } = settings;
    const id = JSON.stringify([address, port, hostKeyAlias, proxy, algorithms, profile, knownHostsFiles]);
    const known = ways.get(id);
    if (known) known.hosts.push(target.name);
    else ways.set(id, { hosts: [target.name], target, settings });
  }
  return [...ways.values()];
}

async function scan(ssh: SshTransport, target: Target, settings: SshSettings): Promise<readonly Buffer[]> {
  const way = await ssh.wayTo(target);
  try {
    return await scanHostKeys(settings, way.open);
  } finally {
    way.done();
  }
}

function reviewed(
  hosts: readonly string[],
  settings: SshSettings,
  outcome: readonly Buffer[] | ConnectFault,
  files: ReturnType<typeof hostKeyFiles>,
  projectFile: string,
): ScannedHost {
  const knownAs = knownHost(settings);
  if (outcome instanceof ConnectFault) return { hosts, knownAs, review: null, fault: outcome };
  try {
    const { known } = files.of(settings.knownHostsFiles, false);
    return { hosts, knownAs, review: reviewHostKeys(known, projectFile, knownAs, outcome), fault: null };
  } catch (fault) {
    return { hosts, knownAs, review: null, fault: onlyFaults(fault) };
  }
}

function onlyFaults(fault: unknown): ConnectFault {
  if (fault instanceof ConnectFault) return fault;
  throw fault;
}

async function agrees(question: string, options: ScanOptions, terminal: Terminal): Promise<boolean> {
  if (!terminal.interactive || options.output !== 'human') return false;
  const answer = await terminal.ask(question);
  return answer !== null && /^y(es)?$/i.test(answer.trim());
}
