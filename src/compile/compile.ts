import { type Diagnostic, error, hasErrors } from '../lang/diagnostic.ts';
import type { Variables } from '../model/host.ts';
import type { CompiledPlay } from '../model/task.ts';
import type { Tunnel } from '../model/tunnel.ts';
import type { Play } from '../playbook/play.ts';
import type { ModuleRegistry } from '../playbook/registry.ts';
import { knownWords } from '../playbook/suggest.ts';
import type { Backend } from './backends/backend.ts';
import { compilePlays } from './compile-plays.ts';
import { chooseHosts, type SelectHosts } from './hosts.ts';
import { allTasks, type PreparedPlay, preparePlay } from './prepare.ts';
import { makeReport, type Report } from './report.ts';
import { SPECIAL_TAGS, type TagChoice } from './tags.ts';
import { IPSEC_TUNNELS, tunnelTasks } from './tunnel-task.ts';
import type { Widened } from './widen.ts';

export interface CompileInput {
  readonly plays: readonly Play[];
  /** Resolves host patterns against the inventory. */
  readonly select: SelectHosts;
  readonly tunnels: readonly Tunnel[];
  /** The backend's own mapping in tunnels.yml (`racoon:`), checked, or null. */
  readonly backendOptions: unknown;
  readonly backend: Backend;
  readonly registry: ModuleRegistry;
  /** Names of the variables that the run finds out about each host. */
  readonly factNames: ReadonlySet<string>;
  /** The host's variables by precedence, templates not rendered. */
  varsOf(host: string): Variables;
  readonly options: CompileOptions;
  /** Tunnels by name whose SAs must not outlive a change of their keys. */
  readonly renewed?: ReadonlySet<string>;
}

interface CompileOptions extends TagChoice {
  readonly limit?: string;
  /** `--shard`: only hosts that are in it. The hosts that tunnels connect are in one. */
  readonly isInShard?: (host: string) => boolean;
  readonly extraVars: Variables;
}

export interface Compiled {
  /** Empty when there are errors. */
  readonly plays: readonly CompiledPlay[];
  /** The hosts that `limit` does not name, and that are in the plays for their tunnels with those that it does. */
  readonly widened: readonly Widened[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Compiles plays and tunnels to ordered tasks per host. Pure, total and deterministic: the same input gives the same
 * tasks in the same order, however the keys of the inventory are ordered.
 */
export function compile(input: CompileInput): Compiled {
  const report = makeReport();
  const plays = input.plays.map((play) => preparePlay(play, input.registry.get));
  checkTags(plays, input.options, report);
  const sound = checkTunnels(plays, input, report);
  const hosts = chooseHosts(input.plays, input.options.limit, input.select, report, input.options.isInShard);
  const makeTunnels = sound
    ? tunnelTasks({
        tunnels: input.tunnels,
        backend: input.backend,
        options: input.backendOptions,
        ...(input.renewed === undefined ? {} : { renewed: input.renewed }),
      })
    : () => () => [];
  const compiled = compilePlays(plays, hosts, { input, makeTunnels, report });
  const diagnostics = report.diagnostics();
  return { plays: hasErrors(diagnostics) ? [] : compiled.plays, widened: compiled.widened, diagnostics };
}

/** What the backend says of the tunnels, where a play is about them; false when they cannot be compiled. */
function checkTunnels(plays: readonly PreparedPlay[], { backend, tunnels }: CompileInput, report: Report): boolean {
  if (!plays.some((play) => allTasks(play).some(({ task }) => task.module === IPSEC_TUNNELS))) return true;
  const found = backend.check(tunnels);
  for (const diagnostic of found) report.add(diagnostic);
  return !hasErrors(found);
}

function checkTags(plays: readonly PreparedPlay[], { tags, skipTags }: TagChoice, report: Report): void {
  const known = [...new Set(plays.flatMap((play) => allTasks(play).flatMap(({ task }) => task.tags)))].sort();
  const check = (option: string, given: readonly string[]) => {
    for (const tag of given) {
      if (known.includes(tag) || SPECIAL_TAGS.includes(tag)) continue;
      const fix = known.length === 0 ? 'no task of this playbook has tags' : knownWords(tag, known);
      report.add(error('tag-matches-nothing', `${option} "${tag}" matches no task`, { fix }));
    }
  };
  check('--tags', tags);
  check('--skip-tags', skipTags);
}
