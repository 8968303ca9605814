import { splitShellWords } from './shell-words.ts';

/** Options for ssh(1) as `Target.sshArguments` has them: each option a word, and its value the next one. */
export type SshArguments = { readonly words: readonly string[] } | { readonly wrong: string; readonly fix: string };

/**
 * Reads a value such as `-o ProxyJump=bastion -p 2222`, as Ansible splits it. What says nothing about the way to a host
 * is left out: terminals, compression, forwarding of the agent. What cannot be meant here is refused.
 */
export function readSshArguments(text: string): SshArguments {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) return refuse('has a control character or a line break in it');
  const given = splitShellWords(text);
  if (given === null)
    return refuse('has a quote that is not closed', `close it, as in -o 'ProxyCommand=ssh -W %h:%p bastion'`);
  const words: string[] = [];
  const rest = [...given];
  const place = () => `its word ${given.length - rest.length}`;
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!/^-[^-]/.test(word)) return refuse(`has a word that is no option of ssh (${place()})`);
    for (let at = 1; at < word.length; at += 1) {
      const letter = word[at] ?? '';
      if (KEPT.has(letter)) words.push(`-${letter}`);
      else if (!DROPPED.has(letter)) {
        const read = VALUES[letter];
        if (read === undefined) return refuse(`has -${letter}, which does not say how the host is reached`);
        const value = at + 1 < word.length ? word.slice(at + 1) : rest.shift();
        if (value === undefined || value.trim() === '')
          return refuse(`has -${letter} without a value`, EXAMPLES[letter]);
        const option = read(value);
        if (option === null)
          return refuse(`has -${letter} with a value that cannot be used (${place()})`, EXAMPLES[letter]);
        words.push(...option);
        break;
      }
    }
  }
  return { words };
}

const KEPT: ReadonlySet<string> = new Set(['4', '6']);

/** Terminal, compression, forwarding, how much is said: not the way to a host. */
const DROPPED: ReadonlySet<string> = new Set([...'AaCKkNnqTtvXxYy']);

/** What an option's value is for `Target.sshArguments`; null: it cannot be used. */
const VALUES: Readonly<Record<string, (value: string) => readonly string[] | null>> = {
  o: (value) => (/^\s*[A-Za-z]\w*(\s*=\s*|\s+)\S/.test(value) ? ['-o', value] : null),
  J: (value) => ['-J', value],
  i: (value) => ['-i', value],
  l: (value) => ['-l', value],
  F: (value) => ['-F', value],
  p: (value) => (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535 ? ['-p', value] : null),
  b: (value) => ['-o', `BindAddress=${value}`],
  c: (value) => ['-o', `Ciphers=${value}`],
  m: (value) => ['-o', `MACs=${value}`],
  // A connection that is shared with an ssh of the user's.
  S: () => [],
};

const EXAMPLES: Readonly<Record<string, string>> = {
  o: '-o ProxyJump=bastion.example.com',
  J: '-J bastion.example.com',
  p: '-p 2222',
  i: '-i ~/.ssh/id_gateways',
  l: '-l admin',
  F: '-F ~/.ssh/config',
};

function refuse(
  wrong: string,
  fix = '-J bastion, -o KEYWORD=VALUE, -i FILE, -l USER, -p PORT, -F FILE, -4, -6',
): SshArguments {
  return { wrong, fix };
}
