import type { Client } from 'ssh2';

/**
 * Keeps ssh2 from having the server prove all of its host keys after the login (hostkeys-prove-00 of OpenSSH's PROTOCOL,
 * 2.5): nobody here asks for the others, the server would sign with each of them, and some servers hang at it. A packet goes
 * to the server all the same, as without one its next would wait for a delayed acknowledgement (RFC 1122 4.2.3.2). It
 * reaches into ssh2, so it does nothing where that looks different than expected.
 */
export function withoutHostKeyProofs(client: Client): void {
  const { _protocol: protocol, _callbacks: callbacks } = client as unknown as Internals;
  const handlers = protocol?._handlers;
  const answer = handlers?.GLOBAL_REQUEST;
  const ping = protocol?.ping?.bind(protocol);
  if (handlers === undefined || answer === undefined || ping === undefined || !Array.isArray(callbacks)) return;
  handlers.GLOBAL_REQUEST = (from, name, wantsReply, data) => {
    if (name !== 'hostkeys-00@openssh.com' || wantsReply) return answer(from, name, wantsReply, data);
    // ssh2 gives replies to those who wait, in turn.
    callbacks.push(() => {});
    ping();
  };
}

interface Internals {
  readonly _protocol?: {
    readonly _handlers?: { GLOBAL_REQUEST?(from: unknown, name: string, wantsReply: boolean, data: unknown): void };
    ping?(): void;
  };
  readonly _callbacks?: (() => void)[];
}
