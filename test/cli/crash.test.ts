import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { crashSafe } from '../../src/cli/crash.ts';
import { discreet } from '../../src/cli/machine/discreet.ts';
import type { Terminal } from '../../src/cli/machine/terminal.ts';
import { runProgram } from '../../src/cli/program.ts';
import { content, joined } from '../../src/model/content.ts';
import { reveal, Secret } from '../../src/model/secret.ts';
import { makeRedactor } from '../../src/secrets/redact.ts';
import { type Project, shippedProject } from '../support/cli.ts';
import { play, task, toyRun } from '../support/toy-engine.ts';

/** Bugs of ours that take a secret with them, in each stage of a command: what is told of them holds none. */
const PSK = 'canary-Q7x9-of-a-psk';

let project: Project;
beforeAll(() => {
  project = shippedProject();
  project.edit('inventory/tunnels.yml', 'foobarbaz', PSK);
});
afterAll(() => project.remove());

function screen(more: Partial<Terminal> = {}) {
  const err: string[] = [];
  const out: string[] = [];
  const terminal: Terminal = {
    stdout: (text) => void out.push(text),
    stderr: (text) => void err.push(text),
    flushed: async () => null,
    progress: null,
    interactive: false,
    color: { stdout: false, stderr: false },
    env: { PATH: process.env.PATH, IPSEC_PLAY_DEBUG: '1' },
    cwd: project.path,
    home: project.path,
    user: 'root',
    stdin: async () => Buffer.alloc(0),
    ask: async () => null,
    onInterrupt: () => () => {},
    exitNow: (code) => {
      throw new Error(`exit ${code}`);
    },
    ...more,
  };
  return { terminal, text: () => err.join('') + out.join('') };
}

/** Runs a command whose terminal has the bug. */
async function crash(argv: readonly string[], more: Partial<Terminal>) {
  process.chdir(project.path);
  const { terminal, text } = screen(more);
  const code = await crashSafe(terminal, new EventEmitter(), () => runProgram(argv, terminal));
  return { code, text: text() };
}

describe('a bug', () => {
  test.each([
    ['as the results are written', ['validate', 'playbooks/site.yml'], 'stdout'],
    ['as tasks are listed', ['tasks', 'playbooks/site.yml', '-o', 'json'], 'stdout'],
    ['as a check is reported', ['check', 'playbooks/site.yml', '--lab', '-l', 'lana'], 'stdout'],
    ['as the document is written', ['check', 'playbooks/site.yml', '--lab', '-l', 'lana', '-o', 'json'], 'stdout'],
    ['as an event is written', ['check', 'playbooks/site.yml', '--lab', '-l', 'lana', '-o', 'jsonl'], 'stdout'],
    ['as the run begins', ['check', 'playbooks/site.yml', '--lab', '-l', 'lana'], 'onInterrupt'],
  ] as const)('%s is told without the secret that is in its message and its stack', async (_, argv, where) => {
    const broken = () => {
      throw new Error(`cannot handle IKE_PSK='${PSK}' (${Buffer.from(PSK).toString('hex')})`);
    };
    const { code, text } = await crash(argv, { [where]: broken });
    expect(code).toBe(1);
    expect(text).toContain("this is a bug in ipsec-play, not in your inventory: cannot handle IKE_PSK='[secret]'");
    expect(text).toMatch(/\n {4}at .*crash\.test\.ts/);
    expect(text).not.toContain(PSK);
    expect(text).not.toContain(Buffer.from(PSK).toString('hex'));
  });

  test('that leaves nothing to wait for is not the end of the command', async () => {
    const { terminal, text } = screen();
    const node = new EventEmitter();
    const code = crashSafe(terminal, node, () => new Promise(() => {}));
    node.emit('beforeExit', 0);
    expect(await code).toBe(1);
    expect(text()).toContain('this is a bug in ipsec-play');
  });

  test('of a transport in the middle of a run', async () => {
    const secret = new Secret('canary-on-the-wire');
    const bug = () => Promise.reject(new TypeError(`cannot send ${reveal(secret)}`));
    const plays = [play({ a: [task('1', 'write', { path: '/etc/x', text: 'x' })] })];
    const { terminal, text } = screen();
    const code = await crashSafe(terminal, new EventEmitter(), async () => {
      await toyRun(project.path, plays, { transport: { connect: bug } });
      return 0;
    });
    expect(code).toBe(1);
    expect(text()).toContain('TypeError: cannot send [secret]');
    expect(text()).not.toContain('canary-on-the-wire');
  });

  test('without IPSEC_PLAY_DEBUG its place is not shown', async () => {
    const broken = () => {
      throw new Error(`no ${PSK}`);
    };
    const { text } = await crash(['validate'], { stdout: broken, env: {} });
    expect(text).toContain('no [secret]');
    expect(text).not.toContain('    at ');
  });

  test('that a terminal cannot even tell of ends with exit code 1', async () => {
    const broken = () => {
      throw new Error('EBADF');
    };
    expect((await crash(['validate'], { stdout: broken, stderr: broken })).code).toBe(1);
  });

  test('that is no Error shows nothing of what it is', async () => {
    const { terminal, text } = screen();
    const code = await crashSafe(terminal, new EventEmitter(), () => Promise.reject({ psk: 'plain-canary-1' }));
    expect(code).toBe(1);
    expect(text()).not.toContain('plain-canary-1');
  });

  test.each(['uncaughtException', 'unhandledRejection'])(
    'that nobody caught (%s) is told the same way, once',
    async (event) => {
      const { terminal, text } = screen();
      const process = new EventEmitter();
      const secret = new Secret('canary-of-nobody');
      const forever = new Promise<number>(() => {});
      const code = crashSafe(terminal, process, () => forever);
      process.emit(event, new Error(`at ${reveal(secret)}`));
      process.emit(event, new Error('and another'));
      expect(await code).toBe(1);
      expect(text()).toContain('not in your inventory: at [secret]');
      expect(text()).not.toContain('canary-of-nobody');
      expect(text().match(/this is a bug/g)).toHaveLength(1);
    },
  );
});

test('what is typed without an echo is a secret from then on, in every message', async () => {
  const { terminal, text } = screen({ ask: async (question) => (question === 'name? ' ? 'root' : 'typed-canary') });
  const shown = discreet(terminal, makeRedactor());
  shown.stderr('typed-canary\n');
  expect(await shown.ask('passphrase? ', { hidden: true })).toBe('typed-canary');
  await shown.ask('name? ');
  shown.stderr('root: typed-canary is wrong\n');
  expect(text()).toBe('typed-canary\nroot: [secret] is wrong\n');
  expect([shown.cwd, shown.interactive]).toEqual([terminal.cwd, false]);
});

describe('a secret in an object that is shown', () => {
  const secret = new Secret('canary-in-an-object');
  const error = Object.assign(new Error('failed', { cause: { secret } }), {
    secret,
    list: [new Map([['key', secret]])],
  });

  test.each([
    ['inspect', inspect(error, { depth: null, showHidden: true })],
    ['JSON', JSON.stringify(error)],
    ['text', `${secret} ${String(secret)}`],
    ['a whole file', inspect(joined(content`IKE_PSK=${secret}\n`), { showHidden: true })],
    ['what is made of it', inspect(secret.map((value) => `${value}!`))],
  ])('%s', (_, shown) => {
    expect(shown).not.toContain('canary-in-an-object');
    expect(shown).toContain('[secret]');
  });
});
