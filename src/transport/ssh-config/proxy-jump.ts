/** A jump host as it is written: `[user@]host[:port]`, or `ssh://[user@]host[:port]`. */
export interface Hop {
  readonly text: string;
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** The hops of ProxyJump, the first one first. One that is not well-formed has an empty host. */
export function hopsOf(value: string): readonly Hop[] {
  if (value === '' || value.toLowerCase() === 'none') return [];
  return value.split(',').map((text) => hopOf(text.trim()));
}

function hopOf(text: string): Hop {
  // ssh prints an IPv4 address in brackets too.
  const plain = text.replace(/^ssh:\/\/(.*?)\/?$/, '$1').replace(/\[([\d.]+)\]/, '$1');
  const at = plain.lastIndexOf('@');
  const [user, rest] = at === -1 ? [undefined, plain] : [plain.slice(0, at), plain.slice(at + 1)];
  const match =
    /^\[([^\]]+)\](?::(\d+))?$/.exec(rest) ?? /^([^:]+)(?::(\d+))?$/.exec(rest) ?? /^([0-9a-fA-F:]+)$/.exec(rest);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  return {
    text: plain,
    host: match?.[1] ?? '',
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port }),
  };
}
