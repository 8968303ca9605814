import { spawnSync } from 'node:child_process';

/** The shells that scripts must run under, as far as this machine has them; bash stands for Red Hat's sh. */
export const shells: readonly (readonly [string, ...string[]])[] = (
  [['dash'], ['bash', '--posix'], ['busybox', 'sh']] as const
).filter(([program]) => {
  const there = spawnSync(program, program === 'busybox' ? ['true'] : ['-c', ':']).error === undefined;
  if (!there && process.env.CI === 'true') throw new Error(`${program} is not installed, and CI must test under it`);
  if (!there) console.warn(`not tested under ${program}: it is not installed`);
  return there;
});
