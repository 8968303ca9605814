import { expect, test } from 'vitest';
import { checkValue } from '../../src/lang/schema.ts';
import { jsonLinesReporter, runDocument } from '../../src/report/json.ts';
import { runSchema } from '../../src/report/run-schema.ts';
import { events, outcome, recorder } from './run-events.ts';

test('the document of a run', async () => {
  const document = runDocument('apply', 'playbooks/site.yml', 5, outcome);
  expect(checkValue(runSchema, JSON.parse(JSON.stringify(document)))).toEqual([]);
  await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('golden/run.json.golden');
});

test('one event a line; the last one sums up and does not repeat what the lines before it said', async () => {
  const { output, text } = recorder();
  const reporter = jsonLinesReporter(output);
  for (const event of events('apply')) reporter.listen(event);
  await expect(text()).toMatchFileSnapshot('golden/events.jsonl.golden');
  for (const line of text().trim().split('\n')) expect(JSON.parse(line.slice(4))).toHaveProperty('type');
});
