import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, test } from 'vitest';
import { hold, run } from '../support/fleet-process.ts';
import { needs } from '../support/needs.ts';
import { until } from '../support/until.ts';

const NEEDS = ['root', 'unshare', 'ip', 'taskset', 'lsns'];

test.skipIf(!needs(...NEEDS))(
  'whoever boots a kernel and is killed leaves no process and no folder behind',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'ipsec-play-kernel-'));
    const bin = join(dir, 'bin');
    mkdirSync(bin);
    // In the kernel's place: it lasts, and so does what it has started.
    writeFileSync(
      join(bin, 'linux.uml'),
      '#!/bin/sh\nsetsid sleep 987 &\nreadlink /proc/self/ns/pid\nexec sleep 987\n',
    );
    chmodSync(join(bin, 'linux.uml'), 0o755);
    const boot = [join(import.meta.dirname, 'guest/boot'), dir, '0', '198.51.100.254/24'];
    const life = hold([
      ...['env', `PATH=${bin}${delimiter}${process.env.PATH}`],
      ...['unshare', '--net', '--mount', '--mount-proc', '--pid', '--fork', '--kill-child=KILL', ...boot],
    ]);
    await life.said('started');
    await until(() => existsSync(join(dir, 'console')) && readFileSync(join(dir, 'console'), 'utf8') !== '');
    const namespace = readFileSync(join(dir, 'console'), 'utf8').trim();
    const inside = async () => (await run(['lsns', '-n', '-o', 'NS', '-t', 'pid']).ended).stdout;
    const number = /\d+/.exec(namespace)?.[0] ?? namespace;
    expect(await inside()).toContain(number);

    life.child.stdin?.end();
    await once(life.child, 'exit');
    expect(existsSync(dir)).toBe(false);
    expect(await inside()).not.toContain(number);
  },
);
