import { type Command, Option } from 'commander';
import type { Terminal } from './machine/terminal.ts';
import { collect, vaultPasswords } from './options/option-sets.ts';
import type { VaultCommandOptions } from './options/options.ts';

/** `ipsec-play vault …`: the verbs of ansible-vault. */
export function vaultCommands(root: Command, terminal: Terminal, done: (code: number) => void): void {
  const vault = root.command('vault').description('encrypt and decrypt as ansible-vault does').helpCommand(false);
  const command = (usage: string, description: string) => vaultPasswords(vault.command(usage).description(description));
  const output = '--output <file>';
  const encryptId = '--encrypt-vault-id <label>';
  type Run = (names: readonly string[], options: VaultCommandOptions, terminal: Terminal) => Promise<number>;
  type Commands = typeof import('./commands/vault.ts');
  const runs = (choose: (commands: Commands) => Run) => async (names: string[], options: VaultCommandOptions) =>
    done(await choose(await import('./commands/vault.ts'))(names, options, terminal));

  command('encrypt [files...]', 'encrypt files in their place; - is stdin')
    .option(output, 'where it goes; - is stdout')
    .option(encryptId, 'which of several vault passwords to encrypt with')
    .action(runs(({ vaultEncrypt }) => vaultEncrypt));
  command('decrypt [files...]', 'decrypt files in their place; - is stdin')
    .option(output, 'where it goes; - is stdout')
    .action(runs(({ vaultDecrypt }) => vaultDecrypt));
  command('view <files...>', 'show what is in encrypted files').action(runs(({ vaultView }) => vaultView));
  command('edit <files...>', 'edit encrypted files with $VISUAL or $EDITOR').action(runs(({ vaultEdit }) => vaultEdit));
  command('rekey <files...>', 'encrypt files with another password')
    .option('--new-vault-id <id>', 'the new password: label@file, label@prompt, or a file')
    .option('--new-vault-password-file <file>', 'the new password: a file that holds it, or a program that prints it')
    .option(encryptId, 'the new password is one of those given, by its label')
    .action(runs(({ vaultRekey }) => vaultRekey));
  command('encrypt-string [texts...]', 'make `name: !vault` values of texts; better on stdin than in the command line')
    .alias('encrypt_string')
    .addOption(new Option('-n, --name <name>', 'the name of the variable').argParser(collect))
    .option('--stdin-name <name>', 'the name of the variable for the text on stdin')
    .option('-p, --prompt', 'ask for the text')
    .option(output, 'where it goes; - is stdout')
    .option(encryptId, 'which of several vault passwords to encrypt with')
    .action(async (texts: string[], options: VaultCommandOptions) => {
      const { vaultEncryptString } = await import('./commands/vault-encrypt-string.ts');
      done(await vaultEncryptString(texts, options, terminal));
    });
}
