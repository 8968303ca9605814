/** The host names that a pattern such as `gw[01:20].example.com` stands for, or why it stands for none. */
export function expandHostRange(pattern: string): { readonly names: readonly string[] } | RangeFault {
  const open = pattern.indexOf('[');
  if (open === -1) return { names: [pattern] };
  const close = pattern.indexOf(']', open);
  if (close === -1) return { fault: 'a "[" has no "]"' };
  const middle = sequence(pattern.slice(open + 1, close));
  if ('fault' in middle) return middle;
  const names: string[] = [];
  for (const word of middle.names) {
    const rest = expandHostRange(pattern.slice(0, open) + word + pattern.slice(close + 1));
    if ('fault' in rest) return rest;
    names.push(...rest.names);
    if (names.length > LIMIT) return { fault: `it stands for more than ${LIMIT} hosts` };
  }
  return { names };
}

export interface RangeFault {
  readonly fault: string;
}

const LIMIT = 65_536;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function sequence(range: string): { readonly names: readonly string[] } | RangeFault {
  const bounds = range.split(':');
  if (bounds.length !== 2 && bounds.length !== 3) return { fault: 'a range is [first:last] or [first:last:step]' };
  const [first = '', last = '', step = '1'] = bounds;
  if (last === '') return { fault: 'a range needs its last value' };
  if (!/^\d+$/.test(step) || Number(step) === 0) return { fault: 'the step of a range is a number from 1' };
  if (first.length === 1 && last.length === 1 && LETTERS.includes(first) && LETTERS.includes(last)) {
    return listed(LETTERS.indexOf(first), LETTERS.indexOf(last), Number(step), (at) => LETTERS.charAt(at));
  }
  if (!/^\d*$/.test(first) || !/^\d+$/.test(last))
    return { fault: 'a range goes from a number to a number, or from a letter to a letter' };
  const padded = first.length > 1 && first.startsWith('0');
  if (padded && first.length !== last.length)
    return { fault: 'both bounds of a range with leading zeros must be of the same length' };
  return listed(Number(first || 0), Number(last), Number(step), (at) =>
    padded ? String(at).padStart(first.length, '0') : String(at),
  );
}

function listed(
  first: number,
  last: number,
  step: number,
  name: (at: number) => string,
): { readonly names: readonly string[] } | RangeFault {
  if (first > last) return { fault: 'the first value of a range must not come after its last' };
  const count = Math.floor((last - first) / step) + 1;
  if (count > LIMIT) return { fault: `it stands for more than ${LIMIT} hosts` };
  return { names: Array.from({ length: count }, (_, at) => name(first + at * step)) };
}
