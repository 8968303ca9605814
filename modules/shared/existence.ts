import type { ProbeOutput } from '../../src/engine/module.ts';
import { nothing, path, type Script, sh } from '../../src/engine/sh.ts';
import { fileResource, HostState, resourceKind } from '../../src/model/host-state.ts';

/** For tasks that ask only whether a path is there: what is in it may be large, secret, or as endless as in /proc. */
const existsResource = resourceKind<boolean>('exists');

export function probeExistence(paths: readonly string[]): Script {
  if (paths.length === 0) return nothing;
  return sh`for guard in ${paths.map(path)}; do if [ -e "$guard" ]; then echo yes; else echo no; fi; done`;
}

export function existenceState({ stdout }: ProbeOutput, paths: readonly string[]): HostState {
  const answers = stdout.split('\n');
  return HostState.merge(
    paths.map((name, index) => HostState.empty.with(existsResource, name, answers[index] === 'yes')),
  );
}

/** By now, or by what earlier tasks will have made or removed. */
export function isThere(state: HostState, name: string): boolean {
  const file = state.get(fileResource, name);
  return file === undefined ? state.get(existsResource, name) === true : file.kind !== 'absent';
}
