import { execFile } from 'node:child_process';
import { ConnectFault } from '../transport.ts';
import type { Decide } from './applied.ts';
import { jumpLoop } from './jump-loop.ts';

/** What `ssh -G` says of a host. */
export interface SshAnswer {
  /** Each keyword, in lower case, and what it is; several times for lists. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly log: SshLog;
}

/** What `-vvv` tells about the configuration. */
export interface SshLog {
  /** The blocks as they were come to. */
  readonly events: readonly LogEvent[];
  readonly files: readonly string[];
}

export type LogEvent =
  | { readonly kind: 'host'; readonly file: string; readonly line: number }
  | { readonly kind: 'match'; readonly holds: boolean }
  /** Everything is read a second time (`Match final`, CanonicalizeHostname). */
  | { readonly kind: 'again' };

/** There is no ssh that can be asked. */
export class NoSsh extends Error {}

/** Eight at a time: they are short, and `Match exec` may start more. */
const MOST_AT_ONCE = 8;
/** `Match exec` may ask somebody. */
const PATIENCE = 60_000;

export type RunSsh = (args: readonly string[], host: string) => Promise<SshAnswer>;

/** Rejects with a {@link ConnectFault}, or with {@link NoSsh}. */
export function sshRunner(env: Readonly<Record<string, string | undefined>>): RunSsh {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (args, host) => {
    if (running >= MOST_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await ask(args, host, env);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

function ask(args: readonly string[], host: string, env: Readonly<Record<string, string | undefined>>) {
  return new Promise<SshAnswer>((resolve, reject) => {
    const words = ['-vvv', '-T', '-G', ...args, host];
    const options = { env: { ...env }, timeout: PATIENCE, maxBuffer: 16 << 20 };
    const child = execFile('ssh', words, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ values: readValues(stdout), log: readLog(stderr) });
      if (error.code === 'ENOENT' || error.code === 'EACCES' || /(unknown|illegal) option -- G/.test(stderr)) {
        return reject(new NoSsh());
      }
      if (error.killed === true) {
        const why = `ssh -G ${host} gave no answer in ${PATIENCE / 1000} seconds`;
        return reject(new ConnectFault('ssh-config', why, 'Run it by hand: a command of a Match exec may hang.'));
      }
      reject(faultOf(host, complaints(stderr)));
    });
    child.stdin?.end();
  });
}

function faultOf(host: string, lines: readonly string[]): ConnectFault {
  const said = lines.join('; ') || 'it gave no reason';
  if (lines.some((line) => line.startsWith('jumphost loop'))) {
    return jumpLoop({ path: [host, host], places: [], host });
  }
  if (lines.some((line) => /^(hostname|remote username) contains invalid characters/.test(line))) {
    const fix = 'Correct ansible_host or ansible_user, or what ssh_config has in place of them.';
    return new ConnectFault('ssh-config', `ssh refuses to reach ${JSON.stringify(host)}: ${said}`, fix);
  }
  return new ConnectFault(
    'ssh-config',
    `ssh does not understand its configuration: ${said}`,
    'Correct that line, or name another file with --ssh-config (none: no file at all).',
  );
}

/** What is left of stderr without the log. */
function complaints(stderr: string): readonly string[] {
  return stderr
    .split(/\r?\n/)
    .map((line) => line.replace(/^command-line:? line 0:? /, 'an option for ssh in the inventory: '))
    .filter((line) => line !== '' && !/^(debug\d: |OpenSSH_|Pseudo-terminal |Warning: )|: terminating, /.test(line));
}

function readValues(stdout: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const line of stdout.split(/\r?\n/)) {
    const space = line.indexOf(' ');
    if (space < 1) continue;
    const keyword = line.slice(0, space).toLowerCase();
    values.set(keyword, [...(values.get(keyword) ?? []), line.slice(space + 1)]);
  }
  return values;
}

function readLog(stderr: string): SshLog {
  const events: LogEvent[] = [];
  const files: string[] = [];
  for (const line of stderr.split(/\r?\n/)) {
    const host = /^debug1: (.*) line (\d+): Applying options for /.exec(line);
    const match = /^debug2: match (not )?found$/.exec(line);
    const file = /^debug1: Reading configuration data (.*)$/.exec(line);
    if (host) events.push({ kind: 'host', file: host[1] ?? '', line: Number(host[2]) });
    else if (match) events.push({ kind: 'match', holds: match[1] === undefined });
    else if (file) files.push(file[1] ?? '');
    else if (line === 'debug1: re-parsing configuration') events.push({ kind: 'again' });
  }
  return { events, files };
}

/** Decides as ssh did, in the order in which it did. */
export function decideByLog(events: readonly LogEvent[]): { readonly decide: Decide; readonly again: () => boolean } {
  let at = 0;
  return {
    decide: (line) => {
      const event = events[at];
      if (line.keyword === 'match') {
        if (event?.kind !== 'match') return false;
        at += 1;
        return event.holds;
      }
      // Longer names are cut off in the log.
      if (event?.kind !== 'host' || event.line !== line.line || event.file !== line.file.slice(0, 200)) return false;
      at += 1;
      return true;
    },
    again: () => {
      if (events[at]?.kind !== 'again') return false;
      at += 1;
      return true;
    },
  };
}
