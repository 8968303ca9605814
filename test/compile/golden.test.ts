import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Content, joined } from '../../src/model/content.ts';
import { reveal } from '../../src/model/secret.ts';
import { cases } from './support/cases.ts';
import { argsOf, compileWorld, tasksOf } from './support/world.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/** `UPDATE_GOLDEN=1 npx vitest run test/compile/golden.test.ts` writes them anew: read the diff. */
const update = process.env.UPDATE_GOLDEN === '1';

describe('the files of every case, byte for byte', () => {
  for (const [name, { tunnels, racoon }] of Object.entries(cases)) {
    test(name, () => {
      const written = filesOf(compileWorld({ tunnels, racoon }));
      const folder = join(GOLDEN, name);
      if (update) for (const [path, text] of written) put(join(folder, path), text);
      expect([...written.keys()].sort()).toEqual(filesUnder(folder).sort());
      for (const [path, text] of written) expect(text, path).toBe(readFileSync(join(folder, path), 'latin1'));
    });
  }

  test('there is no golden folder without a case', () => {
    expect(readdirSync(GOLDEN).sort()).toEqual(Object.keys(cases).sort());
  });
});

/** Every file that the compiled tasks write, by `HOST/PATH`; psk.txt with its lines as they would stand there. */
function filesOf(compiled: ReturnType<typeof compileWorld>): Map<string, string> {
  expect(compiled.diagnostics).toEqual([]);
  const files = new Map<string, string>();
  for (const { host } of compiled.plays[0]?.hosts ?? []) {
    for (const task of tasksOf(compiled, host)) {
      const args = argsOf(task);
      const path = `${host}${String(args.path)}`;
      if (task.module === 'psk') {
        const entries = args.entries as { peer: string; key: Parameters<typeof reveal>[0] }[];
        files.set(path, entries.map(({ peer, key }) => `${peer}\t${reveal(key)}\n`).join(''));
      } else if (args.content !== undefined) files.set(path, textOf(args.content as Content | string));
    }
  }
  return files;
}

function textOf(content: Content | string): string {
  const text = typeof content === 'string' ? content : joined(content);
  return typeof text === 'string' ? text : reveal(text);
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => relative('.', path));
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, 'latin1');
}
