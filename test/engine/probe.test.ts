import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Frame, frameReader } from '../../src/engine/frames.ts';
import { probeScript } from '../../src/engine/probe.ts';
import { type Rendering, readFiles, type Script, sh } from '../../src/engine/sh.ts';
import { fromBytes } from '../../src/model/content.ts';
import { Secret } from '../../src/model/secret.ts';
import { shells } from '../support/shells.ts';

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

let root: string;
let rendering: Rendering;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'probe-'));
  rendering = { root, commandShell: ['sh', '-c'] };
  mkdirSync(join(root, 'etc/dir with blank'), { recursive: true, mode: 0o750 });
  writeFileSync(join(root, "etc/it's"), 'quoted\n');
  writeFileSync(join(root, 'etc/empty'), '');
  writeFileSync(join(root, 'etc/every-byte'), everyByte);
  writeFileSync(join(root, 'etc/unfinished'), 'no line feed at the end\n|\n|\n@@y e done 0');
  writeFileSync(join(root, 'etc/ünïcode'), 'x');
  symlinkSync("it's", join(root, 'etc/link'));
  symlinkSync('nowhere', join(root, 'etc/broken-link'));
  chmodSync(join(root, "etc/it's"), 0o640);
  for (let index = 0; index < 150; index += 1)
    writeFileSync(join(root, `etc/many-${index}`), `${index}\n`.repeat(index));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function probe(shell: readonly string[], scripts: readonly Script[], env: Record<string, string> = {}) {
  const script = probeScript(scripts, 'x', rendering);
  const [program = '', ...args] = shell;
  const ran = spawnSync(program, [...args, '-c', fromBytes(script.text)], {
    env: { ...process.env, ...env },
    maxBuffer: 1 << 26,
  });
  const frames = new Map<string, Frame>();
  const reader = frameReader('x', { begin: () => {}, end: (frame) => frames.set(frame.id, frame) });
  reader.stdout(ran.stdout.toString('latin1'));
  reader.stderr(ran.stderr.toString('latin1'));
  expect(frames.has('done')).toBe(true);
  expect(ran.stderr.toString()).not.toContain('@@x');
  return script.read(frames);
}

const paths = [
  '/etc/link',
  "/etc/it's",
  '/etc/empty',
  '/etc/absent',
  '/etc/broken-link',
  '/etc/every-byte',
  '/etc/unfinished',
  '/etc/ünïcode',
  '/etc/dir with blank',
  '/dev-null-has-no-place-here',
];

describe.each(shells)('reading files in one go, %s', (...shell) => {
  test('kind, mode and every byte, links followed', () => {
    const files = probe(shell, [readFiles(paths)])?.[0]?.files;
    expect(files?.get("/etc/it's")).toMatchObject({
      kind: 'file',
      mode: 0o640,
      bytes: 'quoted\n',
      uid: process.getuid?.(),
    });
    expect(files?.get('/etc/link')).toEqual(files?.get("/etc/it's"));
    expect(files?.get('/etc/empty')).toMatchObject({ kind: 'file', bytes: '' });
    expect(files?.get('/etc/every-byte')).toMatchObject({ bytes: everyByte.toString('latin1') });
    expect(files?.get('/etc/unfinished')).toMatchObject({ bytes: 'no line feed at the end\n|\n|\n@@y e done 0' });
    expect(files?.get('/etc/ünïcode')).toMatchObject({ bytes: 'x' });
    expect(files?.get('/etc/dir with blank')).toMatchObject({ kind: 'directory', mode: 0o750 });
    expect(files?.get('/etc/absent')).toEqual({ kind: 'absent' });
    expect(files?.get('/etc/broken-link')).toEqual({ kind: 'absent' });
  });

  test('more files than one stat takes', () => {
    const many = Array.from({ length: 150 }, (_, index) => `/etc/many-${index}`);
    const files = probe(shell, [readFiles(many)])?.[0]?.files;
    for (const [index, path] of many.entries())
      expect(files?.get(path)).toMatchObject({ bytes: `${index}\n`.repeat(index) });
  });

  test('a stat that knows no -c is made up for by ls', () => {
    const bin = join(root, 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'stat'), '#!/bin/sh\necho "stat: illegal option -- c" >&2; exit 1\n', { mode: 0o755 });
    const PATH = `${bin}:${process.env.PATH}`;
    const viaLs = probe(shell, [readFiles(paths)], { PATH });
    expect(viaLs?.[0]?.files.get("/etc/it's")).toMatchObject({ mode: 0o640 });
    expect(viaLs).toEqual(probe(shell, [readFiles(paths)]));
  });

  test('a file that goes before ls comes to it is absent, and the others are what they are', () => {
    const bin = join(root, 'bin-late');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(root, 'etc/gone'), 'x');
    writeFileSync(join(bin, 'stat'), `#!/bin/sh\nrm -f '${join(root, 'etc/gone')}'; exit 1\n`, { mode: 0o755 });
    const PATH = `${bin}:${process.env.PATH}`;
    const files = probe(shell, [readFiles(['/etc/gone', "/etc/it's", '/etc/empty'])], { PATH })?.[0]?.files;
    expect(files?.get('/etc/gone')).toEqual({ kind: 'absent' });
    expect(files?.get("/etc/it's")).toMatchObject({ mode: 0o640, bytes: 'quoted\n' });
    expect(files?.get('/etc/empty')).toMatchObject({ kind: 'file', bytes: '' });
  });

  test('equal texts run once, each task has its answer, and what it exits with', () => {
    const log = join(root, `log-${shell.join('')}`);
    const one = sh`echo ran >> ${log}; cat ${log}; (exit 3)`;
    const answers = probe(shell, [one, sh`printf %s ${"it's $HOME `x` \\ "}`, one]);
    expect(answers?.map(({ stdout }) => stdout)).toEqual(['ran\n', "it's $HOME `x` \\ ", 'ran\n']);
    expect(answers?.map(({ exitCode }) => exitCode)).toEqual([3, 0, 3]);
  });
});

test('a probe that carries a secret is refused', () => {
  expect(() => probeScript([sh`echo ${new Secret('canary-1')}`], 'x', rendering)).toThrow('a probe carries a secret');
});

test('a file that changed size between stat and cat is not taken for read', () => {
  const script = probeScript([readFiles(['/etc/a'])], 'x', rendering);
  const answer = (size: number, bytes: string) =>
    script.read(
      new Map([
        [
          'f0',
          {
            id: 'f0',
            exitCode: 0,
            stderr: '',
            stdout: `regular file|644|0|0|root|root|${size}|${root}/etc/a\n|\n${root}/etc/a\n|\n${bytes}`,
          },
        ],
      ]),
    );
  expect(answer(3, 'abc')?.[0]?.files.get('/etc/a')).toMatchObject({ bytes: 'abc' });
  expect(answer(3, 'abcd')).toBeNull();
  expect(answer(3, 'ab')).toBeNull();
});
