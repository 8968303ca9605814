import pico from 'picocolors';
import { describe, type TaskDescription } from '../../compile/describe.ts';
import { EXIT } from '../exit.ts';
import type { Terminal } from '../machine/terminal.ts';
import type { CommonOptions } from '../options/options.ts';
import { loadProject } from '../project/load.ts';
import { widenedLines } from '../run/widened.ts';
import { shardLines } from '../shard/words.ts';

/** The compiled tasks of each host, in the order in which they would run. */
export async function tasks(playbook: string, options: CommonOptions, terminal: Terminal): Promise<number> {
  const project = await loadProject(options, playbook, terminal, undefined, 'none');
  if (project === null) return EXIT.input;
  const said = [...shardLines(project.shard, project.plays, {}), ...widenedLines(options.limit, project.widened)];
  for (const line of said) terminal.stderr(line);
  const plays = describe(project.plays);
  if (options.output !== 'human') {
    terminal.stdout(
      `${JSON.stringify({ schema: 'ipsec-play/tasks/1', playbook, plays }, null, options.output === 'json' ? 2 : 0)}\n`,
    );
    return EXIT.done;
  }
  const colors = pico.createColors(terminal.color.stdout && options.color);
  const lines = plays.flatMap((play) => [
    colors.bold(`PLAY ${play.name}`),
    ...play.hosts.flatMap(({ host, tasks: list }) => [
      colors.bold(`  ${host}`),
      ...list.map((task, index) => `    ${String(index + 1).padStart(3)}. ${line(task, list, colors)}`),
    ]),
  ]);
  terminal.stdout(`${lines.join('\n')}\n`);
  return EXIT.done;
}

function line(
  task: TaskDescription,
  list: readonly TaskDescription[],
  colors: ReturnType<typeof pico.createColors>,
): string {
  const notes = [
    task.tunnel === null ? '' : `tunnel ${task.tunnel}`,
    task.when === 'always' ? '' : task.when === 'never' ? 'its condition is false' : 'if its condition holds',
    task.after.length === 0
      ? ''
      : `if one of these changes: ${task.after.map((id) => list.find((each) => each.id === id)?.name ?? id).join(', ')}`,
  ].filter((note) => note !== '');
  return `${task.name} ${colors.dim(`[${[task.module, ...notes].join('; ')}]`)}`;
}
