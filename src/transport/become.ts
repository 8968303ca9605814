import { toBytes } from '../model/content.ts';
import type { Target } from '../model/host.ts';
import { reveal, type Secret } from '../model/secret.ts';
import { becomeFault } from './become-faults.ts';
import { type CommandLine, commandLine, word } from './command-line.ts';
import { ConnectFault } from './transport.ts';

export type Become = NonNullable<Target['become']>;

/** How a program is started, and what must happen before it has its stdin to itself. */
export interface Launch {
  readonly command: string;
  /** A line for stdin, sent at once, or only when the gate sees a prompt. */
  readonly password: { readonly line: Secret; readonly when: 'at-once' | 'prompted' } | null;
  /** For stdin as soon as the gate is open, before anything of the caller's. */
  readonly lead: string;
  /** `null`: nothing to wait for. */
  readonly gate: Gate | null;
}

/**
 * The command line for `program`, run as another user where `become` says so. `nonce` marks our own lines; it must be
 * new for each launch and hold nothing but letters and digits.
 *
 * The password is sent over stdin at once. The started program says that it is ready, and is then sent a line with the
 * nonce, up to which it reads: a password that sudo or su did not ask for is swallowed there and never reaches a shell as
 * a command. The nonce waits for that word, or a sudo that asks again would count it as a second wrong password.
 * sudo gets `-S -p` with a prompt of ours and never `-n`, which sudo before 1.7 (RHEL 4, 5) does not know; that the prompt
 * appears where there is no password, or once more, is the refusal.
 */
export function launch(program: string, become: Become | undefined, nonce: string): Launch {
  if (become === undefined) {
    const line = commandLine(program);
    return { command: `exec ${line.command}`, password: null, lead: line.lead, gate: null };
  }
  const password = passwordLine(become);
  const line = commandLine(program, ready(nonce) + (password === null ? '' : swallow(nonce)));
  return {
    command: as(become, line, nonce),
    password: password === null ? null : { line: password, when: 'at-once' },
    lead: (password === null ? '' : `${nonce}\n`) + line.lead,
    gate: new Gate(become, nonce),
  };
}

/**
 * The same on a terminal, for a su or sudo that insists on one. There a password typed ahead of the prompt is discarded
 * (TCSAFLUSH), so it waits for it. The terminal serves the password only: `program` must connect itself elsewhere, for a
 * terminal merges the outputs and is not transparent to bytes.
 */
export function launchOnTerminal(program: string, become: Become, nonce: string): Launch {
  const line = commandLine(program, ready(nonce));
  if (line.lead !== '') throw new Error('a program for a terminal must be short');
  const password = passwordLine(become);
  return {
    command: as(become, line, nonce),
    password: password === null ? null : { line: password, when: 'prompted' },
    lead: '',
    gate: new Gate(become, nonce),
  };
}

/**
 * Watches what sudo or su says on stderr until the program runs. Fed with all of it, it gives back what is not part of
 * that dialogue.
 */
export class Gate {
  readonly become: Become;
  readonly #nonce: string;
  /** su's cannot be chosen; under LC_ALL=C it is PAM's or getpass(3)'s own. */
  readonly #prompt: RegExp;
  #said = '';
  #prompts = 0;

  constructor(become: Become, nonce: string) {
    this.become = become;
    this.#nonce = nonce;
    this.#prompt = become.method === 'sudo' ? new RegExp(`\\[${nonce}\\] password: `, 'g') : /^password: ?/gim;
  }

  feed(stderr: string): GateState {
    this.#said += stderr;
    const mark = this.#said.indexOf(`${this.#nonce} ready`);
    if (mark >= 0) {
      const end = this.#said.indexOf('\n', mark);
      if (end < 0) return { state: 'closed', prompted: false };
      return { state: 'open', rest: this.#withoutPrompts(this.#said.slice(0, mark)) + this.#said.slice(end + 1) };
    }
    const before = this.#prompts;
    this.#prompts = this.#countPrompts();
    if (this.#prompts > (this.become.password === undefined ? 0 : 1)) {
      return {
        state: 'refused',
        fault: this.#fault(this.become.password === undefined ? 'no-password' : 'wrong-password'),
      };
    }
    return { state: 'closed', prompted: this.#prompts > before };
  }

  /** The program never ran: su or sudo ended. */
  ended(code: number | null): ConnectFault {
    return this.#fault(code === null ? 'ended' : `exit ${code}`);
  }

  timedOut(seconds: number): ConnectFault {
    return this.#fault(`${this.become.method} did not come to an end within ${seconds} s`);
  }

  /** sudo or su said that it insists on a terminal. */
  get wantsTerminal(): boolean {
    return /must be (a tty|run from a terminal)|must have a tty/i.test(this.#said);
  }

  #fault(how: string): ConnectFault {
    return becomeFault(this.become, this.#redacted(this.#withoutPrompts(this.#said)), how);
  }

  #countPrompts(): number {
    return this.#said.match(this.#prompt)?.length ?? 0;
  }

  /** With the newline that is the terminal's echo of the password's. */
  #withoutPrompts(text: string): string {
    return text.replace(new RegExp(`(${this.#prompt.source})(\\r?\\n)?`, 'gim'), '');
  }

  /** Neither program prints a password; a terminal in a wrong mode would. */
  #redacted(text: string): string {
    const password = this.become.password === undefined ? '' : toBytes(reveal(this.become.password));
    return password === '' ? text : text.replaceAll(password, '********');
  }
}

export type GateState =
  | { readonly state: 'closed'; readonly prompted: boolean }
  | { readonly state: 'open'; readonly rest: string }
  | { readonly state: 'refused'; readonly fault: ConnectFault };

function as(become: Become, line: CommandLine, nonce: string): string {
  if (!/^[#A-Za-z0-9_.][A-Za-z0-9_.@-]*\$?$/.test(become.user)) {
    throw new ConnectFault('become', `'${become.user}' is no name of a user`, 'Correct ansible_become_user.');
  }
  // LC_ALL: their messages are read. env(1), because csh and fish have another way to set a variable.
  const program = `exec env LC_ALL=C ${become.method}`;
  if (become.method === 'sudo')
    return `${program} -H -S -p ${word(prompt(nonce))} -u ${word(become.user)} ${line.command}`;
  return `${program} ${word(become.user)} -c ${word(`exec ${line.command}`)}`;
}

function passwordLine(become: Become): Secret | null {
  if (become.password === undefined) return null;
  if (/[\n\r\0]/.test(reveal(become.password))) {
    throw new ConnectFault('become', 'the become password holds a line break', 'Correct ansible_become_password.');
  }
  return become.password.map((password) => `${toBytes(password)}\n`);
}

function prompt(nonce: string): string {
  return `[${nonce}] password: `;
}

function swallow(nonce: string): string {
  return `while :; do IFS= read -r ip_l || exit 97; case $ip_l in ${nonce}) break;; esac; done; unset ip_l; `;
}

function ready(nonce: string): string {
  return `echo ${nonce} ready >&2; `;
}
