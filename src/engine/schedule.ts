import type { CompiledHost, CompiledPlay } from '../model/task.ts';
import { connectedSets, type WaveHost, type WaveNote, waves } from './waves.ts';

/** `--canary`: so many connected sets of hosts, or those from this host's on. */
export interface Canary {
  readonly sets: number;
  readonly host: string | null;
}

/** The waves of a play, one at a time: what comes of a canary decides on what comes next. */
export interface Schedule {
  /** Null: there is none left. */
  next(): Wave | null;
  /** The last wave was a canary, and changed something: one less to come. */
  proven(): void;
}

export interface Wave {
  readonly hosts: readonly CompiledHost[];
  /** The others wait for what comes of it. */
  readonly isCanary: boolean;
}

/**
 * A set in which there is nothing to change is no canary: it proves nothing, so that the next one is alone as well. The
 * set of a host that is named comes first.
 */
export function schedule(play: CompiledPlay, canary: Canary | null): Schedule {
  const sets = connectedSets(play.hosts.map(placed));
  const isNamed = (set: readonly Placed[]) => set.some(({ host }) => host === canary?.host);
  const rest = [...sets.filter(isNamed), ...sets.filter((set) => !isNamed(set))];
  let left = canary?.sets ?? 0;
  let others: (readonly Placed[])[] | null = null;
  return {
    next: () => {
      if (left > 0 && others === null) {
        const set = rest.shift();
        return set === undefined ? null : { hosts: compiled(set), isCanary: rest.length > 0 };
      }
      others ??= [...waves(rest, play.serial).waves];
      const wave = others.shift();
      return wave === undefined ? null : { hosts: compiled(wave), isCanary: false };
    },
    proven: () => {
      left -= 1;
    },
  };
}

/** Where the waves of a play are not what was asked for. */
export function waveNotes(play: CompiledPlay): readonly WaveNote[] {
  return waves(connectedSets(play.hosts.map(placed)), play.serial).notes;
}

interface Placed extends WaveHost {
  readonly compiled: CompiledHost;
}

function placed(compiled: CompiledHost): Placed {
  const tunnels = new Set(compiled.tasks.flatMap(({ tunnel }) => (tunnel === null ? [] : [tunnel])));
  return { host: compiled.host, tunnels: [...tunnels], group: compiled.redundancyGroup, compiled };
}

function compiled(hosts: readonly Placed[]): readonly CompiledHost[] {
  return hosts.map((host) => host.compiled);
}
