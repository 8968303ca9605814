import type { ConnectFault } from '../transport/transport.ts';
import type { Problem } from './result.ts';
import type { Trouble } from './transaction/coordination.ts';

/** What is told of a task, or of a host as a whole, when it did not come to its end as planned. */

export const PLAN_CHANGED: Problem = {
  code: 'plan-changed',
  message: 'this host changed after its plan was shown; nothing of this play was done, run it again',
};
export const NOT_SETTLED: Problem = {
  code: 'not-settled',
  message: 'it was done, and the host was read again: the change is not there, or something undid it',
};
export const PUT_BACK: Problem = { code: 'put-back', message: 'it was made, and taken back' };
export const SCRIPT_ENDED: Problem = {
  code: 'script-ended',
  message: 'the script that makes the changes was ended on the host before it was through',
};

/** Of a task that was under way when the connection was lost. */
export function lostAt(place: 'in it' | 'after it'): Problem {
  return { code: 'lost', message: place === 'in it' ? LOST_IN_IT : LOST_AFTER_IT };
}

const LOST_IN_IT = 'the connection was lost while it ran: it may be half done, or have gone on to its end';
const LOST_AFTER_IT = 'it came to its end, but the connection was lost before its result was known';

/** Of a task that was made on a host that was lost. `settling`: the host had been told that its changes stay. */
export function notConfirmed(settling: boolean): Problem {
  return { code: 'not-confirmed', message: settling ? PERHAPS_KEPT : NOT_CONFIRMED };
}

const PERHAPS_KEPT = 'it was made, but the connection was lost before the host said that it stays';
const NOT_CONFIRMED =
  'it was made, but the connection was lost before it was confirmed: the host takes it back by itself';

/** `before`: what was wrong already. `seen`: where the host stood when it was last heard of. */
export function lostHost({ code, message, fix }: ConnectFault, before: Problem | null, seen: string | null): Problem {
  const cause = before === null ? '' : `${before.message}. Then `;
  const known = seen === null ? '' : `. ${seen}`;
  return { code, message: `${cause}${message}${fix === undefined ? '' : `. ${fix}`}${known}` };
}

/** Another host of the transaction cannot be changed, so this one was not. */
export function heldBy({ host, why, code }: Trouble): Problem {
  const because = code === undefined ? `not changed, because ${host} cannot be` : 'not changed';
  return { code: code ?? 'other-end', message: `${because}: ${why}` };
}

/** The old state has to come back here because of another host. */
export function undoneBy({ host, why, code }: Trouble): Problem {
  return { code: code ?? 'other-end', message: code === undefined ? `${host} failed: ${why}` : why };
}

/** `fault`: why the old state did not come back; `differences`: what is not as it was. */
export function backAfter(cause: Problem, fault: Problem | null, differences: readonly string[]): Problem {
  const proven =
    differences.length === 0
      ? 'the old state was put back, and is proven by reading the host again'
      : `the old state was put back, but this is not as it was: ${differences.join(', ')}`;
  return { code: fault?.code ?? cause.code, message: `${cause.message}. On this host ${fault?.message ?? proven}` };
}

/** Of a task whose plan must wait for something else. */
export function notKnown({ until, why }: { readonly until: string; readonly why: string }): Problem {
  return { code: 'unknown', message: `not known until ${until}: ${why}` };
}

export function changedMeanwhile(path: string): Problem {
  const message = `${path} was changed on the host since it was read: it was not overwritten`;
  return { code: 'changed-meanwhile', message };
}

/** The run was stopped: by somebody, or because its time was over. */
export function stopped(overtime: Problem | null, when: string): Problem {
  if (overtime === null) return { code: 'interrupted', message: `stopped ${when}` };
  return { ...overtime, message: `${overtime.message}: stopped ${when}` };
}
