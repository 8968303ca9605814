import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'launcher-'));
  writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }');
  const launcher = readFileSync('scripts/launcher.cjs', 'utf8');
  writeFileSync(
    join(dir, 'cli.js'),
    transformSync(launcher, {
      define: {
        COLLECTIONS: '[["check", "use-hosts-1.js"], ["apply", "use-hosts-1.js"]]',
        PROGRAM: '"./part-program-1.js"',
        VERSION: '"1.2.3"',
      },
    }).code,
  );
  part(
    'part-program-1.js',
    `console.log(require('./part-2.js').words(), __filename, programUrl); process.exitCode = 7;`,
  );
  part('part-2.js', `exports.words = () => process.argv.slice(2).join(' ');`);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function part(name: string, body: string) {
  writeFileSync(
    join(dir, name),
    `(function (require, module, exports, __filename, __dirname, programUrl) {\n'use strict';\n${body}})`,
  );
}

function start(...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, join(dir, 'cli.js'), 'one', 'two'], {
    encoding: 'utf8',
  });
  expect({ status, stdout, stderr }).toEqual({
    status: 7,
    stdout: `one two ${join(dir, 'part-program-1.js')} ${pathToFileURL(join(dir, 'part-program-1.js'))}\n`,
    stderr: '',
  });
}

const caches = () => readdirSync(dir).filter((name) => name.endsWith('.cache'));

const cacheOf = (name: string) => `${name}.${process.version}-${process.arch}.cache`;

test('the first start leaves a cache of each part for this version of Node, and nothing else', () => {
  const before = readdirSync(dir);
  start();
  expect(caches().sort()).toEqual([cacheOf('part-2.js'), cacheOf('part-program-1.js')]);
  expect(readdirSync(dir)).toHaveLength(before.length + 2);
  start();
});

test('a part that no command has wanted yet is not read', () => {
  part('part-program-1.js', `if (process.argv.length > 3) require('./part-2.js'); console.log('ran');`);
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(dir, 'cli.js'), ...words], { encoding: 'utf8' });
  expect(run('one').stdout).toBe('ran\n');
  expect(caches()).toEqual([cacheOf('part-program-1.js')]);
  expect(run('one', 'two').stdout).toBe('ran\n');
  expect(caches().sort()).toEqual([cacheOf('part-2.js'), cacheOf('part-program-1.js')]);
});

test('parts that want each other, and one that is wanted twice', () => {
  part(
    'part-program-1.js',
    `exports.name = () => 'first'; console.log(require('./part-2.js') === require('./part-2.js'));`,
  );
  part('part-2.js', `console.log(require('./part-program-1.js').name());`);
  expect(spawnSync(process.execPath, [join(dir, 'cli.js')], { encoding: 'utf8' }).stdout).toBe('first\ntrue\n');
});

describe('a command whose parts stand together in a file', () => {
  beforeEach(() => {
    const parts = ['part-program-1.js', 'part-2.js'].map(
      (name) => `'./${name}':${readFileSync(join(dir, name), 'utf8')}`,
    );
    writeFileSync(join(dir, 'use-hosts-1.js'), `({${parts.join(',\n')}})`);
  });

  const run = (...words: string[]) =>
    spawnSync(process.execPath, [join(dir, 'cli.js'), ...words], { encoding: 'utf8' });

  test.each([['check'], ['apply', 'site.yml'], ['--inventory', 'here', 'check']])(
    '%s %s %s: one file and one cache are read',
    (...words) => {
      rmSync(join(dir, 'part-2.js'));
      const told = `${words.join(' ')} ${join(dir, 'part-program-1.js')} ${pathToFileURL(join(dir, 'part-program-1.js'))}\n`;
      for (const _ of ['without', 'with a cache']) {
        expect(run(...words)).toMatchObject({ status: 7, stdout: told, stderr: '' });
        expect(caches()).toEqual([cacheOf('use-hosts-1.js')]);
      }
    },
  );

  test('a part that it has not is read beside it', () => {
    const program = readFileSync(join(dir, 'part-program-1.js'), 'utf8');
    writeFileSync(join(dir, 'use-hosts-1.js'), `({'./part-program-1.js':${program}})`);
    expect(run('check')).toMatchObject({ status: 7, stderr: '' });
    expect(caches().sort()).toEqual([cacheOf('part-2.js'), cacheOf('use-hosts-1.js')]);
  });

  test.each([['validate'], ['constructor'], ['check --help'], ['-h apply']])(
    '%s: parts are read by themselves',
    (line) => {
      expect(run(...line.split(' ')).status).toBe(7);
      expect(caches().sort()).toEqual([cacheOf('part-2.js'), cacheOf('part-program-1.js')]);
    },
  );
});

test('--version reads no part', () => {
  expect(spawnSync(process.execPath, [join(dir, 'cli.js'), '--version'], { encoding: 'utf8' }).stdout).toBe('1.2.3\n');
  expect(caches()).toEqual([]);
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
  for (const name of ['part-program-1.js', 'part-2.js']) mkdirSync(join(dir, cacheOf(name)));
  start();
});

test.runIf(existsSync('/proc/self/task'))('many names can be looked up at the same time', () => {
  part(
    'part-program-1.js',
    `const { promises, readdirSync } = require('node:fs');
    promises.stat('.').then(() => console.log(readdirSync('/proc/self/task').length > 64));`,
  );
  const { UV_THREADPOOL_SIZE: _, ...env } = process.env;
  expect(spawnSync(process.execPath, [join(dir, 'cli.js')], { encoding: 'utf8', env }).stdout).toBe('true\n');
});
