import type {
  AnyAuthMethod,
  AuthHandlerMiddleware,
  ParsedKey,
  Prompt,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2';
import type { Target } from '../model/host.ts';
import { reveal, type Secret } from '../model/secret.ts';
import type { Deadline } from './deadline.ts';
import type { Keyring } from './ssh-keys.ts';
import { ConnectFault } from './transport.ts';

/** How one host's user is authenticated: what is tried in which order, and the account of it where it all failed. */
export interface Authentication {
  /** `limit` stands still while a person or ssh-agent is asked. */
  handler(limit: Deadline): AuthHandlerMiddleware;
  fault(detail?: string): ConnectFault;
}

export interface Credentials {
  readonly target: Target;
  readonly user: string;
  /** Tried where the target names no key file. */
  readonly identityFiles: readonly string[];
  /** The target's own key file, `~` resolved. */
  readonly keyFile: string | undefined;
}

/**
 * The order is ssh(1)'s: the key that was named, ssh-agent's keys, the default key files, the password. Never `none`
 * first, which costs a round trip. An encrypted default key is asked for only when ssh-agent's keys were of no use.
 * Servers allow few attempts (MaxAuthTries 6), so no key is tried twice and none by a method that the server lacks.
 */
export async function authentication(credentials: Credentials, keys: Keyring): Promise<Authentication> {
  const { target, user } = credentials;
  const { default: ssh2 } = await import('ssh2');
  // A person is asked before there is a connection that a server would close meanwhile (LoginGraceTime).
  if (credentials.keyFile !== undefined) await unlockUnlessInAgent(credentials.keyFile, keys);
  const tried: string[] = [];
  const skipped: string[] = [];
  let accepted: readonly string[] | null = null;
  let limit: Deadline | null = null;
  const accepts = (method: string) => accepted === null || accepted.includes(method);

  class SomeAgentKeys extends ssh2.BaseAgent<ParsedKey> {
    readonly #keys: readonly ParsedKey[];
    constructor(keys: readonly ParsedKey[]) {
      super();
      this.#keys = keys;
    }
    override getIdentities(done: (error: Error | undefined, keys?: ParsedKey[]) => void): void {
      done(undefined, [...this.#keys]);
    }
    override sign(
      key: ParsedKey,
      data: Buffer,
      options: SigningRequestOptions | SignCallback,
      done?: SignCallback,
    ): void {
      const answer = typeof options === 'function' ? options : done;
      const hash = typeof options === 'function' ? undefined : (options as { hash?: string }).hash;
      limit?.pause();
      keys.signWithAgent(key, data, hash).then(
        (signature) => {
          limit?.resume();
          answer?.(undefined, signature);
        },
        (error: Error) => {
          limit?.resume();
          skipped.push(`ssh-agent did not sign with a key (${error.message})`);
          answer?.(error);
        },
      );
    }
  }

  async function* attempts(): AsyncGenerator<AnyAuthMethod> {
    const inAgent = await keys.agentKeys();
    const files = credentials.keyFile === undefined ? credentials.identityFiles : [credentials.keyFile];
    const named = credentials.keyFile === undefined ? null : await keys.file(credentials.keyFile);
    const isNamed = (key: ParsedKey) => named?.kind === 'key' && named.publicKey === publicOf(key);

    if (accepts('publickey')) {
      const first = inAgent.filter(isNamed);
      if (first.length > 0) yield fromAgent(first);
      else if (credentials.keyFile !== undefined) yield* fromFile(credentials.keyFile, true);
    }
    const rest = inAgent.filter((key) => !isNamed(key));
    if (rest.length > 0 && accepts('publickey')) yield fromAgent(rest);
    if (credentials.keyFile === undefined) {
      for (const path of files) if (accepts('publickey')) yield* fromFile(path, false, new Set(inAgent.map(publicOf)));
    }
    if (target.password !== undefined) yield* withPassword(target.password);
  }

  function fromAgent(some: readonly ParsedKey[]): AnyAuthMethod {
    tried.push(`ssh-agent (${some.map((key) => `${key.type} ${key.comment}`.trim()).join(', ')})`);
    return { type: 'agent', username: user, agent: new SomeAgentKeys(some) };
  }

  async function* fromFile(path: string, asked: boolean, without = new Set<string>()): AsyncGenerator<AnyAuthMethod> {
    const file = await keys.file(path);
    if (file.kind === 'unusable') {
      if (asked || !file.missing) skipped.push(`${path} (${file.why})`);
      return;
    }
    if (file.publicKey !== null && without.has(file.publicKey)) return;
    const key = await file.unlock();
    if (typeof key === 'string') {
      skipped.push(`${path} (${key})`);
      return;
    }
    tried.push(path);
    yield { type: 'publickey', username: user, key };
  }

  /** By the method that the server has; a refused password is not tried a second time by the other one. */
  async function* withPassword(password: Secret): AsyncGenerator<AnyAuthMethod> {
    if (accepts('password')) {
      tried.push('password');
      const unknown = accepted === null;
      yield { type: 'password', username: user, password: reveal(password) };
      if (!unknown || accepts('password')) return;
      tried.pop();
    }
    if (!accepts('keyboard-interactive')) {
      skipped.push('password (the server does not take any)');
      return;
    }
    tried.push('password (keyboard-interactive)');
    yield { type: 'keyboard-interactive', username: user, prompt: answerWith(password, skipped) };
  }

  const ordered = attempts();
  return {
    handler: (deadline) => {
      limit = deadline;
      return (left, _partial, next) => {
        accepted = left ?? accepted;
        // `false` is ssh2's word for "no more", missing from its types.
        const proceed = next as (method: AnyAuthMethod | false) => void;
        deadline.pause();
        ordered
          .next()
          .then(({ value }) => value ?? false)
          .catch((error: Error) => {
            skipped.push(error.message);
            return false as const;
          })
          .then((method) => {
            deadline.resume();
            proceed(method);
          })
          // The connection may be gone by the time a person has answered; its own events tell.
          .catch(() => {});
      };
    },
    fault: (detail) => fault(credentials, keys, tried, skipped, accepted, detail),
  };
}

/** One hidden prompt is the password's; what a server asks beyond that (a one-time code) nobody here can answer. */
function answerWith(password: Secret, skipped: string[]) {
  let answered = false;
  return (
    _name: string,
    _instructions: string,
    _lang: string,
    prompts: Prompt[],
    finish: (answers: string[]) => void,
  ) => {
    const [prompt] = prompts;
    if (prompts.length === 1 && prompt !== undefined && prompt.echo !== true && !answered) {
      answered = true;
      return finish([reveal(password)]);
    }
    skipped.push(`the server also asked ${prompts.map((asked) => JSON.stringify(asked.prompt.trim())).join(', ')}`);
    finish(prompts.map(() => ''));
  };
}

function fault(
  { target, user, keyFile }: Credentials,
  keys: Keyring,
  tried: readonly string[],
  skipped: readonly string[],
  accepted: readonly string[] | null,
  detail: string | undefined,
): ConnectFault {
  const parts = [
    detail,
    tried.length === 0 ? 'nothing to authenticate with was found' : `tried ${tried.join(', ')}`,
    skipped.length === 0 ? undefined : `not used: ${skipped.join(', ')}`,
    accepted === null || accepted.length === 0 ? undefined : `the server takes ${accepted.join(', ')}`,
    keys.agentProblem ?? undefined,
  ].filter((part) => part !== undefined);
  return new ConnectFault('authentication', `${user}@${target.address} is refused: ${parts.join('; ')}`, fix());

  function fix(): string {
    if (detail !== undefined && /too many/i.test(detail)) {
      return 'ssh-agent offered more keys than the server allows attempts: name the right one with --private-key.';
    }
    if (tried.some((what) => what.startsWith('password')) || accepted?.includes('publickey') === false) {
      return `Check ansible_user and ansible_password; by hand: ssh -p ${target.port} ${user}@${target.address}`;
    }
    const which = keyFile === undefined ? 'name a key with --private-key or load one with ssh-add' : `check ${keyFile}`;
    return `Check the user (-u, ansible_user), and ${which}; its public half must be in ~${user}/.ssh/authorized_keys on the host.`;
  }
}

async function unlockUnlessInAgent(path: string, keys: Keyring): Promise<void> {
  const file = await keys.file(path);
  if (file.kind !== 'key' || !file.encrypted) return;
  const inAgent = await keys.agentKeys();
  if (!inAgent.some((key) => publicOf(key) === file.publicKey)) await file.unlock();
}

function publicOf(key: ParsedKey): string {
  return key.getPublicSSH().toString('base64');
}
