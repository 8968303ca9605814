import { Option } from 'commander';
import { collect, vaultPasswords } from '../options/option-sets.ts';
import type { VaultCommandOptions } from '../options/options.ts';
import { type Called, type Outline, outline } from './outline.ts';

/** `ipsec-play vault …`: the verbs of ansible-vault. */
export const vaultCommands: Outline = {
  usage: 'vault',
  about: 'encrypt and decrypt as ansible-vault does',
  define: (vault, called) => outline(vault.helpCommand(false), VERBS, called),
};

const OUTPUT = '--output <file>';
const ENCRYPT_ID = '--encrypt-vault-id <label>';

const VERBS: readonly Outline[] = [
  {
    usage: 'encrypt [files...]',
    about: 'encrypt files in their place; - is stdin',
    define: (command, called) => {
      vaultPasswords(command)
        .option(OUTPUT, 'where it goes; - is stdout')
        .option(ENCRYPT_ID, 'which of several vault passwords to encrypt with')
        .action(runs(({ vaultEncrypt }) => vaultEncrypt, called));
    },
  },
  {
    usage: 'decrypt [files...]',
    about: 'decrypt files in their place; - is stdin',
    define: (command, called) => {
      vaultPasswords(command)
        .option(OUTPUT, 'where it goes; - is stdout')
        .action(runs(({ vaultDecrypt }) => vaultDecrypt, called));
    },
  },
  {
    usage: 'view <files...>',
    about: 'show what is in encrypted files',
    define: (command, called) => {
      vaultPasswords(command).action(runs(({ vaultView }) => vaultView, called));
    },
  },
  {
    usage: 'edit <files...>',
    about: 'edit encrypted files with $VISUAL or $EDITOR',
    define: (command, called) => {
      vaultPasswords(command).action(runs(({ vaultEdit }) => vaultEdit, called));
    },
  },
  {
    usage: 'rekey <files...>',
    about: 'encrypt files with another password',
    define: (command, called) => {
      vaultPasswords(command)
        .option('--new-vault-id <id>', 'the new password: label@file, label@prompt, or a file')
        .option(
          '--new-vault-password-file <file>',
          'the new password: a file that holds it, or a program that prints it',
        )
        .option(ENCRYPT_ID, 'the new password is one of those given, by its label')
        .action(runs(({ vaultRekey }) => vaultRekey, called));
    },
  },
  {
    usage: 'encrypt-string [texts...]',
    also: 'encrypt_string',
    about: 'make `name: !vault` values of texts; better on stdin than in the command line',
    define: (command, { terminal, done }) => {
      vaultPasswords(command)
        .addOption(new Option('-n, --name <name>', 'the name of the variable').argParser(collect))
        .option('--stdin-name <name>', 'the name of the variable for the text on stdin')
        .option('-p, --prompt', 'ask for the text')
        .option(OUTPUT, 'where it goes; - is stdout')
        .option(ENCRYPT_ID, 'which of several vault passwords to encrypt with')
        .action(async (texts: string[], options: VaultCommandOptions) => {
          const { vaultEncryptString } = await import('../commands/vault-encrypt-string.ts');
          done(await vaultEncryptString(texts, options, terminal));
        });
    },
  },
];

type Commands = typeof import('../commands/vault.ts');
type Run = (names: readonly string[], options: VaultCommandOptions, terminal: Called['terminal']) => Promise<number>;

function runs(choose: (commands: Commands) => Run, { terminal, done }: Called) {
  return async (names: string[], options: VaultCommandOptions) =>
    done(await choose(await import('../commands/vault.ts'))(names, options, terminal));
}
