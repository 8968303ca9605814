/**
 * A command that runs `program` with `sh -c`, for the login shell of an SSH user, whichever that is: sshd hands a command
 * to the user's own shell, and csh cannot carry a newline or `!` between quotes, fish takes `\\` and `\'` there for
 * escapes. So the program travels as an argument in an alphabet that all of them read alike, and printf(1) of the host's
 * `sh` brings it back. One line of ASCII. `before` is shell text that runs first; the same alphabet must do for it.
 */
export function commandLine(program: string, before = ''): CommandLine {
  const encoded = encode(program);
  if (encoded.length <= ARGUMENT_LIMIT) {
    return { command: `sh -c '${before}set -- "$(printf %b "$1")"; eval "shift;$1"' sh '${encoded}'`, lead: '' };
  }
  const { text, lead } = viaStdin(program);
  return { command: `sh -c '${before}${text}'`, lead };
}

/** Shell text that runs `program`, given as the first line of its stdin. */
export function viaStdin(program: string): { readonly text: string; readonly lead: string } {
  const text = 'IFS= read -r ip_p; set -- "$(printf %b "$ip_p")"; unset ip_p; eval "shift;$1"';
  return { text, lead: `${encode(program)}\n` };
}

export interface CommandLine {
  readonly command: string;
  /** What must be written to stdin before anything else: the program itself, where it is too long for an argument. */
  readonly lead: string;
}

/**
 * A server must take a request of 32,768 bytes (RFC 4253 6.1), and some close the connection at a longer one; what becomes
 * root stands around it. Linux takes no argument over 128 KiB (MAX_ARG_STRLEN).
 */
const ARGUMENT_LIMIT = 30 * 1024;

const ESCAPES = Array.from({ length: 256 }, (_, byte) => `\\0${byte.toString(8).padStart(3, '0')}`);

/** For `printf %b`: POSIX writes an octal escape there as `\0ddd`. No backslash is followed by another or by a quote. */
function encode(program: string): string {
  if (program.includes('\0')) throw new Error('a NUL byte cannot be carried by a shell program');
  return program.replace(/[^\x20-\x7e]|[\\'!]/g, escaped);
}

function escaped(byte: string): string {
  const text = ESCAPES[byte.charCodeAt(0)];
  if (text === undefined) throw new Error('a shell program is made of bytes');
  return text;
}

/** `text` as one word for sh, csh and fish alike. For text of ours: printable, no `!`, no doubled backslash. */
export function word(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text) || text.includes('!')) throw new Error('not a word that every shell reads alike');
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
