import { modules } from '../../../modules/index.ts';
import type { Operation } from '../../compile/backends/backend.ts';
import { ipsecTools } from '../../compile/backends/ipsec-tools/index.ts';
import { compileOperation } from '../../compile/compile-operation.ts';
import { exitCodeOf } from '../../engine/result.ts';
import type { EndStanding } from '../../model/standing.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { runDocument } from '../../report/json.ts';
import { type OperationDocument, operationDocument, type ProofOfOperation } from '../../report/operation-document.ts';
import { withShard } from '../../report/shard-document.ts';
import { verifyDocument } from '../../report/verdict-document.ts';
import { visibleLine } from '../../report/visible.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { OperateOptions } from '../options/options.ts';
import { chooseTunnels, hostsOfTunnels, leaving } from '../project/choose-tunnels.ts';
import type { Project } from '../project/load.ts';
import { codeOfProof, showFaults, showVerdicts } from '../prove/show-verdicts.ts';
import { proveTunnels, standingOfTunnels, type TunnelStanding } from '../prove/tunnels.ts';
import { type OpenRun, openRun, type PassOutcome } from '../run/open.ts';
import { noteVerdicts } from '../run/tunnel-records.ts';
import { agrees, asksFirst, hasChanges, whatNow } from './run-playbook.ts';

/**
 * `up`, `down` and `reload`: a run as any other, on both ends of each tunnel, locked, in two phases and taken back where an
 * end fails; and proven afterwards.
 */
export function operate(
  operation: Operation,
  names: readonly string[],
  options: OperateOptions,
  terminal: Terminal,
): Promise<number> {
  const chosen = (project: Project) => chooseTunnels(project, names, options.limit);
  const plays = (project: Project) => {
    const play = compileOperation(operation, chosen(project).tunnels, project.tunnels, ipsecTools);
    return play.hosts.length === 0 ? [] : [play];
  };
  const check = (project: Project) => [
    ...chosen(project).diagnostics,
    ...leaving(project, names, 'bring up, take down or reload'),
  ];
  const settings = { ...({ command: null, playbook: undefined } as const), options, terminal, plays, check, names };
  return openRun(settings, (opened) =>
    carryOut({ operation, opened, options, tunnels: chosen(opened.project).tunnels }, terminal),
  );
}

interface Work {
  readonly operation: Operation;
  readonly opened: OpenRun;
  readonly options: OperateOptions;
  readonly tunnels: readonly Tunnel[];
}

async function carryOut(work: Work, terminal: Terminal): Promise<number> {
  const { operation, opened, options, tunnels } = work;
  const notes = notesOf(operation, tunnels);
  for (const note of notes) opened.terminal.stderr(`${visibleLine(note)}\n`);
  const end = (code: number, more: Partial<Proven> & { readonly run?: OperationDocument['run'] } = {}) => {
    const { run = null, verify = null, proof = null } = more;
    if (options.output === 'human') return code;
    const names = tunnels.map(({ name }) => name);
    const document = { command: operation, exitCode: code, tunnels: names, notes, run, verify, proof };
    const whole = withShard(operationDocument(document), opened.shard);
    const text = JSON.stringify(whole, null, options.output === 'json' ? 2 : 0);
    opened.terminal.stdout(`${text}\n`);
    return code;
  };
  if (opened.project.plays.length === 0) return end(EXIT.done);

  const command = options.check === true ? 'check' : 'apply';
  const outcome = await through(work, command);
  if (outcome === null) {
    terminal.stderr('Nothing was changed.\n');
    return opened.stop.requested ? EXIT.interrupted : EXIT.done;
  }
  const made = exitCodeOf(command, outcome);
  const title = [operation, ...tunnels.map(({ name }) => name)].join(' ');
  const run = runDocument(command, title, made, outcome);
  if (command === 'check' || made !== EXIT.done) return end(made, { run });
  if (options.output === 'human') for (const line of whatNow(outcome, options)) opened.terminal.stdout(`${line}\n`);
  const proven = operation === 'up' ? await proveUp(work, terminal) : await proveStanding(work);
  return end(opened.stop.requested ? EXIT.interrupted : proven.code, { run, ...proven });
}

/** Makes the run, after it was agreed to; null where it was not. */
async function through({ opened, options }: Work, command: 'check' | 'apply'): Promise<PassOutcome | null> {
  const own = { modules: new Map([...modules, ...ipsecTools.ownModules].map((module) => [module.name, module])) };
  if (command === 'check' || !asksFirst(options, opened.terminal)) return opened.pass(command, own);
  const foreseen = await opened.pass('check', own);
  const code = exitCodeOf('check', foreseen);
  // Nothing to do, or nothing that may be done: what a run makes of it, and no more to ask.
  if (code !== EXIT.pending || !hasChanges(foreseen)) return code === EXIT.pending ? null : { ...foreseen, run: null };
  if (!(await opened.waitFor(() => agrees(opened.terminal, foreseen)))) return null;
  return opened.pass('apply', { ...own, agreed: foreseen.digests });
}

interface Proven {
  readonly code: number;
  readonly verify: OperationDocument['verify'];
  readonly proof: OperationDocument['proof'];
}

async function proveUp({ opened, options, tunnels }: Work, terminal: Terminal): Promise<Proven> {
  const settings = { patience: options.patience ?? 30, wire: true, mtu: false, forks: options.forks };
  const outcome = await proveTunnels(opened, ipsecTools, tunnels, hostsOfTunnels(tunnels), settings);
  if (!opened.stop.requested) noteVerdicts(outcome.verdicts, options, terminal);
  const code = codeOfProof(outcome);
  if (options.output === 'human') showVerdicts(outcome, opened.project, options, opened.terminal);
  return { code, verify: verifyDocument(code, outcome.verdicts, outcome.faults), proof: null };
}

/** `down`: the kernels have no policies of it any more. `reload`: racoon runs, and has read the files as they are. */
async function proveStanding({ operation, opened, options, tunnels }: Work): Promise<Proven> {
  const looked = await standingOfTunnels(opened, ipsecTools, tunnels, hostsOfTunnels(tunnels), options.forks);
  const judged = looked.standings.map((standing) => [standing.tunnel.name, judge(operation, standing)] as const);
  if (options.output === 'human') {
    showFaults(looked.faults, opened.terminal);
    const width = Math.max(...judged.map(([name]) => name.length));
    for (const [name, { status, ends }] of judged) {
      const seen = ends.map(({ host, what }) => `${host}: ${what}`).join('; ');
      const word = status === 'proven' ? DONE[operation] : WORDS[status];
      opened.terminal.stdout(`${visibleLine(`${name.padEnd(width)}  ${word}  ${seen}`)}\n`);
    }
  }
  const hasFailed = judged.some(([, { status }]) => status === 'failed');
  const code = hasFailed ? EXIT.verification : looked.faults.size > 0 ? EXIT.unreachable : EXIT.done;
  return { code, verify: null, proof: Object.fromEntries(judged) };
}

const DONE: Readonly<Record<Operation, string>> = { up: 'up', down: 'down', reload: 'read again' };
const WORDS = { failed: 'FAILED', unproven: 'not proven' } as const;

function judge(operation: Operation, { tunnel, ends }: TunnelStanding): ProofOfOperation {
  const found = tunnel.ends.map(({ host, nickname, managed }, index) => {
    const end = ends[index] ?? null;
    const { status, what } = judgeEnd(operation, end, managed);
    return { status, shown: { host, nickname, active: end?.active ?? null, daemon: end?.daemon ?? null, what } };
  });
  const status = (['failed', 'unproven'] as const).find((word) => found.some((end) => end.status === word)) ?? 'proven';
  return { status, ends: found.map(({ shown }) => shown) };
}

function judgeEnd(
  operation: Operation,
  end: EndStanding | null,
  managed: boolean,
): Pick<ProofOfOperation, 'status'> & { readonly what: string } {
  if (!managed) return { status: 'proven', what: 'somebody else manages this end' };
  if (end === null) return { status: 'unproven', what: 'it could not be looked at' };
  if (operation === 'down') {
    if (end.active === 'no') return { status: 'proven', what: 'no policies' };
    if (end.active === 'unknown') return { status: 'unproven', what: end.what };
    const why = end.configured === 'no' ? ' (its files are not there for ifdown: apply the playbook, then again)' : '';
    return { status: 'failed', what: `still there: ${end.what}${why}` };
  }
  switch (end.daemon) {
    case 'unneeded':
      return { status: 'proven', what: 'manual keys, nothing to read' };
    case 'absent':
      return { status: 'proven', what: 'racoon does not run here' };
    case 'unknown':
      return { status: 'unproven', what: 'whether racoon runs could not be seen' };
    default:
      if (end.unread === null || end.unread.length > 0) {
        return { status: 'unproven', what: 'racoon runs; whether it has read its files could not be seen' };
      }
      return { status: 'proven', what: 'racoon runs, and has read its files' };
  }
}

function notesOf(operation: Operation, tunnels: readonly Tunnel[]): readonly string[] {
  const named = (onboot: boolean) => tunnels.filter((tunnel) => tunnel.onboot === onboot).map(({ name }) => name);
  if (operation === 'down' && named(true).length > 0) {
    return [
      `${named(true).join(', ')}: onboot is true, so the next apply, boot or network restart brings it up again; onboot: false keeps it down`,
    ];
  }
  if (operation === 'up' && named(false).length > 0) {
    return [`${named(false).join(', ')}: onboot is false, so it is down again after the next boot`];
  }
  if (operation === 'reload' && tunnels.every(({ keying }) => keying.method === 'manual') && tunnels.length > 0) {
    return ['manual keys: there is nothing that racoon could read again'];
  }
  return [];
}
