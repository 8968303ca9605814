import type { HostState } from '../../model/host-state.ts';
import { fileResource } from '../../model/host-state.ts';
import { ConnectFault } from '../../transport/transport.ts';
import type { Step } from '../batch.ts';
import type { Frame } from '../frames.ts';
import type { HostRun } from '../host-run.ts';
import type { Link } from '../link.ts';
import type { Facts, Undo } from '../module.ts';
import type { Problem } from '../result.ts';
import type { ExchangeListener } from '../session.ts';
import { type FileWrite, render, type Script } from '../sh.ts';
import { healthScript } from './health.ts';
import type { RunOnHost } from './host-kit.ts';
import { holdEvery, keeperScript } from './keeper.ts';
import { commitScript, partScript, swapStaged } from './part.ts';
import { OTHERWISE, prepareScript, type StagedWrite, type Touched } from './prepare.ts';
import { restoreScript, type WayBack } from './restore.ts';
import { followed, type Settlement, settlement } from './settlement.ts';

/** One host's changes of one run: made detached from the connection, and taken back unless they are confirmed. */
export interface HostTransaction extends Settlement {
  /** Something is on the host that has to be confirmed, taken back or cleared. */
  readonly isOpen: boolean;
  /** Something was changed, or may have been. */
  readonly isCommitted: boolean;
  /** A step that may cut the host off has been sent: only a new connection proves that it can be reached. */
  readonly isRisky: boolean;
  /** Brings a batch of changes to the host, beside what is there; null, or what is in the way. */
  prepare(batch: readonly Step[], state: HostState, facts: Facts): Promise<Problem | null>;
  /** Makes them, and tells of it until they are through. `listener` is asked again where the connection was lost. `refused`: the host has gone back already. */
  commit(listener: () => Partial<ExchangeListener>): Promise<'through' | 'gone' | 'refused'>;
  /** The step that a frame of this part is about. */
  stepOf(id: string, batch: readonly Step[]): Step | undefined;
}

export function hostTransaction(run: HostRun, link: Link): HostTransaction {
  const here: RunOnHost = { id: run.transaction.id, rendering: run.rendering };
  const { nonce } = run;
  const numbers = new Map<string, number>();
  const ways: WayBack[] = [];
  /** What earlier steps may have written is not what the host was read with. */
  const written = new Set<string>();
  let writtenAnything = false;
  let part = 0;
  let staged = 0;
  let isOpen = false;
  let isCommitted = false;
  let isRisky = false;

  const own = settlement(here, nonce, link);

  /** Where the connection is lost meanwhile, nothing is changed yet: what has come is cleared away, and all brought again. */
  const brought = async (script: string) => {
    try {
      return await link.run(script, { step: 'prepare' });
    } catch (fault) {
      if (!(fault instanceof ConnectFault) || fault.code !== 'lost') throw fault;
    }
    if (part === 1) await own.abandon();
    return link.persist(script, () => ({ step: 'prepare' }));
  };

  return {
    get isOpen() {
      return isOpen;
    },
    get isCommitted() {
      return isCommitted;
    },
    get isRisky() {
      return isRisky;
    },
    prepare: async (batch, state, facts) => {
      part += 1;
      const touched = touchedBy(batch, run, state).filter(({ path }) => !numbers.has(path));
      const firstTouched = numbers.size;
      for (const { path } of touched) numbers.set(path, numbers.size);
      const writes: StagedWrite[] = [];
      const notes = new Map<string, string>();
      const steps = batch.map(({ task, decision }, index) => {
        const module = moduleOf(run, task.module);
        const { change } = decision.plan;
        const id = `t${part}.${index}`;
        const swap = swapStaged((write: FileWrite) => {
          const number = String(staged);
          staged += 1;
          writes.push({ number, write });
          const isKnown = !writtenAnything && !written.has(write.path);
          const backup = isKnown ? (numbers.get(write.path) ?? null) : null;
          written.add(write.path);
          return { staged: number, backup };
        });
        const made = render(module.apply(change, decision.args, facts), run.rendering, swap);
        const touches = module.touches?.(change, decision.args) ?? [];
        if (touches === 'anything') writtenAnything = true;
        else for (const path of touches) written.add(path);
        // Where it takes a file away, a later step finds none.
        for (const [path, after] of decision.plan.after.all(fileResource)) if (after.kind !== 'file') written.add(path);
        const text = (script: Script | undefined) => (script === undefined ? '' : render(script, run.rendering));
        const texts = ({ before, after, last }: Undo) => ({
          before: text(before),
          after: text(after),
          last: text(last),
        });
        const note = text(module.notes?.(change, decision.args, facts));
        // What several steps may lose is noted once.
        const noted = [...notes].find(([, other]) => other === note)?.[0] ?? id;
        if (note !== '') notes.set(noted, note);
        const undo = module.undo?.(change, decision.args, facts) ?? {};
        const redo = module.redo?.(change, decision.args, facts) ?? {};
        ways.push({ id, note: noted, ...texts(undo), redo: texts(redo) });
        const risky = decision.plan.disruptive !== undefined;
        isRisky ||= risky;
        return { id, text: made, risky, mayFail: task.ignoreErrors || task.failedWhen !== undefined };
      });
      isOpen = true;
      const script = prepareScript({
        run: here,
        nonce,
        part,
        touched,
        firstTouched,
        notes,
        writes,
        partScript: partScript(here, nonce, part, steps),
        restoreScript: restoreScript(here, nonce, ways),
        keeperScript: keeperScript(here, run.transaction.patience),
        healthScript: healthScript(run),
        owner: [...run.transaction.owner, ...boundTo(run)],
      });
      const frames = await brought(script);
      const fault = preparationFault(frames, part);
      // A first part that cannot be prepared has cleared up after itself.
      if (fault !== null && part === 1) isOpen = false;
      return fault;
    },
    commit: async (heard) => {
      isCommitted = true;
      const beat = heartbeat(run, link);
      try {
        const { gone, end } = await followed(link, commitScript(here, nonce, part), `end${part}`, heard);
        return gone ? 'gone' : end === undefined ? 'refused' : 'through';
      } finally {
        beat.stop();
      }
    },
    hold: own.hold,
    verified: own.verified,
    awaiting: own.awaiting,
    confirm: async () => {
      const kept = await own.confirm();
      if (kept) isOpen = false;
      return kept;
    },
    abandon: async () => {
      const isClear = await own.abandon();
      isOpen = false;
      return isClear;
    },
    goBack: own.goBack,
    turnBack: own.turnBack,
    stepOf: (id, batch) => {
      const match = /^t(\d+)\.(\d+)$/.exec(id);
      return match && Number(match[1]) === part ? batch[Number(match[2])] : undefined;
    },
  };
}

/** For whoever has no record of the run: which hosts come to the same as this one. */
function boundTo({ transaction }: HostRun): readonly string[] {
  const { partners } = transaction.member;
  return partners.length === 0 ? [] : [`with ${partners.join(' ')}`];
}

/** Tells the host, as long as it is followed, that somebody is there: a step may take longer than its patience. */
function heartbeat({ limits, transaction }: HostRun, link: Link) {
  let forget = () => {};
  const beat = () => {
    forget = limits.timer(holdEvery(transaction.patience), () => {
      void link.answer('hold');
      beat();
    });
  };
  beat();
  return { stop: () => forget() };
}

/** Every path that a batch changes, with what the host was read to have there. */
function touchedBy(batch: readonly Step[], run: HostRun, state: HostState): readonly Touched[] {
  const own = batch.flatMap(({ decision }) => [...decision.plan.after.all(fileResource).keys()]);
  const hosts = new Set(
    batch.flatMap(({ task, decision }) => {
      const more = moduleOf(run, task.module).touches?.(decision.plan.change, decision.args) ?? [];
      return more === 'anything' ? [] : more;
    }),
  );
  return [...new Set([...own, ...hosts])].map((path) => ({
    path,
    seen: state.get(fileResource, path),
    isHosts: hosts.has(path),
  }));
}

function moduleOf({ modules }: HostRun, name: string) {
  const module = modules.get(name);
  if (module === undefined) throw new Error(`no module ${name}`);
  return module;
}

function preparationFault(frames: ReadonlyMap<string, Frame>, part: number): Problem | null {
  const pieces = ['lock', 'guard', 'backup', 'stage', 'keeper'];
  const failed = pieces.map((id) => frames.get(id)).find((frame) => frame !== undefined && frame.exitCode !== 0);
  if (failed === undefined) return null;
  const said = failed.stderr.trim().split('\n').slice(-3).join('; ') || `exit ${failed.exitCode}`;
  if (failed.id === 'lock' && part > 1) return { code: 'went-back', message: WENT_BACK };
  if (failed.id === 'lock' && failed.exitCode === OTHERWISE) return { code: 'locked', message: heldBy(failed.stdout) };
  if (failed.id === 'guard' && failed.exitCode === OTHERWISE) {
    const paths = failed.stdout.trim().split('\n').join(', ');
    return {
      code: 'changed-meanwhile',
      message: `changed on the host since it was read: ${paths}. Nothing was overwritten`,
    };
  }
  return { code: 'not-prepared', message: `${WHAT[failed.id]}: ${said}` };
}

/** Said of a host whose keeper was faster. */
export const WENT_BACK =
  'the host did not hear from here in time (--confirm-timeout) and has put its old state back, or it was rebooted: look at it, then apply again';

const WHAT: Readonly<Record<string, string>> = {
  lock: 'the lock cannot be taken',
  guard: 'the files cannot be compared with what was read',
  backup: 'what is there cannot be saved',
  stage: 'the new files cannot be written beside the old ones',
  keeper: 'the watchdog does not start',
};

/** `RUN`, then lines `key value`; see the owner of host-kit.ts. */
function heldBy(owner: string): string {
  const [id = '', ...rest] = owner.trim().split('\n');
  const of = new Map(rest.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  if (id === '') return 'another run has just begun on this host';
  const since = Number(of.get('since'));
  const when = Number.isFinite(since) ? ` since ${new Date(since * 1000).toISOString()}` : '';
  const whose = `the run ${id} of ${of.get('who') ?? 'somebody'} has this host${when}`;
  if (of.get('state') === 'awaiting')
    return `${whose}, and waits to be confirmed: ipsec-play confirm ${id}, or ipsec-play rollback ${id}`;
  return `${whose}: wait for its end, or clear it with --break-lock`;
}
