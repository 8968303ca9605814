/**
 * Told when a step on a host's way through a run begins; gives what is to be called when it ends. Steps have fixed names
 * and numbers beside them, so that no secret can be in a trace.
 */
export type Lane = (step: string) => (figures?: Readonly<Record<string, number>>) => void;

export const untraced: Lane = () => () => {};

/** A step that is over when `work` is, well or not. */
export async function timed<T>(lane: Lane, step: string, work: Promise<T>): Promise<T> {
  const ended = lane(step);
  try {
    return await work;
  } finally {
    ended();
  }
}

/** Steps that follow each other without a gap: each ends where the next begins. */
export function stepByStep(lane: Lane): { readonly next: (step: string) => void; readonly ended: () => void } {
  let ended = () => {};
  return {
    next: (step) => {
      ended();
      ended = lane(step);
    },
    ended: () => ended(),
  };
}
