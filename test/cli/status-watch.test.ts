import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtCommandLine } from '../chaos/command-line.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { needs } from '../support/needs.ts';
import { type ServedLab, serveLab } from '../support/served-lab.ts';
import { until } from '../support/until.ts';

/** `status --watch` as a process of its own, over cables that can be cut. */
let project: Project;
let cli: string;
let lab: ServedLab;
const WATCH = 'status --lab --watch 1 -l lana';

beforeAll(async () => {
  project = shippedProject();
  const { code, stdout, stderr } = await project.run('apply', 'playbooks/network-to-network.yml', '--lab');
  expect(code, stdout + stderr).toBe(0);
  cli = await builtCommandLine();
  lab = await serveLab(project.path, ['lana', 'lanb']);
}, 60_000);
afterAll(async () => {
  await lab?.stop();
  project.remove();
  rmSync(dirname(cli), { recursive: true, force: true });
});

const CLEAR = '\x1b[H\x1b[2J';

function start(program: string, ...args: string[]) {
  const child = spawn(program, args, { cwd: project.path, env: { PATH: process.env.PATH, HOME: project.path } });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  /** On one screen, drawn from now on. */
  const heard = async (words: RegExp) => {
    const since = said.length;
    const screens = () => said.slice(since).split(CLEAR).slice(1);
    await until(() => screens().some((screen) => words.test(screen)), 20);
  };
  return { heard, ended, said: () => said, type: (keys: string) => void child.stdin.write(keys) };
}

describe('status --watch', { timeout: 60_000 }, () => {
  test.skipIf(!needs('script'))(
    'on a narrow terminal, past a host that goes and comes back, until Ctrl-C',
    async () => {
      const words = `stty cols 80 rows 24; ${process.execPath} ${cli} ${WATCH}`;
      const { heard, ended, said, type } = start('script', '-qefc', words, '/dev/null');
      await heard(/lana-lanb\r\n {2}lana ipsec0 +yes +yes +\S.*\r\n {2}lanb ipsec1 +yes +yes /);
      lab.wires.get('lana')?.outage(60_000);
      // Why stands below the table: whatever came before it is wiped away.
      await heard(/ {2}lana ipsec0 +\? +\?[\s\S]* {2}lanb ipsec1 +yes +yes[\s\S]*\[lana\] /);
      lab.wires.get('lana')?.mend();
      await heard(/ {2}lana ipsec0 +yes +yes[\s\S]*No run is pending/);
      type('\u0003');
      expect(await ended).toBe(130);
      const lines = said().split('\r\n');
      for (const line of lines.filter((each) => /^TUNNEL|^ {2}lan/.test(each)))
        expect(line.length).toBeLessThanOrEqual(80);
    },
  );

  test('ends when nobody reads any more', async () => {
    const { ended, said } = start('sh', '-c', `${process.execPath} ${cli} ${WATCH} | head -n 1`);
    expect(await ended).toBe(0);
    expect(said()).toMatch(/^20\S+Z\n$/);
  });
});
