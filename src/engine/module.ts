import type { JSONSchema } from 'json-schema-to-ts';
import type { Content } from '../model/content.ts';
import type { FileState, HostState } from '../model/host-state.ts';
import type { Effect } from './effect.ts';
import type { Script } from './sh.ts';

/**
 * The module contract. A module never sees a transport: it writes scripts, reads their output, and decides.
 *
 * Laws, held by property tests for every module:
 * - `plan(args, after)` is `ok`, where `after` is what the plan predicts.
 * - A probe leaves the host untouched.
 * - A change's diff is never empty unless the module changes nothing that a diff can show (an action, as `restarted`);
 *   an `ok` has none.
 */
export interface Module<Args = never, Change = never> {
  readonly name: string;
  /** One line for `docs/modules.md` and the editor's hover. */
  readonly summary: string;
  /** The arguments as a user writes them; also the source of `Args`. */
  readonly args: JSONSchema;
  /** The argument that a bare string stands for (`command: ls`), if any. */
  readonly free?: string;
  /** The arguments that may be secret, or hold secrets. In any other one the compiler refuses a secret. */
  readonly secretArgs?: readonly string[];
  /**
   * A script that only reads. It travels in the open (argv), so a secret in it is a bug that the engine refuses. All probes
   * of a host run in one shell: it leaves its folder, options and traps alone, and never exits.
   */
  probe(args: Args, facts: Facts): Script;
  /** What the probe's output says. Pure. */
  parse(output: ProbeOutput, args: Args): HostState;
  /** What must change. Pure; `state` holds what was probed, overlaid by what earlier tasks will have done. */
  plan(args: Args, state: HostState, context: PlanContext): Plan<Change>;
  /** The script that makes `change`. Runs under `set -e` in a subshell; prints what a person may want to read. */
  apply(change: Change, args: Args, facts: Facts): Script;
  /**
   * Paths that `apply` writes beside the files in the plan's `after`: what was there is kept until the run is confirmed.
   * `anything`: nobody can tell, as of a package's scripts.
   */
  touches?(change: Change, args: Args): readonly string[] | 'anything';
  /**
   * Prints running state that `apply` may lose and that no file holds, before anything is changed. It is kept with the
   * backups (0600), and \`undo\` finds it in the file \`$ip_note\`. Its exit code does not matter: that may be missing.
   */
  notes?(change: Change, args: Args, facts: Facts): Script;
  /** What takes `change` back beside putting the files back. Without it the files alone do. Runs as `apply` does. */
  undo?(change: Change, args: Args, facts: Facts): Undo;
  /** What takes `undo` back: for a `rollback RUN` that fails half-way. Its first round runs before the files go forward again. */
  redo?(change: Change, args: Args, facts: Facts): Undo;
}

/**
 * Both look at the host first and do only what is due there: the change may have been made half. Of several changes the
 * last is taken back first, in each round.
 */
export interface Undo {
  /** Before the files go back: takes down what came up with the new ones. */
  readonly before?: Script;
  /** Once all files are back: brings up what was up. */
  readonly after?: Script;
  /** When all of that is done. Not for a `rollback RUN`, long after which something else may be right. */
  readonly last?: Script;
}

/** Any module, where its types do not matter. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where a heterogeneous list forgets its types
export type AnyModule = Module<any, any>;

export type Plan<Change> =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'change';
      readonly change: Change;
      /** What the host will be after it: only the resources that the change touches. */
      readonly after: HostState;
      readonly diff: readonly FileDiff[];
      /** What a person should know before: 'restarts the network: every connection drops for some seconds'. */
      readonly disruptive?: string;
      /** The same in terms that can be counted. */
      readonly effect?: Effect;
    }
  /** Cannot be known before something else is applied: planned again after that. */
  | { readonly kind: 'unknown'; readonly until: string; readonly why: string }
  /** Must not be done: nothing at all is changed on this host. */
  | { readonly kind: 'blocked'; readonly why: string };

/** `null`: not there. `path` may also be a thing that is no file, such as `package ipsec-tools`. */
export interface FileDiff {
  readonly path: string;
  readonly before: Content | null;
  readonly after: Content | null;
}

export interface ProbeOutput {
  /** What the script printed on stdout, as bytes ("latin1"). */
  readonly stdout: string;
  readonly exitCode: number;
  /** The paths named by `readFiles`; every one of them is there. */
  readonly files: ReadonlyMap<string, FileState>;
}

export interface PlanContext {
  readonly facts: Facts;
  /** The task's id, unique on its host: the name for a resource of scope `run`. */
  readonly taskId: string;
  /** The host as it was when this run first read it; what is lost on the way can be put back from it. */
  readonly initial: HostState;
}

/** What is known of the host's system; every field is undefined before the first probe has answered. */
export interface Facts {
  /** First line of /etc/redhat-release, or `undefined`. */
  readonly redhatRelease?: string | undefined;
  /** Major number of a Red Hat Enterprise Linux or a rebuild of it. */
  readonly redhatMajor?: number | undefined;
  readonly hostname?: string | undefined;
  /** `uname -r`, `uname -m`. */
  readonly kernel?: string | undefined;
  readonly architecture?: string | undefined;
}
