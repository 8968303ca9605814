import { expect, test } from 'vitest';
import type { ReportOptions } from '../../src/report/output.ts';
import { plainReporter } from '../../src/report/plain.ts';
import { events, options, recorder } from './run-events.ts';

function report(command: 'check' | 'apply', more: Partial<ReportOptions> = {}, color = false): string {
  const { output, text } = recorder(color);
  const reporter = plainReporter(output, options(command, more));
  for (const event of events(command)) reporter.listen(event);
  return text();
}

test.each([
  ['check', 'check', {}],
  ['apply', 'apply', {}],
  ['verbose', 'apply', { verbosity: 1 }],
  ['no-diff', 'check', { diff: false }],
] as const)('lines of %s', async (name, command, more) => {
  await expect(report(command, more)).toMatchFileSnapshot(`golden/plain-${name}.golden`);
});

test('in colour it says the same', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is taken out
  const bare = report('apply', {}, true).replace(/\u001b\[\d+m/g, '');
  expect(bare).toBe(report('apply'));
});

test('no control character of a host or a playbook reaches the terminal', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(report('apply', { verbosity: 1 })).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
});

test('a name cannot pass for the line of another host', () => {
  expect(report('apply').split('\n')).not.toContain('out|[lana] fake: ok');
});
