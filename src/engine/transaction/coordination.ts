import { type DownBudget, downBudget } from './down-budget.ts';

/** Why a host of a transaction cannot go on. Every other host of it then goes back, or is not changed at all. */
export interface Trouble {
  readonly host: string;
  readonly why: string;
  /** It is no fault of that host. */
  readonly code?: 'max-down';
}

/** What matters of a host's plan for the others. */
export interface Intent {
  /** Tunnels that it takes down for a while. Default: none. */
  readonly drops?: readonly string[];
  /** Tunnels that the operator's own connection to the host goes through. Default: none. */
  readonly through?: readonly string[];
  /** Hosts that this connection goes over: jump hosts, and the near ends of those tunnels. Default: none. */
  readonly over?: readonly string[];
}

/** One host's part in the agreement with the hosts at the other ends of its changed tunnels. */
export interface Member {
  /**
   * To be called once, with the tunnels that the host's plan changes; resolves when all hosts that are connected with it
   * by changed tunnels have their plan: to the members of the transaction, or to what keeps it from being made.
   */
  planned(tunnels: readonly string[], intent?: Intent): Promise<Trouble | null>;
  /** The host is ready to change; resolves when all are and it is this one's turn. */
  prepared(): Promise<Trouble | null>;
  /** The host's changes have begun, and go on there whether it can be reached or not. */
  begun(): void;
  /** The host's changes are made and proven; resolves when those of all are. */
  committed(): Promise<Trouble | null>;
  /** What its tunnels do was looked at; resolves when that is so on all. Between `committed` and `verified`, by all or none. */
  examined(): Promise<Trouble | null>;
  /** The host knows that all are proven; resolves when all do. */
  verified(): Promise<Trouble | null>;
  /** The host fails, or ends without having been through all of the above. May be called at any time, and twice. */
  failed(why: string): void;
  /** The host's part is over. `sound`: it is proven to be as it was, or as it shall be. */
  ended(sound: boolean): void;
  /** The hosts at the other ends, after `planned`. */
  readonly partners: readonly string[];
  /** Those of its changed tunnels of which another end takes part. */
  readonly shared: readonly string[];
  /** After `planned`: the connection to the host goes through a tunnel that changes. */
  readonly isCarried: boolean;
}

export interface CoordinationInput {
  /** The hosts that take part, and for each tunnel the hosts of its ends among them, who changes first last. */
  readonly hosts: readonly string[];
  readonly tunnels: ReadonlyMap<string, readonly string[]>;
  /** Hosts that change last, whatever their connections tell. */
  readonly last: ReadonlySet<string>;
  /** How many tunnels may be down at a time; default: any number. */
  readonly budget?: DownBudget;
}

/**
 * Brings the hosts of each connected set of changed tunnels through two phases together: nobody changes anything before
 * all are prepared, and nobody keeps a change that another could not make. Responders change first, the other ends
 * after them, and last who carries the operator's own path ({@link turnOf}). Hosts that share no changed tunnel do not
 * wait for each other, unless too many tunnels would be down.
 */
export function coordinate(input: CoordinationInput): (host: string) => Member {
  const members = new Map(input.hosts.map((host) => [host, newMember(host)]));
  const budget = input.budget ?? downBudget(null);
  const waiting = new Set<() => boolean>();
  /** Whoever waits looks again; those who are through are forgotten. */
  const stir = () => {
    for (let again = true; again; ) {
      again = false;
      for (const look of [...waiting]) {
        if (!look()) continue;
        waiting.delete(look);
        again = true;
      }
    }
  };
  const wait = <T>(answer: () => T | undefined): Promise<T> =>
    new Promise((resolve) => {
      const look = () => {
        const value = answer();
        if (value === undefined) return false;
        resolve(value);
        return true;
      };
      if (!look()) waiting.add(look);
    });

  /** All that are connected by changed tunnels; `undefined` while one of them has no plan yet. */
  const connected = (host: string): readonly State[] | undefined => {
    const found = new Set([host]);
    for (const each of found) {
      const state = members.get(each);
      if (state === undefined || state.trouble !== null) continue;
      if (state.tunnels === null) return undefined;
      for (const tunnel of state.tunnels) for (const end of input.tunnels.get(tunnel) ?? []) found.add(end);
    }
    return [...found].map((each) => members.get(each)).filter((state) => state !== undefined);
  };
  const trouble = (set: readonly State[]): Trouble | null => {
    const own = set.map((state) => state.trouble).find((each) => each !== null);
    if (own !== undefined) return own;
    const [first] = set;
    return budget.passed === null || first === undefined
      ? null
      : { host: first.host, why: budget.passed, code: 'max-down' };
  };
  const admission = (host: string, set: readonly State[]): Trouble | typeof PASSED | undefined => {
    const answer = budget.admit(nameOf(set), dropsOf(set));
    if (answer === 'later') return undefined;
    return answer === 'admitted' ? PASSED : { host, why: answer.why, code: 'max-down' };
  };

  return (host) => {
    const own = members.get(host);
    if (own === undefined) throw new Error(`${host} takes no part`);
    let set: readonly State[] = [own];
    const pass = (mayPass: () => Trouble | typeof PASSED | undefined) =>
      wait(() => trouble(set) ?? mayPass()).then((end) => (end === PASSED ? null : end));
    const reach = (phase: Phase, mayPass: () => boolean) => {
      own.phase = phase;
      stir();
      return pass(() => (mayPass() ? PASSED : undefined));
    };
    const all = (phase: Phase) => set.every((state) => state.idle || state.phase >= phase);
    return {
      planned: async (tunnels, intent = {}) => {
        own.tunnels = tunnels;
        own.idle = tunnels.length === 0;
        own.intent = intent;
        stir();
        set = await wait(() => connected(host));
        return own.idle ? trouble([own]) : pass(() => admission(host, set));
      },
      prepared: () => {
        const turn = turnOf(own, set, input);
        const before = set.filter((state) => !state.idle && turnOf(state, set, input) < turn);
        const isThrough = (state: State) => state.phase >= (carriers(state, set).length > 0 ? BEGUN : COMMITTED);
        return reach(PREPARED, () => all(PREPARED) && before.every(isThrough));
      },
      begun: () => {
        if (own.phase === PREPARED) own.phase = BEGUN;
        stir();
      },
      committed: () => reach(COMMITTED, () => all(COMMITTED)),
      examined: () => reach(EXAMINED, () => all(EXAMINED)),
      verified: () => reach(VERIFIED, () => all(VERIFIED)),
      failed: (why) => {
        own.trouble ??= { host, why };
        stir();
      },
      ended: (sound) => {
        own.sound = sound;
        const working = set.filter((state) => !state.idle);
        if (working.every((state) => state.sound !== null)) budget.settle(nameOf(set), stillDown(working));
        stir();
      },
      get shared() {
        return (own.tunnels ?? []).filter((tunnel) => (input.tunnels.get(tunnel) ?? []).length > 1);
      },
      get isCarried() {
        return carriers(own, set).length > 0;
      },
      get partners() {
        return set.filter((state) => state !== own && !state.idle).map((state) => state.host);
      },
    };
  };
}

/** How far a host has come. */
type Phase = 0 | typeof PREPARED | typeof BEGUN | typeof COMMITTED | typeof EXAMINED | typeof VERIFIED;
const PREPARED = 1;
const BEGUN = 2;
const COMMITTED = 3;
const EXAMINED = 4;
const VERIFIED = 5;

interface State {
  readonly host: string;
  /** Changed by its plan; `null` while there is none. */
  tunnels: readonly string[] | null;
  intent: Intent;
  /** Its plan changes none: nobody waits for it. */
  idle: boolean;
  phase: Phase;
  trouble: Trouble | null;
  /** Null until its part is over. */
  sound: boolean | null;
}

const PASSED = Symbol('passed');

function newMember(host: string): State {
  return { host, tunnels: null, intent: {}, idle: false, phase: 0, trouble: null, sound: null };
}

/**
 * 0: only answers; 1: begins at least one of the changed tunnels; then who is reached through a changed tunnel, the
 * farthest first; last who is on the operator's way to others. The far end of such a tunnel can be told to change only
 * while the near one has not: it is not waited for until it is proven, but only until it has begun.
 */
function turnOf({ host, intent }: State, set: readonly State[], { tunnels, last }: CoordinationInput): number {
  const crossed = carriers({ intent }, set).length;
  if (crossed > 0) return LAST - crossed;
  if (last.has(host) || set.some((state) => state.intent.over?.includes(host))) return LAST;
  return [...changedIn(set)].some((tunnel) => {
    const ends = tunnels.get(tunnel) ?? [];
    return ends.length > 1 && ends[0] === host;
  })
    ? 1
    : 0;
}

/** More than the tunnels that anybody's connection goes through. */
const LAST = 1000;

/** The changed tunnels that the operator's connection to the host goes through. */
function carriers({ intent }: Pick<State, 'intent'>, set: readonly State[]): readonly string[] {
  if (intent.through === undefined || intent.through.length === 0) return [];
  const changed = changedIn(set);
  return intent.through.filter((tunnel) => changed.has(tunnel));
}

/** All of a set have their plan when it is made, so this is worked out once: a mesh has thousands. */
function changedIn(set: readonly State[]): ReadonlySet<string> {
  const changed = CHANGED.get(set) ?? new Set(set.flatMap((state) => state.tunnels ?? []));
  CHANGED.set(set, changed);
  return changed;
}

const CHANGED = new WeakMap<readonly State[], ReadonlySet<string>>();

function nameOf(set: readonly State[]): string {
  const hosts = set.filter((state) => !state.idle).map((state) => state.host);
  return hosts.sort().join('\0');
}

function dropsOf(set: readonly State[]): readonly string[] {
  return [...new Set(set.flatMap((state) => state.intent.drops ?? []))];
}

/** What hosts took down that are not proven to be as they were, or as they shall be. */
function stillDown(set: readonly State[]): readonly string[] {
  return dropsOf(set.filter((state) => state.sound === false));
}
