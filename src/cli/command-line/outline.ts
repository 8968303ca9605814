import type { Command } from 'commander';
import type { Terminal } from '../machine/terminal.ts';

/** A command as the list of all commands shows it. */
export interface Outline {
  /** Its name, and what follows it: `apply [playbook]`. */
  readonly usage: string;
  readonly about: string;
  /** Another name that it answers to. */
  readonly also?: string;
  /** Gives it its options, its commands and what it does. */
  define(command: Command, called: Called): void;
}

export interface Called {
  /** The words of the command line; `all`: every command is wanted with its options. */
  readonly words: readonly string[] | 'all';
  readonly terminal: Terminal;
  /** Takes the exit code. */
  done(code: number): void;
  /** Every command with all of its options. */
  whole(): Command;
}

/**
 * Adds commands. Only those that the words name get more than a line of the list: to define the options of them all takes
 * longer than most of them run.
 */
export function outline(parent: Command, outlines: readonly Outline[], called: Called): void {
  for (const { usage, about, also, define } of outlines) {
    const command = parent.command(usage).description(about);
    if (also !== undefined) command.alias(also);
    if (isNamed(called.words, command.name(), also)) define(command, called);
  }
}

function isNamed(words: Called['words'], ...names: readonly (string | undefined)[]): boolean {
  return words === 'all' || names.some((name) => name !== undefined && words.includes(name));
}
