import type { Frame } from '../frames.ts';
import type { Link } from '../link.ts';
import type { Problem } from '../result.ts';
import type { ExchangeListener } from '../session.ts';
import type { RunOnHost } from './host-kit.ts';
import { OTHERWISE } from './prepare.ts';
import {
  abandonScript,
  awaitScript,
  confirmScript,
  followScript,
  holdScript,
  NOTHING_DONE,
  rollbackScript,
  verifiedScript,
} from './settle.ts';

/** How a run on a host comes to its end, whoever began it. */
export interface Settlement {
  /** A sign of life while other hosts are at work. False: the host has gone back already. */
  hold(): Promise<boolean>;
  /** All hosts of the transaction have proven their changes. False: the host has gone back already. */
  verified(): Promise<boolean>;
  /** The same where a person is to confirm: from now on the host waits for that, and no longer than it is patient. */
  awaiting(): Promise<boolean>;
  /** The changes are for good. False: the host has gone back already. */
  confirm(): Promise<boolean>;
  /** Nothing was changed, or all is as it was: every trace is cleared away. False: something is changed, and goes back. */
  abandon(): Promise<boolean>;
  /** Puts the old state back; what failed on the way, where anything did. Only for whoever began the run. */
  goBack(): Promise<Problem | null>;
  /** Has the old state put back, and does not wait for it. What is in the way: the new state is for good already. */
  turnBack(): Promise<Problem | null>;
}

export function settlement(run: RunOnHost, nonce: string, link: Link): Settlement {
  const settle = async (script: string, id: string): Promise<Frame | undefined> =>
    (await link.persist(script, () => ({ step: id }))).get(id);
  const turnBack = async (): Promise<Problem | 'nothing done' | null> => {
    const begun = await settle(rollbackScript(run, nonce), 'rollback');
    if (begun?.exitCode === NOTHING_DONE) return 'nothing done';
    if (begun?.exitCode === 0) return null;
    const why = begun?.stderr.trim() || `it is ${begun?.stdout.trim()} already`;
    return { code: 'restore-failed', message: `the old state could not be put back: ${why}` };
  };
  return {
    hold: async () => (await settle(holdScript(run, nonce), 'hold'))?.exitCode === 0,
    verified: async () => (await settle(verifiedScript(run, nonce), 'verified'))?.exitCode === 0,
    awaiting: async () => (await settle(awaitScript(run, nonce), 'awaiting'))?.exitCode === 0,
    confirm: async () => {
      const frame = await settle(confirmScript(run, nonce), 'confirm');
      return frame?.exitCode === 0 || frame?.stdout.trim() === 'confirmed';
    },
    turnBack: async () => {
      const turned = await turnBack();
      return turned === 'nothing done' ? null : turned;
    },
    abandon: async () => (await settle(abandonScript(run, nonce), 'abandon'))?.exitCode !== OTHERWISE,
    goBack: async () => {
      const turned = await turnBack();
      if (turned === 'nothing done') return null;
      if (turned !== null) return turned;
      const failed: string[] = [];
      const { gone, end } = await followed(link, followScript(run, nonce, 'restored', 'restore'), 'restored', () => ({
        end: (frame) => {
          if (frame.exitCode !== 0 && /^(a|b|l|files)/.test(frame.id)) failed.push(frame.stderr.trim() || frame.id);
        },
      }));
      if (!gone && end?.exitCode === 0) return null;
      const why = gone ? 'the way back was ended half-way' : failed.join('; ') || 'a file is not what it was';
      return { code: 'restore-failed', message: `the old state could not be put back entirely: ${why}` };
    },
  };
}

/** Copies what the host says until `last` has ended, and then lets it go on. `heard` is asked again where the link broke. */
export async function followed(
  link: Link,
  script: string,
  last: string,
  heard: () => Partial<ExchangeListener>,
): Promise<{ readonly gone: boolean; readonly end: Frame | undefined }> {
  let gone = false;
  let end: Frame | undefined;
  await link.persist(script, () => {
    const listener = heard();
    return {
      step: listener.step ?? last,
      begin: (id) => listener.begin?.(id),
      end: (frame) => {
        if (frame.id === 'gone') gone = true;
        if (frame.id === last) end = frame;
        if (frame.id === last || frame.id === 'gone') void link.answer();
        else listener.end?.(frame);
      },
    };
  });
  return { gone: gone && end === undefined, end };
}
