import type { Member, Trouble } from './coordination.ts';

export type MemberOf = (host: string) => Member;

/**
 * Makes all hosts of a batch wait for each other before any is changed, tunnels between them or not. A host that fails
 * before it has its plan holds back all of them, and those of later batches too.
 */
export function allOrNone(): (hosts: readonly string[], member: MemberOf) => MemberOf {
  let trouble: Trouble | null = null;
  return (hosts, memberOf) => {
    const awaited = new Set(hosts);
    let open = () => {};
    const complete = new Promise<void>((resolve) => {
      open = resolve;
    });
    const arrived = (host: string) => {
      awaited.delete(host);
      if (awaited.size === 0 || trouble !== null) open();
    };
    return (host) => {
      const member = memberOf(host);
      return {
        planned: async (tunnels, intent) => {
          arrived(host);
          await complete;
          return trouble ?? member.planned(tunnels, intent);
        },
        prepared: () => member.prepared(),
        begun: () => member.begun(),
        committed: () => member.committed(),
        examined: () => member.examined(),
        verified: () => member.verified(),
        failed: (why) => {
          if (awaited.has(host)) trouble ??= { host, why };
          arrived(host);
          member.failed(why);
        },
        ended: (sound) => member.ended(sound),
        get shared() {
          return member.shared;
        },
        get isCarried() {
          return member.isCarried;
        },
        get partners() {
          return member.partners;
        },
      };
    };
  };
}
