/** Ansible's idea of a host name or address that may hold ranges and a port (`ansible.parsing.utils.addresses`). */
export function parseHostPattern(text: string): { readonly host: string; readonly port?: number } | null {
  let host = text;
  let port: number | undefined;
  for (const form of [BRACKETED_PORT, PORT]) {
    const match = form.exec(host);
    if (!match?.[1] || !match[2]) continue;
    host = match[1];
    port = Number(match[2]);
  }
  if (!isAddress(host) && !isName(host)) return null;
  return port === undefined ? { host } : { host, port };
}

/** True for an address, whose dots separate no domain. */
export function isAddress(text: string): boolean {
  return (/^[\d.:[\]]+$/.test(text) && ipv4().test(text)) || (text.includes(':') && ipv6().test(text));
}

function isName(text: string): boolean {
  return /^[A-Za-z0-9]+(?:[.-][A-Za-z0-9]+)*$/.test(text) || name(text).test(text);
}

const BRACKETED_PORT = /^\[(.+)\]:([0-9]+)$/;
const PORT = /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/;

const RANGE = '\\[(?:[0-9]+:[0-9]+)(?::[0-9]+)?\\]';
const HEX_RANGE = '\\[(?:[0-9a-f]+:[0-9a-f]+)(?::[0-9]+)?\\]';
const LETTER_RANGE = '\\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\\]';

const OCTET = `(?:[01]?[0-9]{1,2}|2[0-4][0-9]|25[0-5]|${RANGE})`;
const PIECE = `(?:[0-9a-f]{1,4}|${HEX_RANGE})`;

// Each of these takes up to a millisecond to compile, some more for letters of all scripts, and few inventories want one.
const ipv4 = once(() => new RegExp(`^(?:${OCTET}\\.){3}${OCTET}$`, 'i'));
const ipv6 = once(() => {
  const forms = [
    `(?:${PIECE}:){7}${PIECE}`,
    `(?:${PIECE}:){1,6}:`,
    `(?:${PIECE}:)(?::${PIECE}){1,6}`,
    `(?:${PIECE}:){2}(?::${PIECE}){1,5}`,
    `(?:${PIECE}:){3}(?::${PIECE}){1,4}`,
    `(?:${PIECE}:){4}(?::${PIECE}){1,3}`,
    `(?:${PIECE}:){5}(?::${PIECE}){1,2}`,
    `(?:${PIECE}:){6}(?::${PIECE})`,
    `:(?::${PIECE}){1,6}`,
    `${PIECE}?::`,
  ];
  return new RegExp(`^(?:${forms.join('|')})$`, 'i');
});
const asciiName = once(() => namePattern('a-z0-9_', 'i'));
const anyName = once(() => namePattern('\\p{L}\\p{N}_', 'iu'));

function name(text: string): RegExp {
  return /^[\0-\x7f]*$/.test(text) ? asciiName() : anyName();
}

function namePattern(word: string, flags: string): RegExp {
  const label = `(?:[${word}]|${LETTER_RANGE})(?:[${word}-]|${LETTER_RANGE})*(?<![_-])`;
  return new RegExp(`^${label}(?:\\.${label})*$`, flags);
}

function once(make: () => RegExp): () => RegExp {
  let made: RegExp | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
