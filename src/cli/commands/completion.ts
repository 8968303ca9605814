import type { Command, Option } from 'commander';

/**
 * Shell text that completes commands and options, and what some options choose from; everything else as the shell does by
 * itself, which is files. It knows them all, so that a TAB starts no process. zsh reads it by its bashcompinit.
 */
export function completionScript(program: Command, shell: 'bash' | 'zsh'): string {
  const places = below(program, []);
  // What stands before: nothing, or `inventory`. So a host that is called like a command is not taken for one.
  const known = places.filter(({ path }) => path.length > 0);
  const steps = known.map(({ path }) => `'${path.slice(0, -1).join(' ')} ${path.at(-1)}'`);
  const offers = places.map(
    ({ path, names, options }) =>
      `'${path.join(' ')}') names='${names.join(' ')}' options='${options.flatMap(({ long }) => long ?? []).join(' ')} --help' ;;`,
  );
  const choices = places.flatMap(({ path, options }) =>
    options.flatMap(({ argChoices, long, short }) =>
      argChoices === undefined
        ? []
        : [
            `${[short, long].flatMap((name) => (name ? `'${path.join(' ')} ${name}'` : [])).join('|')}) names='${argChoices.join(' ')}' ;;`,
          ],
    ),
  );
  return `${shell === 'zsh' ? FOR_ZSH : ''}_ipsec_play() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= names= options= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${steps.join(' | ')}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
    esac
  done
  case $command in
    ${offers.join('\n    ')}
  esac
  case "$command $before" in
    ${choices.join('\n    ')}
  esac
  if [[ $current == -* ]]; then names=$options; fi
  COMPREPLY=($(compgen -W "$names" -- "$current"))
}
complete -o default -F _ipsec_play ipsec-play
`;
}

interface Place {
  /** `[]`, `['inventory']`, `['inventory', 'list']` */
  readonly path: readonly string[];
  /** What may follow: commands, or words that an argument chooses from. */
  readonly names: readonly string[];
  readonly options: readonly Option[];
}

function below(command: Command, path: readonly string[]): readonly Place[] {
  const { commands, registeredArguments } = command;
  const words = registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const names = [...commands.map((each) => each.name()), ...words];
  const options = command.options.filter(({ hidden }) => !hidden);
  return [{ path, names, options }, ...commands.flatMap((each) => below(each, [...path, each.name()]))];
}

const FOR_ZSH = 'autoload -U +X compinit bashcompinit && compinit && bashcompinit\n';
