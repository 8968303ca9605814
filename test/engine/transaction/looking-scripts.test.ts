import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { onHost, render } from '../../../src/engine/sh.ts';
import { leftBehindScript } from '../../../src/engine/transaction/left-behind.ts';
import { surveyScript } from '../../../src/engine/transaction/survey.ts';
import { everyShell } from '../../modules/run-module.ts';

describe.each(everyShell)('under %s', (_, shell) => {
  const run = (script: string) => {
    const [program, ...args] = shell;
    const env = { PATH: process.env.PATH, LC_ALL: 'C' };
    return spawnSync(program, [...args, '-c', script], { encoding: 'latin1', env, stdio: ['ignore', 'pipe', 'ignore'] })
      .stdout;
  };

  test('what runs have left is asked for, with any names and with none', () => {
    expect(run(render(leftBehindScript([]), onHost))).not.toContain('changed');
    const said = run(render(leftBehindScript(['/', '/no such', "/it's"]), onHost));
    expect(said).toMatch(/^changed \d+ \/$/m);
    expect(said).not.toContain('no such');
  });

  test('a survey and a look are one script', () => {
    const said = run(surveyScript(onHost, 'n0', leftBehindScript(['/'])));
    expect(said).toMatch(
      /@@n0 b survey[\s\S]*@@n0 e survey 0[\s\S]*@@n0 b look[\s\S]*changed \d+ \/\n[\s\S]*@@n0 e look 0/,
    );
  });
});
