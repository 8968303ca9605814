import type {
  AnyAuthMethod,
  AuthHandlerMiddleware,
  ParsedKey,
  Prompt,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2';
import { reveal, type Secret } from '../model/secret.ts';
import type { Deadline } from './deadline.ts';
import type { Agent } from './ssh-agent.ts';
import type { KeyFile, Keyring } from './ssh-keys.ts';
import type { SshSettings } from './ssh-settings.ts';
import { ConnectFault } from './transport.ts';

/** How one host's user is authenticated: what is tried in which order, and the account of it where it all failed. */
export interface Authentication {
  /** `limit` stands still while a person or ssh-agent is asked. */
  handler(limit: Deadline): AuthHandlerMiddleware;
  fault(detail?: string): ConnectFault;
}

export interface Credentials {
  readonly settings: SshSettings;
  readonly password: Secret | undefined;
  /** A jump host has no variables of its own in the inventory: what can be done about it stands elsewhere. */
  readonly isJumpHost: boolean;
}

/**
 * The order: the keys that were named, ssh-agent's others, the default key files, the password. Never `none` first,
 * which costs a round trip. An encrypted default key is asked for only when ssh-agent's keys were of no use.
 * Servers allow few attempts (MaxAuthTries 6), so no key is tried twice and none by a method that the server lacks.
 */
export async function authentication(credentials: Credentials, keys: Keyring): Promise<Authentication> {
  const { settings, password } = credentials;
  const { user } = settings;
  const agent = keys.agent(settings.agentSocket);
  const methods = settings.authMethods ?? METHODS;
  const { default: ssh2 } = await import('ssh2');
  const [first, ...others] = settings.namedIdentityFiles;
  // A person is asked before there is a connection that a server would close meanwhile (LoginGraceTime). Which one of
  // several will be needed is not known yet.
  if (first !== undefined && others.length === 0) await unlockUnlessInAgent(first, keys, agent);
  const tried: string[] = [];
  const skipped: string[] = [];
  const unusable: string[] = [];
  const locked: string[] = [];
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
      agent.sign(key, data, hash).then(
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
    let passwordTried = false;
    for (const method of methods) {
      if (method === 'publickey') yield* withKeys();
      else if (password !== undefined && !passwordTried) {
        passwordTried = true;
        yield* withPassword(password);
      }
    }
    if (password !== undefined && !passwordTried) skipped.push('password (ssh_config leaves no method for it)');
  }

  async function* withKeys(): AsyncGenerator<AnyAuthMethod> {
    const inAgent = await agent.keys();
    const done = new Set<string>();
    for (const path of settings.namedIdentityFiles) {
      const publicKey = publicKeyOf(await keys.file(path));
      const held = inAgent.find((key) => publicOf(key) === publicKey);
      if (!accepts('publickey') || (publicKey !== null && done.has(publicKey))) continue;
      if (publicKey !== null) done.add(publicKey);
      if (held !== undefined) yield fromAgent([held]);
      else yield* fromFile(path, true);
    }
    const rest = (await ofAgent(inAgent)).filter((key) => !done.has(publicOf(key)));
    for (const key of rest) done.add(publicOf(key));
    const left = inAgent.filter((key) => !done.has(publicOf(key))).length;
    if (left > 0) skipped.push(`${left} key${left === 1 ? '' : 's'} of ssh-agent (IdentitiesOnly)`);
    if (rest.length > 0 && accepts('publickey')) yield fromAgent(rest);
    for (const path of settings.defaultIdentityFiles) if (accepts('publickey')) yield* fromFile(path, false, done);
  }

  /** With IdentitiesOnly, those whose files are at hand. */
  async function ofAgent(inAgent: readonly ParsedKey[]): Promise<readonly ParsedKey[]> {
    if (!settings.identitiesOnly) return inAgent;
    const files = await Promise.all(settings.defaultIdentityFiles.map((path) => keys.file(path)));
    const allowed = files.map(publicKeyOf);
    return inAgent.filter((key) => allowed.includes(publicOf(key)));
  }

  function fromAgent(some: readonly ParsedKey[]): AnyAuthMethod {
    tried.push(`ssh-agent (${some.map((key) => `${key.type} ${key.comment}`.trim()).join(', ')})`);
    return { type: 'agent', username: user, agent: new SomeAgentKeys(some) };
  }

  async function* fromFile(path: string, asked: boolean, without = new Set<string>()): AsyncGenerator<AnyAuthMethod> {
    const file = await keys.file(path);
    if (file.kind === 'unusable') {
      if (asked || !file.missing) skipped.push(`${path} (${file.why})`);
      if (asked) unusable.push(path);
      return;
    }
    if (file.publicKey !== null && without.has(file.publicKey)) return;
    const key = await file.unlock();
    if (typeof key === 'string') {
      skipped.push(`${path} (${key})`);
      if (file.encrypted) locked.push(path);
      return;
    }
    tried.push(path);
    yield { type: 'publickey', username: user, key };
  }

  /** By the method that the server has; a refused password is not tried a second time by the other one. */
  async function* withPassword(secret: Secret): AsyncGenerator<AnyAuthMethod> {
    for (const method of methods) {
      if (method === 'publickey' || !accepts(method)) continue;
      const unknown = accepted === null;
      tried.push(method === 'password' ? method : `password (${method})`);
      if (method === 'password') yield { type: method, username: user, password: reveal(secret) };
      else yield { type: method, username: user, prompt: answerWith(secret, skipped) };
      if (!unknown || accepts(method)) return;
      tried.pop();
    }
    skipped.push('password (the server does not take any)');
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
    fault: (detail) => fault(credentials, agent, { tried, skipped, unusable, locked, accepted }, detail),
  };
}

const METHODS = ['publickey', 'password', 'keyboard-interactive'] as const;

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

/** What was tried and what was not, for people. */
interface Account {
  readonly tried: readonly string[];
  readonly skipped: readonly string[];
  /** Key files that were named and are none. */
  readonly unusable: readonly string[];
  /** Key files whose passphrase was not to be had. */
  readonly locked: readonly string[];
  /** What the server takes; `null`: it did not come to that. */
  readonly accepted: readonly string[] | null;
}

function fault(
  { settings, isJumpHost }: Credentials,
  agent: Agent,
  { tried, skipped, unusable, locked, accepted }: Account,
  detail: string | undefined,
): ConnectFault {
  const { user, hostName, port, namedIdentityFiles: named } = settings;
  const parts = [
    detail,
    tried.length === 0 ? 'nothing to authenticate with was found' : `tried ${tried.join(', ')}`,
    skipped.length === 0 ? undefined : `not used: ${skipped.join(', ')}`,
    accepted === null || accepted.length === 0 ? undefined : `the server takes ${accepted.join(', ')}`,
    agent.problem ?? undefined,
  ].filter((part) => part !== undefined);
  return new ConnectFault('authentication', `${user}@${hostName} is refused: ${parts.join('; ')}`, fix());

  function fix(): string {
    const authorized = `its public half must be in ~${user}/.ssh/authorized_keys on`;
    if (detail !== undefined && /too many/i.test(detail)) {
      const how = isJumpHost ? 'IdentityFile and IdentitiesOnly in ssh_config' : '--private-key, or IdentitiesOnly';
      return `ssh-agent offered more keys than the server allows attempts: name the right one with ${how}.`;
    }
    if (tried.length === 0 && locked.length > 0) {
      return `Load it into ssh-agent (ssh-add ${locked.join(' ')}), or run it where a terminal can ask for the passphrase.`;
    }
    if (tried.length === 0 && unusable.length > 0) {
      const other = isJumpHost ? 'IdentityFile in ssh_config' : '--private-key';
      return `Make ${unusable.join(', ')} a private key that you can read, or name another with ${other}.`;
    }
    if (isJumpHost) {
      return `A jump host is logged in to with a key: check its User and IdentityFile in ssh_config, or load the key with ssh-add; ${authorized} the jump host.`;
    }
    if (tried.some((what) => what.startsWith('password')) || accepted?.includes('publickey') === false) {
      return `Check ansible_user and ansible_password; by hand: ssh -p ${port} ${user}@${hostName}`;
    }
    const which =
      named.length === 0 ? 'name a key with --private-key or load one with ssh-add' : `check ${named.join(', ')}`;
    return `Check the user (-u, ansible_user), and ${which}; ${authorized} the host.`;
  }
}

async function unlockUnlessInAgent(path: string, keys: Keyring, agent: Agent): Promise<void> {
  const file = await keys.file(path);
  if (file.kind !== 'key' || !file.encrypted) return;
  const inAgent = await agent.keys();
  if (!inAgent.some((key) => publicOf(key) === file.publicKey)) await file.unlock();
}

function publicOf(key: ParsedKey): string {
  return key.getPublicSSH().toString('base64');
}

function publicKeyOf(file: KeyFile): string | null {
  return file.kind === 'key' ? file.publicKey : null;
}
