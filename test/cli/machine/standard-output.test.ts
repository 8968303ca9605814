import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** Processes of their own: what counts is what arrives, and what their event loop does meanwhile. */
let dir: string;
beforeAll(async () => {
  dir = mkdtempSync(`${tmpdir()}/ipsec-play-`);
  await build({
    entryPoints: [fileURLToPath(new URL('../../../src/cli/machine/standard-output.ts', import.meta.url))],
    outfile: `${dir}/standard-output.cjs`,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'warning',
  });
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A program that has `output` and `wait`; at its end everything is flushed, and `fault` is what came of that. */
function program(name: string, text: string): string[] {
  const file = `${dir}/${name}.cjs`;
  writeFileSync(
    file,
    `const output = require('./standard-output.cjs').standardOutput();
     const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
     const loaded = () => process.moduleLoadList.includes('NativeModule net');
     (async () => { ${text}; const fault = await output.flushed(); process.exit(fault === null ? 0 : 9); })();`,
  );
  return [process.execPath, file];
}

function start([command = '', ...argv]: readonly string[], stdio: ('pipe' | 'ignore' | number)[]) {
  const child = spawn(command, argv, { stdio });
  return { child, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) };
}

const BIG = 300_000;

async function collected(stream: Readable | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += chunk;
  return text;
}

describe('what a command writes', () => {
  test.each([
    ['which waits for nothing', 'order', ''],
    ['which waits', 'wait', 'await wait(1);'],
  ])('to one file for both is in the order in which it was written by a command %s', (_what, name, wait) => {
    const said = `output.stdout('1 '); output.stderr('2 '); ${wait} output.stdout('3 '); output.stderr('4')`;
    const [node = '', ...argv] = program(name, said);
    const out = openSync(`${dir}/${name}.txt`, 'w');
    spawnSync(node, argv, { stdio: ['ignore', out, out] });
    closeSync(out);
    expect(readFileSync(`${dir}/${name}.txt`, 'utf8')).toBe('1 2 3 4');
  });

  test('needs no streams where nothing is waited for', () => {
    const argv = program(
      'short',
      "process.on('exit', () => require('fs').writeSync(2, String(loaded()))); output.stdout('said')",
    );
    const { stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8' });
    expect([stdout, stderr]).toEqual(['said', 'false']);
  });

  test('is there at the first wait, not at the end', async () => {
    const { child, ended } = start(program('early', "output.stdout('early'); await wait(60_000)"), [
      'ignore',
      'pipe',
      'ignore',
    ]);
    const [first] = await new Promise<[Buffer]>((resolve) => child.stdout?.once('data', (chunk) => resolve([chunk])));
    expect(first.toString()).toBe('early');
    child.kill();
    await ended;
  });

  test('is whole when more is written than a pipe holds', async () => {
    const { child, ended } = start(program('big', `output.stdout('x'.repeat(${BIG}))`), ['ignore', 'pipe', 'ignore']);
    const text = await collected(child.stdout);
    expect([text.length, await ended]).toEqual([BIG, 0]);
  });

  test('is whole on a pipe whose writers are told to come again, as one inherited can be', async () => {
    // What makes it one is libuv, which has no other way.
    const text = `new (require('net').Socket)({ fd: 1, readable: false }); output.stdout('x'.repeat(${BIG})); output.stderr('whole')`;
    const { child, ended } = start(program('again', text), ['ignore', 'pipe', 'pipe']);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [stdout, stderr] = await Promise.all([collected(child.stdout), collected(child.stderr)]);
    expect([stdout.length, stderr, await ended]).toEqual([BIG, 'whole', 0]);
  });

  test('stops nothing when nobody reads it', async () => {
    const busy = `output.stdout('x'.repeat(${BIG})); await wait(50); output.stderr('still here'); await wait(60_000)`;
    const { child, ended } = start(program('unread', busy), ['ignore', 'pipe', 'pipe']);
    const [first] = await new Promise<[Buffer]>((resolve) => child.stderr?.once('data', (chunk) => resolve([chunk])));
    expect(first.toString()).toBe('still here');
    child.kill();
    child.stdout?.destroy();
    await ended;
  });
});

describe('a reader that goes away', () => {
  test.each([
    ['before a command that waits for nothing', 'gone-short', ''],
    ['before a command that waits', 'gone-long', 'await wait(20);'],
  ])('%s ends the writing, and nothing else', (_when, name, wait) => {
    const argv = program(
      name,
      `output.stdout('a'); ${wait} output.stdout('b'); ${wait} output.stderr('on ' + (${wait === ''} || output.isUnread()))`,
    );
    const { stderr, status } = spawnSync(
      'sh',
      ['-c', `{ sleep 0.3; "$@" 2>&3; echo "exit $?" >&3; } 3>&2 | true`, 'sh', ...argv],
      {
        encoding: 'utf8',
      },
    );
    expect([stderr, status]).toEqual(['on trueexit 0\n', 0]);
  });
});

test.each([
  ['at once', 'full-short', ''],
  ['after a wait', 'full-long', 'await wait(1);'],
])('a full disk is told of, %s, and stops nothing', (_when, name, wait) => {
  const argv = program(name, `output.stdout('a'); ${wait} output.stderr('went on')`);
  const full = openSync('/dev/full', 'w');
  const { stderr, status } = spawnSync(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  });
  closeSync(full);
  expect([stderr, status]).toEqual(['went on', 9]);
});
