/** `45 s`, `12 min`, `3 h`, `40 d`: of the largest unit of which there are two, so that at most half of one is lost. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of UNITS) if (whole >= 2 * size) return `${Math.floor(whole / size)} ${unit}`;
  return `${whole} s`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** `336 B`, `12 kB`, `3.4 MB` */
export function bytes(count: number): string {
  let [size, step] = [count, 0];
  while (size >= 999.5 && step < SIZES.length - 1) {
    size /= 1000;
    step += 1;
  }
  return `${step > 0 && size < 9.95 ? size.toFixed(1) : Math.round(size)} ${SIZES[step]}`;
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
