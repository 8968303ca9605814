import { compiledModules, modules } from '../../../modules/index.ts';
import { ipsecTools } from '../../../src/compile/backends/ipsec-tools/index.ts';
import { type Compiled, type CompileInput, compile } from '../../../src/compile/compile.ts';
import type { SelectHosts } from '../../../src/compile/hosts.ts';
import { FACT_NAMES } from '../../../src/engine/facts.ts';
import { error } from '../../../src/lang/diagnostic.ts';
import { makeSource } from '../../../src/lang/source.ts';
import { parseYaml } from '../../../src/lang/yaml.ts';
import type { Variables } from '../../../src/model/host.ts';
import type { Task } from '../../../src/model/task.ts';
import type { Tunnel } from '../../../src/model/tunnel.ts';
import type { Play } from '../../../src/playbook/play.ts';
import { readPlaybook } from '../../../src/playbook/read-playbook.ts';
import { moduleRegistry } from '../../../src/playbook/registry.ts';

export const registry = moduleRegistry([...modules, ...compiledModules]);

const SITE = '- hosts: all\n  tasks:\n    - ipsec_tunnels: {}\n';

export function readText(text: string) {
  const { document, diagnostics } = parseYaml(makeSource('play.yml', text));
  if (document === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return readPlaybook(document, registry);
}

export interface World {
  readonly playbook?: string;
  readonly hosts?: Readonly<Record<string, Variables>>;
  readonly tunnels?: readonly Tunnel[];
  readonly racoon?: unknown;
  readonly options?: Partial<CompileInput['options']>;
}

/** Compiles a playbook's text on hosts with these variables; without hosts, on those of the tunnels. */
export function compileWorld({ playbook = SITE, ...world }: World): Compiled {
  const { plays, diagnostics } = readText(playbook);
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new Error(JSON.stringify(diagnostics, null, 1));
  return compilePlays(plays, world);
}

export function compilePlays(
  plays: readonly Play[],
  { hosts, tunnels = [], racoon = null, options = {} }: World,
): Compiled {
  const managed = tunnels.flatMap(({ ends }) => ends.filter((end) => end.managed));
  const vars = hosts ?? Object.fromEntries(managed.map((end) => [end.host, {}]));
  return compile({
    plays,
    select: selectFrom(Object.keys(vars)),
    tunnels,
    backend: ipsecTools,
    backendOptions: racoon,
    registry,
    factNames: FACT_NAMES,
    varsOf: (host) => vars[host] ?? {},
    options: { tags: [], skipTags: [], extraVars: {}, ...options },
  });
}

export function tasksOf(compiled: Compiled, host: string, play = 0): readonly Task[] {
  const found = compiled.plays[play]?.hosts.find((one) => one.host === host);
  if (found === undefined) throw new Error(`${host} is not in play ${play}: ${JSON.stringify(compiled.diagnostics)}`);
  return found.tasks;
}

export function argsOf(task: Task | undefined): Readonly<Record<string, unknown>> {
  if (task === undefined) throw new Error('there is no such task');
  return task.args.resolve({});
}

/** `all`, host names, and lists of them: enough for these tests. */
function selectFrom(hosts: readonly string[]): SelectHosts {
  return (pattern) => {
    const words = pattern.split(/[,:]/);
    const unknown = words.filter((word) => word !== 'all' && !hosts.includes(word));
    return {
      hosts: hosts.filter((host) => words.includes('all') || words.includes(host)),
      diagnostics: unknown.map((word) => error('pattern-matches-nothing', `"${word}" matches no host`)),
    };
  };
}
