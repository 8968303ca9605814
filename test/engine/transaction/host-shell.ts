import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Frame, frameReader } from '../../../src/engine/frames.ts';
import type { Touched } from '../../../src/engine/transaction/prepare.ts';
import type { FileState } from '../../../src/model/host-state.ts';
import { SHORT_SLEEP } from '../../support/short-sleep.ts';

export const NONCE = 'n0nce';

/** A root tree, and all that runs on it. */
export function hostWith(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'ipsec-play-transaction-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const processes = () => processesOf(root);
  return {
    root,
    /** Every process that a shell on this host has left running, however it was detached; the shell, too. */
    processes,
    remove: () => {
      for (let left = processes(); left.length > 0; left = processes()) for (const pid of left) end(pid);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** What is started inherits it, and no script takes it away. */
const HOST = 'IPSEC_PLAY_TEST_HOST';

function processesOf(root: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const isOurs = readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(`${HOST}=${root}`);
      const isDead = / [ZX] /.test(readFileSync(`/proc/${name}/stat`, 'latin1').replace(/^.*\)/, ''));
      return isOurs && !isDead ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** One shell on a host that reads scripts from stdin, and sleeps shortly; `run` resolves at the frame `done`. */
export function shellOn({ root }: { readonly root: string }, [program = 'sh', ...args]: readonly string[]) {
  const env = { ...process.env, PATH: `${SHORT_SLEEP}:${process.env.PATH}`, [HOST]: root };
  const child: ChildProcess = spawn(program, args, { stdio: 'pipe', env });
  let frames = new Map<string, Frame>();
  let finish: () => void = () => {};
  let heard: (frame: Frame) => void = () => {};
  let noise = '';
  const reader = frameReader(NONCE, {
    begin: () => {},
    end: (frame) => {
      if (frame.id === 'done') finish();
      else {
        frames.set(frame.id, frame);
        heard(frame);
      }
    },
  });
  child.stdout?.on('data', (chunk: Buffer) => reader.stdout(chunk.toString('latin1')));
  child.stderr?.on('data', (chunk: Buffer) => {
    noise += chunk.toString('latin1');
    reader.stderr(chunk.toString('latin1'));
  });
  return {
    pid: child.pid ?? 0,
    run: (script: string, listen: (frame: Frame) => void = () => {}) => {
      frames = new Map();
      heard = listen;
      return new Promise<ReadonlyMap<string, Frame>>((resolve, reject) => {
        finish = () => resolve(frames);
        child.once('exit', () => reject(new Error(`the shell ended: ${noise}`)));
        child.stdin?.write(Buffer.from(script, 'latin1'));
      });
    },
    say: (text: string) => child.stdin?.write(text),
    kill: () => child.kill('SIGKILL'),
    end: () => child.stdin?.end(),
  };
}

export function seen(path: string, bytes: string | null): Touched {
  const state: FileState =
    bytes === null
      ? { kind: 'absent' }
      : { kind: 'file', mode: 0o644, owner: 'root', group: 'root', uid: 0, gid: 0, bytes };
  return { path, seen: state, isHosts: false };
}
