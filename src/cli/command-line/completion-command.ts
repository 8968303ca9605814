import type { Outline } from './outline.ts';

/** The command that a shell's start-up file calls once, so that a TAB starts no process. */
export const completionCommand: Outline = {
  usage: 'completion <shell>',
  about: 'print what makes a shell complete commands and options with TAB',
  define: (command, { terminal, done, whole }) => {
    command.registeredArguments[0]?.choices(['bash', 'zsh']);
    command.action(async (shell: 'bash' | 'zsh') => {
      const { completionScript } = await import('../commands/completion.ts');
      terminal.stdout(completionScript(whole(), shell));
      done(0);
    });
  },
};
