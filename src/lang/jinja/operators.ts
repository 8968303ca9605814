import { contains } from './tests.ts';
import { textOf } from './text.ts';
import { compare, defined, fail, kind, lift, same } from './values.ts';

/** A binary operator but `and` and `or`, which do not always evaluate their right side. */
export function operate(operator: string, left: unknown, right: unknown): unknown {
  switch (operator) {
    case '==':
      return same(left, right);
    case '!=':
      return !same(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return compare(left, right) < 0;
    case '<=':
      return compare(left, right) <= 0;
    case '>':
      return compare(left, right) > 0;
    case '>=':
      return compare(left, right) >= 0;
    case '~':
      return lift([left, right], (a, b) => textOf(a) + textOf(b));
    case '+':
      if (Array.isArray(defined(left)) && Array.isArray(defined(right)))
        return [...(left as unknown[]), ...(right as unknown[])];
      return lift([left, right], add);
    default:
      return lift([left, right], (a, b) => arithmetic(operator, a, b));
  }
}

function add(a: unknown, b: unknown): unknown {
  if (typeof a === 'string' && typeof b === 'string') return a + b;
  return arithmetic('+', a, b);
}

function arithmetic(operator: string, a: unknown, b: unknown): unknown {
  if (operator === '*' && typeof a === 'string' && typeof b === 'number') return a.repeat(Math.max(0, b));
  if (!isNumber(a) || !isNumber(b)) {
    return fail(
      `${operator} does not work on ${kind(a)} and ${kind(b)}`,
      operator === '+' ? '~ to put texts together' : 'the filter int',
    );
  }
  const [x, y] = [Number(a), Number(b)];
  if (y === 0 && ['/', '//', '%'].includes(operator)) return fail('division by zero');
  switch (operator) {
    case '+':
      return x + y;
    case '-':
      return x - y;
    case '*':
      return x * y;
    case '/':
      return x / y;
    case '//':
      return Math.floor(x / y);
    case '%':
      return x - y * Math.floor(x / y);
    case '**':
      return x ** y;
    default:
      return fail(`there is no operator ${operator}`);
  }
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}
