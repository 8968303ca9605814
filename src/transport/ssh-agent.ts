import type { ParsedKey } from 'ssh2';

/** The keys that one ssh-agent holds, asked for once. */
export interface Agent {
  /** Empty where there is no agent. */
  keys(): Promise<readonly ParsedKey[]>;
  /** Why it is of no use, for people. */
  readonly problem: string | null;
  sign(key: ParsedKey, data: Buffer, hash: string | undefined): Promise<Buffer>;
}

/** Seconds: one whose keys are locked may ask a person before it lists them. */
const PATIENCE = 30;

/** `socket`: as in `SSH_AUTH_SOCK`; `null`: there is none. */
export function agentAt(socket: string | null, ssh2: typeof import('ssh2'), patience = PATIENCE): Agent {
  const agent = socket === null || socket === '' ? null : ssh2.createAgent(socket);
  let identities: Promise<readonly ParsedKey[]> | null = null;
  let problem = agent === null ? 'there is no ssh-agent (SSH_AUTH_SOCK is not set, or IdentityAgent is none)' : null;

  const list = () =>
    new Promise<readonly ParsedKey[]>((resolve) => {
      if (agent === null) return resolve([]);
      const silence = setTimeout(() => {
        problem = `ssh-agent did not answer within ${patience} s`;
        resolve([]);
      }, patience * 1000);
      agent.getIdentities((error, keys) => {
        clearTimeout(silence);
        if (error) problem = 'ssh-agent does not answer';
        const parsed = (keys ?? []).map((key) => ssh2.utils.parseKey(key as ParsedKey));
        resolve(parsed.filter((key): key is ParsedKey => !(key instanceof Error)));
      });
    });

  return {
    keys: () => {
      identities ??= list();
      return identities;
    },
    get problem() {
      return problem;
    },
    sign: (key, data, hash) =>
      new Promise((resolve, reject) => {
        if (agent === null) return reject(new Error('there is no ssh-agent'));
        const options = hash === 'sha256' || hash === 'sha512' ? { hash } : {};
        agent.sign(key, data, options as never, (error, signature) => {
          if (error || signature === undefined) reject(error ?? new Error('ssh-agent gave no signature'));
          else resolve(signature as Buffer);
        });
      }),
  };
}
