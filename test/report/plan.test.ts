import pico from 'picocolors';
import { expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { planText, sealedText, sorted } from '../../src/report/plan-document.ts';
import { planLines } from '../../src/report/plan-human.ts';
import { planMarkdown } from '../../src/report/plan-markdown.ts';
import { planSchema } from '../../src/report/plan-schema.ts';
import { plan } from './plan-fixture.ts';

test('the fixture is a plan', () => {
  expect(checkValue(planSchema, plan)).toEqual([]);
});

test('for a terminal', async () => {
  const lines = planLines(plan, 'not applied from here', { diff: true, verbosity: 0 }, pico.createColors(false));
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('golden/plan-human.golden');
});

test('for a ticket', async () => {
  await expect(planMarkdown(plan, 'not applied from here')).toMatchFileSnapshot('golden/plan-markdown.golden');
});

test('what a host or a playbook says is no markup and ends no block', () => {
  const lines = planMarkdown(plan, 'x').split('\n');
  expect(lines.filter((line) => line.startsWith('<script>'))).toEqual([]);
  // A fence is closed by one that is at least as long.
  expect(lines).toContain('````diff');
  const text = lines.filter((line) => line.startsWith('|')).join('\n');
  expect(text).not.toMatch(/(?<!\\)[<>]/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(lines.join('\n')).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
});

test('the text of a file: keys in one order, however the document was put together', () => {
  const { schema, seal, ...rest } = plan;
  expect(planText({ seal, ...rest, schema })).toBe(planText(plan));
  expect(planText(JSON.parse(planText(plan)))).toBe(planText(plan));
  expect(sealedText(rest as typeof plan)).not.toContain(seal);
  expect(
    Object.keys(
      sorted([
        ['b', 1],
        ['a', 2],
        ['B', 3],
      ]),
    ),
  ).toEqual(['B', 'a', 'b']);
});
