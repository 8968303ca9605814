import { naturalOrder } from '../../model/natural-order.ts';

/** Counts the tunnels that a run has taken down and not proven again, and lets no more be taken down than may be. */
export interface DownBudget {
  /** A set of hosts wants to take these down: `admitted`; `later`, when others are through; or why never. */
  admit(set: string, tunnels: readonly string[]): 'admitted' | 'later' | { readonly why: string };
  /** The set is through; these are down still. */
  settle(set: string, down: readonly string[]): void;
  /** More are down than may be: why all has to stop. */
  readonly passed: string | null;
  /** Something could not begin for lack of it, or it is passed: why nothing more begins. */
  readonly spent: string | null;
}

/** `limit` is null: there is none. */
export function downBudget(limit: number | null): DownBudget {
  const working = new Map<string, readonly string[]>();
  const answers = new Map<string, { readonly why: string }>();
  const down = new Set<string>();
  let passed: string | null = null;
  return {
    admit: (set, tunnels) => {
      if (limit === null || tunnels.length === 0 || working.has(set)) return 'admitted';
      const refused = answers.get(set);
      if (refused !== undefined) return refused;
      const taken = new Set([...down, ...[...working.values()].flat()]);
      const together = new Set([...taken, ...tunnels]).size;
      if (together <= limit) {
        working.set(set, tunnels);
        return 'admitted';
      }
      if (working.size > 0 && new Set([...down, ...tunnels]).size <= limit) return 'later';
      const already = down.size === 0 ? '' : ` while ${down.size} are down already (${some(down)})`;
      const answer = {
        why: `this takes ${count(new Set(tunnels).size)} down at once (${some(new Set(tunnels))})${already}; --max-down allows ${limit}`,
      };
      answers.set(set, answer);
      return answer;
    },
    settle: (set, left) => {
      working.delete(set);
      for (const tunnel of left) down.add(tunnel);
      if (limit !== null && down.size > limit)
        passed ??= `${count(down.size)} are down and not proven (${some(down)}); --max-down allows ${limit}`;
    },
    get passed() {
      return passed;
    },
    get spent() {
      const [first] = answers.values();
      return passed ?? first?.why ?? null;
    },
  };
}

function count(tunnels: number): string {
  return tunnels === 1 ? '1 tunnel' : `${tunnels} tunnels`;
}

function some(tunnels: ReadonlySet<string>): string {
  const names = naturalOrder(tunnels);
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`;
}
