import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { afterEach, beforeEach, expect, test } from 'vitest';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'launcher-'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }');
  const launcher = readFileSync('scripts/launcher.cjs', 'utf8');
  writeFileSync(
    join(dir, 'cli.js'),
    transformSync(launcher, { define: { PROGRAM: '"program-1.js"', VERSION: '"1.2.3"' } }).code,
  );
  const program = `(function (require, __filename, __dirname) {
    console.log(__filename, require('node:path').relative(__dirname, __filename), process.argv.slice(2).join(' '));
    process.exitCode = 7;
  })`;
  writeFileSync(join(dir, 'program-1.js'), program);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function start(...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, join(dir, 'cli.js'), 'one', 'two'], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 7,
    stdout: `${join(dir, 'cli.js')} cli.js one two\n`,
    stderr: '',
  });
}

const caches = () => readdirSync(dir).filter((name) => name.endsWith('.cache'));

test('the first start leaves a cache for this version of Node, and nothing else', () => {
  const before = readdirSync(dir);
  start();
  expect(caches()).toEqual([`program-1.js.${process.version}-${process.arch}-files.cache`]);
  expect(readdirSync(dir)).toHaveLength(before.length + 1);
  start();
});

test.each([
  [['apply', 'site.yml'], ['hosts']],
  [['validate', 'site.yml'], ['files']],
  [['apply', '--help'], ['help']],
  [[], ['help']],
  [['--version'], []],
])('%j reads a cache of its kind', (words, kinds) => {
  const { stdout } = spawnSync(process.execPath, [join(dir, 'cli.js'), ...words], { encoding: 'utf8' });
  expect(stdout).toBe(kinds.length === 0 ? '1.2.3\n' : `${join(dir, 'cli.js')} cli.js ${words.join(' ')}\n`);
  expect(caches()).toEqual(kinds.map((kind) => `program-1.js.${process.version}-${process.arch}-${kind}.cache`));
});

test.each(['', 'rubbish', 'half'])('a cache that is broken (%s) is not used', (how) => {
  start();
  const cache = join(dir, caches()[0] ?? '');
  const bytes = readFileSync(cache);
  writeFileSync(cache, how === 'half' ? bytes.subarray(0, bytes.length / 2) : how);
  start();
});

test('a cache that was made with other flags is neither used nor replaced', () => {
  start();
  const cache = join(dir, caches()[0] ?? '');
  const before = readFileSync(cache);
  start('--no-opt');
  expect(readFileSync(cache).equals(before)).toBe(true);
});

test('it runs where nothing may be written', () => {
  // A folder in the cache's place is what even root cannot write a file over.
  const { stdout } = spawnSync(process.execPath, ['-p', 'process.version + "-" + process.arch'], { encoding: 'utf8' });
  spawnSync('mkdir', [join(dir, `program-1.js.${stdout.trim()}-files.cache`)]);
  start();
});

test.runIf(existsSync('/proc/self/task'))('many names can be looked up at the same time', () => {
  const program = `(function (require) {
    const { promises, readdirSync } = require('node:fs');
    promises.stat('.').then(() => console.log(readdirSync('/proc/self/task').length > 64));
  })`;
  writeFileSync(join(dir, 'program-1.js'), program);
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  expect(spawnSync(process.execPath, [join(dir, 'cli.js')], { encoding: 'utf8', env }).stdout).toBe('true\n');
});
