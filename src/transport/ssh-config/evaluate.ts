import { ConnectFault } from '../transport.ts';
import { addFinalPass, applyConfig, type Directive, firstOf } from './applied.ts';
import { asOptions } from './arguments.ts';
import { filesOf } from './config-tree.ts';
import { type Foreseen, foresee, type Lookup, saysNothing } from './foresee.ts';
import { jumpLoop } from './jump-loop.ts';
import { HEEDED } from './keywords.ts';
import { needsRehoming, rehome } from './rehome.ts';
import { decideByLog, NoSsh, type RunSsh, type SshAnswer } from './run-ssh.ts';
import type { ConfigSource } from './source.ts';

/** What a configuration says of a host. */
export interface Evaluated {
  readonly hostName: string;
  /** As `ssh -G` prints them; only what differs from ssh's own defaults. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** The lines that hold, first those of the command line. */
  readonly directives: readonly Directive[];
}

export type Evaluate = (lookup: Lookup) => Promise<Evaluated>;

export interface EvaluateOptions {
  readonly sourceOf: (configFile: string | undefined) => ConfigSource;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** `null`: there is no ssh. */
  readonly ssh: RunSsh | null;
  /** `false`: every host is asked for on its own. */
  readonly share?: boolean;
}

/**
 * Asks ssh, and the `ssh-config` package where there is no ssh. Hosts for which the same lines hold share one answer;
 * where none holds that matters, nobody is asked.
 */
export function evaluator({ sourceOf, env, home, ssh, share = true }: EvaluateOptions): Evaluate {
  const answers = new Map<string, Promise<Evaluated>>();
  let defaults: Promise<SshAnswer> | null = null;
  let missing = ssh === null;
  let sharing = share;

  const askSsh = async (lookup: Lookup, source: ConfigSource, run: RunSsh): Promise<Evaluated> => {
    defaults ??= run(['-F', 'none'], 'localhost');
    const [answer, { values: unset }] = await Promise.all([runWith(source, lookup, run), defaults]);
    const values = new Map(
      [...answer.values].filter(
        ([keyword, value]) =>
          HEEDED.has(keyword) && keyword !== 'hostname' && String(value) !== String(unset.get(keyword) ?? []),
      ),
    );
    const known = new Set(source.trees.flatMap(filesOf).map(({ path }) => path.slice(0, 200)));
    // It reads a file that was not foreseen: then nothing can be foreseen.
    if (answer.log.files.some((file) => !known.has(file))) sharing = false;
    return {
      hostName: answer.values.get('hostname')?.[0] ?? lookup.host,
      values,
      directives: [...lookup.given, ...appliedBy(source, answer)],
    };
  };

  const ask = async (lookup: Lookup, source: ConfigSource): Promise<Evaluated> => {
    if (ssh !== null && !missing) {
      try {
        return await askSsh(lookup, source, ssh);
      } catch (fault) {
        if (fault instanceof ConnectFault && fault.code === 'jump-loop') throw placed(fault, lookup, source);
        if (!(fault instanceof NoSsh)) throw fault;
        missing = true;
      }
    }
    const { evaluateWithoutSsh } = await import('./without-ssh.ts');
    return evaluateWithoutSsh(lookup, source, { env, home });
  };

  const shared = (lookup: Lookup, source: ConfigSource, { key }: Foreseen): Promise<Evaluated> => {
    const known = answers.get(key) ?? ask(lookup, source);
    answers.set(key, known);
    return known;
  };

  return async (lookup) => {
    if (lookup.host.startsWith('-') || /[\0\r\n]/.test(lookup.host)) {
      throw new ConnectFault('ssh-config', `${JSON.stringify(lookup.host)} is no name of a host`);
    }
    const source = sourceOf(lookup.configFile);
    const foreseen = foresee(source, lookup);
    if (foreseen === null || !sharing) return ask(lookup, source);
    const directives = [...lookup.given, ...foreseen.applied];
    if (!source.own && saysNothing(foreseen.applied) && lookup.given.every(({ keyword }) => PLAIN.has(keyword))) {
      const values = new Map(lookup.given.map(({ keyword, words }) => [keyword, words.slice(0, 1)]));
      return named(lookup, { hostName: lookup.host, values, directives });
    }
    const evaluated = await shared(lookup, source, foreseen);
    return sharing ? named(lookup, evaluated) : ask(lookup, source);
  };
}

/** ssh does not say where it is told to jump to the host itself. */
function placed(fault: ConnectFault, lookup: Lookup, source: ConfigSource): ConnectFault {
  const applied = foresee(source, lookup)?.applied ?? [];
  const from = firstOf([...lookup.given, ...applied], 'proxyjump')?.from;
  const { host } = lookup;
  return from === undefined ? fault : jumpLoop({ path: [host, host], places: [from], host });
}

/** What can be taken as it was given. */
const PLAIN: ReadonlySet<string> = new Set(['user', 'port']);

/** The answer of another host of which the same lines are true. */
function named({ host, hostName, given }: Lookup, evaluated: Evaluated): Evaluated {
  const said = evaluated.directives.find(({ keyword }) => keyword === 'hostname');
  if (said !== undefined && hostName === null) return evaluated;
  const name = (hostName ?? host).toLowerCase();
  const directives = [...given, ...evaluated.directives.slice(given.length)];
  return { ...evaluated, hostName: name, directives };
}

async function runWith(source: ConfigSource, { host, hostName, given }: Lookup, run: RunSsh): Promise<SshAnswer> {
  const { file } = source;
  const forced = hostName === null ? [] : ['-o', `hostname=${hostName.replaceAll('%', '%%')}`];
  const options = [...forced, ...asOptions(given)];
  if (file === null || file === 'none') return run([...(file === null ? [] : ['-F', file]), ...options], host);
  if (!needsRehoming(file)) return run(['-F', file.path, ...options], host);
  const copy = rehome(file);
  try {
    const { values, log } = await run(['-F', copy.path, ...options], host);
    const events = log.events.map((event) =>
      event.kind === 'host' ? { ...event, file: copy.original(event.file) } : event,
    );
    return { values, log: { events, files: log.files.map(copy.original) } };
  } catch (fault) {
    if (!(fault instanceof ConnectFault)) throw fault;
    throw new ConnectFault(fault.code, copy.original(fault.message), fault.fix);
  } finally {
    copy.remove();
  }
}

function appliedBy({ trees }: ConfigSource, { log }: SshAnswer): readonly Directive[] {
  const applied: Directive[] = [];
  const { decide, again } = decideByLog(log.events);
  for (const tree of trees) applyConfig(tree, decide, applied);
  while (again()) {
    const final: Directive[] = [];
    for (const tree of trees) applyConfig(tree, decide, final);
    addFinalPass(applied, final);
  }
  return applied;
}
