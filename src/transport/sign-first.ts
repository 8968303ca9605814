import type { Client, ParsedKey } from 'ssh2';

/**
 * Makes ssh2 send a private key's signature with the first request, in place of asking first whether the key would do:
 * one round trip less a host (RFC 4252 7 allows both). It reaches into ssh2, so it does nothing where that looks
 * different than expected, or where the server is not a known one.
 */
export function signFirst(client: Client): void {
  const { _protocol: protocol, _remoteVer: version } = client as unknown as Internals;
  const major = Number(/^OpenSSH_(\d+)/.exec(version ?? '')?.[1] ?? 0);
  const ask = protocol?.authPK;
  if (major < 7 || protocol === undefined || typeof ask !== 'function') return;
  protocol.authPK = (user, key, algorithm, signer) => {
    const canSign = signer === undefined && key.isPrivateKey();
    ask.call(protocol, user, key, algorithm, canSign ? signWith(key, algorithm) : signer);
  };
}

function signWith(key: ParsedKey, algorithm: string | undefined): Signer {
  return (data, send) => send(key.sign(data, HASH[algorithm ?? '']));
}

const HASH: Readonly<Record<string, string>> = {
  'rsa-sha2-256': 'sha256',
  'rsa-sha2-512': 'sha512',
  'ssh-rsa': 'sha1',
};

type Signer = (data: Buffer, send: (signature: Buffer) => void) => void;

interface Internals {
  readonly _remoteVer?: string;
  readonly _protocol?: {
    authPK(user: string, key: ParsedKey, algorithm: string | undefined, signer?: Signer): void;
  };
}
