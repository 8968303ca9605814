import type { Timer } from '../../engine/time-limit.ts';

/** Real time. What has come from a host while this process was busy is heard before its time is over. */
export const timer: Timer = (ms, callback) => {
  let turn: NodeJS.Immediate | null = null;
  const handle = setTimeout(() => {
    // Node reads from its sockets between a timer and an immediate.
    turn = setImmediate(callback);
  }, ms);
  return () => {
    clearTimeout(handle);
    if (turn !== null) clearImmediate(turn);
  };
};
