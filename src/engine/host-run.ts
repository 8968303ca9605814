import type { Target } from '../model/host.ts';
import type { HostState } from '../model/host-state.ts';
import type { CompiledHost } from '../model/task.ts';
import { ConnectFault, type Leg, type Transport } from '../transport/transport.ts';
import { changeHost } from './change-host.ts';
import type { EventListener } from './events.ts';
import { takeBack } from './keep-or-take-back.ts';
import { type Ledger, ledger } from './ledger.ts';
import { type Link, openLink } from './link.ts';
import type { AnyModule } from './module.ts';
import type { RunStop } from './overtime.ts';
import type { Aside } from './parallel.ts';
import type { Decision } from './plan.ts';
import type { Redaction } from './present.ts';
import { readHost, type View } from './read-host.ts';
import type { HostResult } from './result.ts';
import { openSession, type Session } from './session.ts';
import type { Rendering } from './sh.ts';
import { HostFault, type TimeLimits } from './time-limit.ts';
import type { Lane } from './trace.ts';
import type { Intent, Member } from './transaction/coordination.ts';
import { hostTransaction } from './transaction/host-transaction.ts';
import type { Patience } from './transaction/keeper.ts';
import { heldNotes, isDue, recovered, recoveredNote, recoverScript } from './transaction/leftovers.ts';
import type { TunnelProof } from './tunnel-proof.ts';

/** All that a host's run needs; the engine knows no module, transport or reporter but these. */
export interface HostRun {
  readonly command: 'check' | 'apply';
  readonly play: string;
  readonly host: CompiledHost;
  readonly target: Target;
  readonly transport: Transport;
  readonly rendering: Rendering;
  readonly modules: ReadonlyMap<string, AnyModule>;
  readonly redaction: Redaction;
  readonly emit: EventListener;
  readonly trace: Lane;
  /** Milliseconds of a clock that never goes back. */
  readonly clock: () => number;
  readonly nonce: string;
  readonly stop: RunStop;
  readonly limits: TimeLimits;
  /** What earlier plays of this run will have done to the host; in a check they have not. */
  readonly foreseen: HostState;
  /** The digest of the plan that a person has agreed to; null where nobody was asked. */
  readonly agreed: string | null;
  /** An earlier play of this run has changed the host. */
  readonly changedBefore: boolean;
  readonly transaction: TransactionPart;
  /** Judges what the first plan stops for a while; the way is that of the connection. */
  readonly assess: (decisions: ReadonlyMap<string, Decision>, path: readonly Leg[] | null) => Intent;
  /** Gets the host as it was read for its first plan. */
  readonly observe?: (state: HostState) => void;
}

/** What a host has to know of the transaction that it is a part of. */
export interface TransactionPart {
  /** Names the run on the host. */
  readonly id: string;
  /** For whoever finds the lock: lines `key value`. */
  readonly owner: readonly string[];
  readonly patience: Patience;
  readonly member: Member;
  readonly aside: Aside;
  /** `manual`: a person confirms, with a command of its own. */
  readonly confirm: 'auto' | 'manual';
  /** Null: tunnels are not proven. */
  readonly proof: TunnelProof | null;
}

/** Set by SIGINT: the running task ends, nothing after it begins. */
export interface StopSignal {
  readonly requested: boolean;
  /** Calls back once when it is requested; returns how to forget that. */
  onRequest(callback: () => void): () => void;
}

export interface HostRunOutcome {
  readonly result: HostResult;
  readonly foreseen: HostState;
  readonly digest: string;
}

/**
 * One host's way through a play: read, decide, change, prove by reading again that nothing is left to do, and keep the
 * changes together with the hosts at the other ends of its tunnels, or put the old state back. Never rejects because of
 * the host: what goes wrong there is its result.
 */
export async function runHost(run: HostRun): Promise<HostRunOutcome> {
  const book = ledger(run);
  run.emit({ type: 'host-started', play: run.play, host: run.host.host });
  const { member } = run.transaction;
  let link: Link | null = null;
  let isThrough = false;
  const fate: Fate = { isSound: () => true };
  try {
    link = await openLink({
      open: () => {
        const again = link !== null;
        return again ? openSession(run.transport, run.target, run.nonce, run.trace) : sessionUnlessStopped(run);
      },
      patience: run.transaction.patience.confirm * 1000,
      clock: run.clock,
      sleep: (ms) => new Promise((resolve) => void run.limits.timer(ms, resolve)),
    });
    isThrough = await converge(run, link, book, fate);
  } catch (fault) {
    if (fault instanceof ConnectFault) book.lost(fault);
    else if (fault instanceof HostFault) book.hostFault(fault.problem);
    else throw fault;
  } finally {
    if (!isThrough) member.failed(book.problem?.message ?? 'it was stopped');
    member.ended(isThrough || fate.isSound());
    await link?.close();
  }
  const result = book.close();
  run.emit({ type: 'host-finished', play: run.play, host: run.host.host, result });
  return { result, foreseen: book.foreseen, digest: book.digest };
}

/** Nothing of ours runs on a host that is still being connected to, so it is not waited for. */
async function sessionUnlessStopped(run: HostRun): Promise<Session> {
  const opening = openSession(run.transport, run.target, run.nonce, run.trace);
  let forget = () => {};
  const stopped = new Promise<'stopped'>((resolve) => {
    // Not at once: a transport that waits between two attempts hears of it too, and knows why the last one failed.
    forget = run.stop.onRequest(() => setImmediate(resolve, 'stopped'));
  });
  const session = await Promise.race([opening, stopped]).finally(() => forget());
  if (session !== 'stopped' && run.stop.overtime === null) return session;
  opening.then((late) => late.close()).catch(() => {});
  throw new HostFault(run.stop.overtime ?? { code: 'interrupted', message: STOPPED_CONNECTING });
}

const STOPPED_CONNECTING = 'the run was stopped while it was being connected to; nothing was done there';

/** True where the host is, in the end, as its tasks want it. */
async function converge(run: HostRun, link: Link, book: Ledger, fate: Fate): Promise<boolean> {
  const change = hostTransaction(run, link);
  fate.isSound = () => !change.isCommitted;
  const first = await readRecovered(run, link, book);
  const initial = first.state.merge(run.foreseen);
  let kept = false;
  try {
    kept = await changeHost(run, link, change, book, first, initial);
  } catch (fault) {
    if (!(fault instanceof HostFault) || !change.isOpen) throw fault;
    book.hostFault(fault.problem);
  }
  // The others go back at the same time, and not only when this host is through with it.
  if (!kept) run.transaction.member.failed(book.problem?.message ?? 'it was stopped');
  if (change.isOpen && !kept && (await takeBack(run, link, change, book, initial))) fate.isSound = () => true;
  return kept;
}

/** Whether a host that is not as its tasks want it is proven to be as it was. */
interface Fate {
  isSound: () => boolean;
}

/** Reads the host; what an earlier run has left unfinished, and nobody holds any more, is first put back or cleared. */
async function readRecovered(run: HostRun, link: Link, book: Ledger): Promise<View> {
  const found = await readHost(run, link, book);
  for (const note of heldNotes(found.leftovers)) book.note(note);
  if (run.command === 'check' || !isDue(found.leftovers)) return found;
  const script = recoverScript(found.leftovers, run.rendering, run.nonce);
  const states = recovered(await link.persist(script, () => ({ step: 'recover' })));
  for (const [id, state] of states) book.note(recoveredNote(id, state));
  return readHost(run, link, book);
}
