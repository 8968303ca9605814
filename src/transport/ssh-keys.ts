import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ParsedKey } from 'ssh2';
import { reveal, type Secret } from '../model/secret.ts';
import { type Agent, agentAt } from './ssh-agent.ts';

/** Asks a person for a passphrase; `null`: none is given. */
export type Ask = (prompt: string) => Promise<Secret | null>;

/** The keys of a run. Each file is read and parsed once and each passphrase asked for once, however many hosts there are. */
export interface Keyring {
  agent(socket: string | null): Agent;
  file(path: string): Promise<KeyFile>;
}

export type KeyFile =
  | { readonly kind: 'unusable'; readonly why: string; readonly missing: boolean }
  | {
      readonly kind: 'key';
      /** The public half in SSH wire format, base64, where it can be known without a passphrase. */
      readonly publicKey: string | null;
      readonly encrypted: boolean;
      /** The private key, asking for its passphrase where it has one; a string says why not. */
      unlock(): Promise<ParsedKey | string>;
    };

export async function keyring(ask: Ask | null): Promise<Keyring> {
  const { default: ssh2 } = await import('ssh2');
  const agents = new Map<string | null, Agent>();
  const files = new Map<string, Promise<KeyFile>>();

  // For OpenSSH's own format ssh2 gives a list, whatever its types say; the format has never held more than one key.
  const parse: Parse = (data, passphrase) => {
    const parsed: ParsedKey | Error | (ParsedKey | undefined)[] = ssh2.utils.parseKey(data, passphrase);
    return Array.isArray(parsed) ? (parsed[0] ?? new Error('no key in it')) : parsed;
  };

  return {
    agent: (socket) => {
      const known = agents.get(socket) ?? agentAt(socket, ssh2);
      agents.set(socket, known);
      return known;
    },
    file: (path) => {
      const known = files.get(path) ?? openKey(path, parse, ask);
      files.set(path, known);
      return known;
    },
  };
}

type Parse = (data: string, passphrase?: string) => ParsedKey | Error;

async function openKey(path: string, parse: Parse, ask: Ask | null): Promise<KeyFile> {
  let text: string;
  try {
    // Read asynchronously it would be the one thing for which Node starts all threads of its pool.
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const publicKey = missing ? publicKeyBeside(path) : null;
    if (publicKey !== null)
      return onlyPublic(publicKey, 'there is only its public half, and ssh-agent does not hold it');
    return { kind: 'unusable', why: missing ? 'no such file' : `cannot be read (${code})`, missing };
  }
  const parsed = parse(text);
  if (!(parsed instanceof Error)) {
    const publicKey = parsed.getPublicSSH().toString('base64');
    if (!parsed.isPrivateKey())
      return onlyPublic(publicKey, 'is a public key, and ssh-agent does not hold the private one');
    const key = withFastSign(parsed);
    return { kind: 'key', publicKey, encrypted: false, unlock: async () => key };
  }
  if (!/encrypted|passphrase/i.test(parsed.message)) {
    return { kind: 'unusable', why: 'is no private key that can be used here', missing: false };
  }
  let asked: Promise<ParsedKey | string> | null = null;
  return {
    kind: 'key',
    publicKey: openSshPublicKey(text) ?? publicKeyBeside(path),
    encrypted: true,
    unlock: () => {
      asked ??= askForPassphrase(path, text, parse, ask);
      return asked;
    },
  };
}

/** It still says which of ssh-agent's keys is meant. */
function onlyPublic(publicKey: string, why: string): KeyFile {
  return { kind: 'key', publicKey, encrypted: false, unlock: async () => why };
}

/** Once a file, and again after a slip of the finger. */
async function askForPassphrase(
  path: string,
  text: string,
  parse: Parse,
  ask: Ask | null,
): Promise<ParsedKey | string> {
  if (ask === null) return 'is encrypted, and nobody is there to ask for its passphrase';
  let prompt = `Passphrase for ${path}: `;
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const passphrase = await ask(prompt);
    if (passphrase === null) return 'is encrypted, and no passphrase was given';
    const key = parse(text, reveal(passphrase));
    if (!(key instanceof Error)) return withFastSign(key);
    prompt = `Wrong passphrase. Passphrase for ${path}: `;
  }
  return 'is encrypted, and the passphrase was wrong';
}

/** ssh2 parses the PEM again for each signature, which costs ten times the signature itself. */
function withFastSign(key: ParsedKey): ParsedKey {
  const slow = key.sign.bind(key);
  const secret = createPrivateKey(key.getPrivatePEM());
  key.sign = (data, hash) => {
    if (hash === undefined && key.type !== 'ssh-ed25519') return slow(data);
    return sign(hash ?? null, Buffer.from(data), secret);
  };
  return key;
}

/** The public key stands in clear in the file of an encrypted one (OpenSSH's PROTOCOL.key). */
function openSshPublicKey(text: string): string | null {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined) return null;
  const bytes = Buffer.from(body, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const field = (): Buffer => {
    const length = at + 4 <= bytes.length ? bytes.readUInt32BE(at) : 0;
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  field(); // cipher
  field(); // key derivation
  field(); // its options
  at += 4; // number of keys
  const key = field();
  return key.length === 0 ? null : key.toString('base64');
}

function publicKeyBeside(path: string): string | null {
  try {
    return readFileSync(`${path}.pub`, 'utf8').split(/\s+/)[1] ?? null;
  } catch {
    return null;
  }
}
