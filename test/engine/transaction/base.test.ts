import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { render } from '../../../src/engine/sh.ts';
import { baseProbe, baseScript } from '../../../src/engine/transaction/host-kit.ts';
import { shells } from '../../support/shells.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'base-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const probe = () => render(baseProbe, { root, commandShell: ['sh', '-c'] });

test.each(shells)('where a run keeps what outlives its connection, %s', (program, ...words) => {
  const base = (script: string, user = 0) => {
    const text = `id() { echo ${user}; }\n${script}\nprintf %s "$ip_base"`;
    return execFileSync(program, [...words, '-c', text], { encoding: 'utf8' }).slice(root.length);
  };
  expect(base(baseScript(root))).toBe('/var/lib/ipsec-play');
  expect(base(baseScript(root), 1000)).toBe('/var/tmp/ipsec-play-1000');
  expect(base(probe())).toBe('/var/lib/ipsec-play');

  mkdirSync(join(root, 'var/tmp/ipsec-play-1000'), { recursive: true });
  expect(base(probe())).toBe('/var/tmp/ipsec-play-1000');
  rmSync(join(root, 'var/tmp/ipsec-play-1000'), { recursive: true });
  // What somebody else has put there for us to walk into.
  symlinkSync('/tmp', join(root, 'var/tmp/ipsec-play-1000'));
  expect(base(probe())).toBe('/var/lib/ipsec-play');
});
