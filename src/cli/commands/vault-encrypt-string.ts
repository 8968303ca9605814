import { Secret } from '../../model/secret.ts';
import { EXIT, UsageFault } from '../exit.ts';
import { askSecret, type Terminal } from '../machine/terminal.ts';
import type { VaultCommandOptions } from '../options/options.ts';
import { seal } from './vault.ts';
import { decoded, STREAM, writeText } from './vault-files.ts';
import { encryptingIdentity } from './vault-passwords.ts';

/** Makes `name: !vault` values for YAML files from what is typed, from stdin, or from the command line. */
export async function vaultEncryptString(
  given: readonly string[],
  options: VaultCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const texts = await textsOf(given, options, terminal);
  const identity = await encryptingIdentity(options, terminal);
  const blocks: string[] = [];
  for (const { name, text } of texts) blocks.push(block(name, await seal(text, identity)));
  writeText(options.output ?? STREAM, blocks.join(''), terminal);
  return EXIT.done;
}

interface NamedText {
  readonly name: string | undefined;
  readonly text: Secret;
}

async function textsOf(
  given: readonly string[],
  { name: names = [], stdinName, prompt }: VaultCommandOptions,
  terminal: Terminal,
): Promise<readonly NamedText[]> {
  for (const name of [...names, ...(stdinName === undefined ? [] : [stdinName])]) checkName(name);
  const args = given.filter((text) => text !== STREAM);
  const fromStdin = given.includes(STREAM) || stdinName !== undefined || (args.length === 0 && prompt !== true);
  if (prompt === true && fromStdin)
    throw new UsageFault('--prompt and a text on stdin exclude each other', 'one of both');
  const spare = args.length === 0 ? names[0] : undefined;
  const texts: NamedText[] = [];
  if (prompt === true) texts.push(await asked(spare, terminal));
  if (fromStdin) texts.push({ name: stdinName ?? spare, text: await readStdin(terminal) });
  if (args.length > 0) {
    const fix = 'give a text on stdin, or type it: --prompt';
    terminal.stderr(
      `ipsec-play: the text stood in the command line, which others can see in the process list; ${fix}\n`,
    );
  }
  texts.push(...args.map((text, index) => ({ name: names[index], text: new Secret(text) })));
  if (texts.some(({ text }) => text.equals(new Secret('')))) throw new UsageFault('there is no text to encrypt');
  return texts;
}

async function asked(name: string | undefined, terminal: Terminal): Promise<NamedText> {
  const nobody = () => new UsageFault('nobody is there to type the text', 'the text on stdin');
  const named = name ?? (await terminal.ask('Variable name (enter for no name): '));
  if (named === null) throw nobody();
  if (named !== '') checkName(named);
  const text = await askSecret(terminal, 'String to encrypt (hidden): ');
  if (text === null) throw nobody();
  return { name: named === '' ? undefined : named, text };
}

async function readStdin(terminal: Terminal): Promise<Secret> {
  if (terminal.interactive) terminal.stderr('Reading the text from stdin (Ctrl-D ends it)\n');
  const text = decoded(await terminal.stdin());
  if (text === undefined) throw new UsageFault('stdin is not UTF-8 text');
  return new Secret(text);
}

function checkName(name: string): void {
  if (!/^[A-Za-z_][\w.-]*$/.test(name)) throw new UsageFault('this is no name for a variable', 'letters, digits and _');
}

/** As ansible-vault writes it. */
function block(name: string | undefined, sealed: string): string {
  const lines = sealed.trimEnd().split('\n');
  return [
    `${name === undefined ? '' : `${name}: `}!vault |`,
    ...lines.map((line) => `${' '.repeat(10)}${line}`),
    '',
  ].join('\n');
}
