import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { modules } from '../../../modules/index.ts';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import type { StopSignal } from '../../engine/host-run.ts';
import { type Link, openLink } from '../../engine/link.ts';
import { exitCodeOf } from '../../engine/result.ts';
import { type RunInput, type RunOutcome, run } from '../../engine/run.ts';
import { schedule } from '../../engine/schedule.ts';
import { openSession } from '../../engine/session.ts';
import { onHost, type Rendering } from '../../engine/sh.ts';
import type { InventoryFiles } from '../../inventory/files.ts';
import { hasErrors } from '../../lang/diagnostic.ts';
import type { Source } from '../../lang/source.ts';
import type { Secret } from '../../model/secret.ts';
import type { CompiledHost, CompiledPlay } from '../../model/task.ts';
import type { TunnelVerdict } from '../../model/verdict.ts';
import { type RunDocument, refusedDocument, refusedLine } from '../../report/json.ts';
import type { Reporter } from '../../report/output.ts';
import { type ShardInDocument, withShard } from '../../report/shard-document.ts';
import { makeFingerprint } from '../../secrets/fingerprint.ts';
import { makeRedactor } from '../../secrets/redact.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { clock } from '../machine/clock.ts';
import { discreet } from '../machine/discreet.ts';
import { stopOnInterrupt } from '../machine/stop-signal.ts';
import { askSecret, type Terminal } from '../machine/terminal.ts';
import type { RunOptions } from '../options/options.ts';
import {
  type Needs,
  type Overlay,
  type Project,
  type ProjectCheck,
  readProject,
  showDiagnostics,
} from '../project/load.ts';
import { connectionFaults, targetsOf } from '../reach/targets.ts';
import { topologyOf } from '../reach/topology.ts';
import { openWorld } from '../reach/world.ts';
import { ownMaxDown, shardInDocument, shardLines } from '../shard/words.ts';
import { runId } from './id.ts';
import { proofOfRun } from './proof.ts';
import { startRecord } from './recorder.ts';
import { runRecords } from './records.ts';
import { makeReporter, SILENT } from './reporter.ts';
import { timer } from './timer.ts';
import { openTrace } from './trace-file.ts';
import { noteVerdicts } from './tunnel-records.ts';
import { canaryOf, waveLines } from './wave-lines.ts';
import { widenedLines } from './widened.ts';

/** All that a command has once its input is read, and the way to its hosts open. */
export interface OpenRun {
  /** Names the run here and on the hosts. */
  readonly id: string;
  readonly project: Project;
  /** Redacts what it shows. */
  readonly terminal: Terminal;
  readonly stop: StopSignal;
  /** For its documents; null: it is about all hosts. */
  readonly shard: ShardInDocument | null;
  redact(text: string): string;
  /** Goes over all plays once. */
  pass(what: 'check' | 'apply', settings?: PassSettings): Promise<PassOutcome>;
  /** Waits for a person, which is no time of the run's. */
  waitFor<T>(answer: () => Promise<T>): Promise<T>;
  /** Opens a way to one host, for scripts with this nonce that are no play's. */
  link(host: CompiledHost, nonce: string): Promise<Link>;
  rendering(host: string): Rendering;
}

/** What came of a pass, and the name under which it was made and recorded; null for a check. */
export interface PassOutcome extends RunOutcome {
  readonly run: string | null;
  /** Of the tunnels that it has brought up and looked at. */
  readonly verdicts: readonly TunnelVerdict[];
  /** Of the files that the verdicts point at. */
  readonly sources: ReadonlyMap<string, Source>;
  readonly shard: ShardInDocument | null;
}

export interface PassSettings extends Partial<Pick<RunInput, 'agreed' | 'observe' | 'together' | 'plays' | 'modules'>> {
  /** The run that this one takes back. */
  readonly rollbackOf?: string;
  /** No reporter listens: what comes of it is for the caller. */
  readonly silent?: boolean;
  /** Its diffs were on the screen already; those of what was agreed to were. */
  readonly shown?: boolean;
}

export interface RunSettings {
  /** As the document of `--output json` names it. */
  readonly command: RunDocument['command'] | null;
  readonly playbook: string | undefined;
  readonly options: RunOptions;
  readonly terminal: Terminal;
  /** In place of fingerprints that only this run understands. */
  readonly fingerprint?: (secret: Secret) => string;
  /** What must be right beside the ways to the hosts. */
  readonly check?: ProjectCheck;
  /** Of the files that the check has read beside those of the project. */
  readonly sources?: ReadonlyMap<string, Source>;
  readonly needs?: Needs;
  /** What it is about was named on the command line: tunnels. */
  readonly names?: readonly string[];
  /** In place of the files on the disk. */
  readonly files?: InventoryFiles;
  /** Files as they are not on the disk, and tunnels that get new keys by them: a proof is of SAs made with those. */
  readonly overlay?: Overlay;
  /** In place of the playbook's plays. */
  readonly plays?: (project: Project) => readonly CompiledPlay[];
}

/** Reads the input, says all that is wrong with it, asks for passwords, and lets `work` go over the hosts. */
export async function openRun(settings: RunSettings, work: (opened: OpenRun) => Promise<number>): Promise<number> {
  const { command, playbook, options } = settings;
  const redactor = makeRedactor();
  const terminal = discreet(settings.terminal, redactor);
  const withPlays = (read: Project) => (settings.plays === undefined ? read : { ...read, plays: settings.plays(read) });
  const { project: read, diagnostics } = await readProject(
    options,
    playbook,
    terminal,
    async (found) => [...connectionFaults(withPlays(found), options, true), ...((await settings.check?.(found)) ?? [])],
    settings.needs,
    settings.files,
    settings.overlay,
  );
  const project = withPlays(read);
  showDiagnostics(diagnostics, new Map([...project.sources, ...(settings.sources ?? [])]), options, terminal);
  const shard = shardInDocument(options, hasErrors(diagnostics) ? null : project.shard, settings.names);
  if (hasErrors(diagnostics)) {
    if (command === null) return EXIT.input;
    const refused = withShard(refusedDocument(command, playbook ?? '', diagnostics), shard);
    if (options.output === 'json') printJson(refused, terminal);
    if (options.output === 'jsonl') terminal.stdout(refusedLine(diagnostics));
    return EXIT.input;
  }
  const traceFile = options.trace === undefined ? null : openTrace(options.trace, terminal);
  const canary = canaryOf(options.canary, project.plays, options.shard);
  const asked = {
    password: options.askPass === true ? await demand(terminal, 'SSH password: ') : null,
    becomePassword: options.askBecomePass === true ? await demand(terminal, 'become password: ') : null,
  };
  const targets = targetsOf(project.plays, project.inventory, project.extraVars, options, asked);

  for (const secret of [...project.secrets, ...targets.secrets]) redactor.add(secret);
  let stopping = () => {};
  const stop = stopOnInterrupt(terminal, () => stopping());
  const world = await openWorld(project, options, terminal, stop.signal);
  // Shards begin at the same second, and their runs must not have one name.
  const id = runId(new Date(), randomBytes(options.shard === undefined ? 2 : 6));
  const byName = new Map(project.plays.flatMap(({ hosts }) => hosts.map((host) => [host.host, host])));
  const known = new Set(project.plays.flatMap(({ hosts }) => hosts));
  const target = (host: CompiledHost) => {
    const own = known.has(host) ? host : byName.get(host.host);
    return world.target(targets.of(own ?? host));
  };
  const records = runRecords(terminal);
  const who = `${terminal.user}@${hostname()}`;
  for (const line of [
    ...shardLines(project.shard, project.plays, options),
    ...widenedLines(options.limit, project.widened),
    ...waveLines(project.plays),
  ])
    terminal.stderr(line);
  const base: Omit<RunInput, 'command' | 'limits' | 'emit' | 'agreed'> = {
    plays: project.plays,
    target,
    transport: world.transport,
    rendering: world.rendering ?? (() => onHost),
    modules: new Map(modules.map((module) => [module.name, module])),
    redaction: { redact: redactor.redact, fingerprint: settings.fingerprint ?? makeFingerprint(randomBytes(32)) },
    clock,
    nonce: () => randomBytes(12).toString('hex'),
    forks: options.forks,
    ...(traceFile === null ? {} : { trace: traceFile.lane }),
    stop: stop.signal,
    topology: topologyOf(project),
    canary,
    maxDown: ownMaxDown(options.maxDown, options.shard),
    transaction: {
      id,
      owner: [`who ${who}`],
      patience: { confirm: options.confirmTimeout ?? 90, gone: 10, prepared: 600 },
      confirm: options.confirm ?? 'auto',
      last: new Set(),
    },
  };
  const since = clock();
  let asking = 0;
  const limits = () => ({
    command: options.commandTimeout ?? null,
    total: options.totalTimeout ?? null,
    spent: (clock() - since - asking) / 1000,
    timer,
  });

  try {
    return await work({
      id,
      project,
      terminal,
      stop: stop.signal,
      shard,
      redact: redactor.redact,
      link: (host, nonce) =>
        openLink({
          open: () => openSession(base.transport, target(host), nonce, traceFile?.lane(host.host)),
          patience: base.transaction.patience.confirm * 1000,
          clock: base.clock,
          sleep: (ms) => new Promise((resolve) => void timer(ms, resolve)),
        }),
      rendering: base.rendering,
      pass: async (what, { agreed = null, silent = false, shown = agreed !== null, rollbackOf, ...more } = {}) => {
        const plays = more.plays ?? project.plays;
        if (what === 'apply' && options.confirm === 'manual') refuseManual(plays, canary !== null);
        const reporter: Reporter = silent ? SILENT : await makeReporter(what, options, terminal, shown);
        const named = what === 'apply' ? id : null;
        const started = { type: 'run-started', command: what, playbook: playbook ?? '', run: named } as const;
        reporter.listen(started);
        traceFile?.listen(started);
        stopping = () => reporter.listen({ type: 'stopping' });
        const recorded = { run: id, rollbackOf: rollbackOf ?? null, who, pid: process.pid, playbook: playbook ?? '' };
        const unrecorded = () => terminal.stderr(UNRECORDED);
        const recorder =
          what === 'apply' ? startRecord({ ...recorded, options, plays }, records, base.clock, unrecorded) : null;
        const isProven = what === 'apply' && options.verify !== false && rollbackOf === undefined;
        const renewed = { names: settings.overlay?.renewed ?? new Set<string>(), clock: base.clock };
        const proof = isProven ? proofOfRun(ipsecTools, project, base.transaction.patience.confirm, renewed) : null;
        const outcome = await run({
          ...base,
          ...more,
          transaction: { ...base.transaction, proof },
          limits: limits(),
          command: what,
          emit: (event) => {
            recorder?.listen(event);
            traceFile?.listen(event);
            reporter.listen(event);
          },
          agreed,
        });
        recorder?.end(outcome, exitCodeOf(what, outcome));
        await reporter.close();
        const verdicts = proof?.verdicts() ?? [];
        noteVerdicts(keptOf(verdicts, outcome), options, terminal);
        return { ...outcome, run: named, verdicts, sources: project.sources, shard };
      },
      waitFor: async (answer) => {
        const shown = clock();
        const answered = await answer();
        asking += clock() - shown;
        return answered;
      },
    });
  } finally {
    stop.forget();
    await world.close();
    traceFile?.close();
  }
}

/** What was seen of a tunnel that was then taken back tells nothing about the one that is there now. */
function keptOf(verdicts: readonly TunnelVerdict[], { hosts }: RunOutcome): readonly TunnelVerdict[] {
  const isKept = (host: string) => ['ok', 'changed'].includes(hosts.get(host)?.status ?? '');
  return verdicts.filter(({ ends }) => ends.every(({ host }) => isKept(host)));
}

const UNRECORDED =
  'ipsec-play: .ipsec-play/runs cannot be written here, so history, confirm, rollback and resume will not know this run\n';

/** Each play of a run waits on its own, and the next one would find its hosts taken. */
function refuseManual(plays: readonly CompiledPlay[], hasCanary: boolean): void {
  const names = plays.flatMap(({ hosts }) => hosts.map(({ host }) => host));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new UsageFault(
      `--confirm manual: several plays of this playbook work on ${twice}, and one would have to be confirmed before the next`,
      'a playbook of one play, or --confirm auto',
    );
  }
  const goesInWaves = plays.some((play) => {
    const waves = schedule(play, null);
    return waves.next() !== null && waves.next() !== null;
  });
  if (goesInWaves && !hasCanary) {
    throw new UsageFault(
      '--confirm manual: this play goes in waves (serial, redundancy_group), and the first would go back before the last is done',
      'confirm one after another: --canary, or --limit; or --confirm auto',
    );
  }
}

export function printJson(document: object, terminal: Terminal): void {
  terminal.stdout(`${JSON.stringify(document, null, 2)}\n`);
}

async function demand(terminal: Terminal, question: string): Promise<Secret> {
  const answer = await askSecret(terminal, question);
  if (answer === null) {
    throw new UsageFault(
      `nobody is there to answer "${question.trim()}"`,
      'ansible_password or ansible_become_password in the inventory',
    );
  }
  return answer;
}
