import { error } from '../../lang/diagnostic.ts';
import type { Located } from '../../lang/yaml.ts';
import type { Span } from '../../model/span.ts';
import type { Tunnel } from '../../model/tunnel.ts';
import { type Origin, type Report, titleOf } from './origin.ts';

/** A tunnel and the entry it came from. */
export interface Made {
  readonly tunnel: Tunnel;
  readonly origin: Origin;
}

/** What no two tunnels may have in common. Each check goes over all tunnels once. */
export function crossCheck(made: readonly Made[], document: Located, report: Report): void {
  checkTunnelNames(made, document, report);
  // An absent tunnel may leave its place to another.
  const present = made.filter(({ tunnel }) => tunnel.state === 'present');
  checkNicknames(present, report);
  checkSelectors(present, report);
  checkSpis(present, report);
}

function checkTunnelNames(made: readonly Made[], document: Located, report: Report): void {
  const names = new Map<string, Made>();
  const once = firstOfEntries();
  for (const item of made) {
    const first = names.get(item.tunnel.name);
    if (!first) names.set(item.tunnel.name, item);
    else if (once(first, item)) {
      const pair = item.tunnel.ends.map(({ host }) => host).join(' and ');
      report(
        error('tunnel-name-taken', `${titleOf(item.origin)} makes a second tunnel ${item.tunnel.name}, of ${pair}`, {
          span: document.keySpan(item.origin.pointer),
          fix: 'another name for one of them',
          related: [{ message: titleOf(first.origin), span: document.keySpan(first.origin.pointer) }],
        }),
      );
    }
  }
}

function checkNicknames(made: readonly Made[], report: Report): void {
  const taken = new Map<string, Tunnel>();
  for (const { tunnel } of made) {
    for (const { host, nickname, managed } of tunnel.ends) {
      if (!managed) continue;
      const id = `${host}\n${nickname}`;
      const first = taken.get(id);
      if (!first) taken.set(id, tunnel);
      else if (first.name !== tunnel.name) {
        const message = `two tunnels have the nickname ${nickname} on ${host}: ${first.name} and ${tunnel.name}`;
        report(
          error('nickname-taken', message, {
            span: nicknamePlace(tunnel, host),
            fix: 'another nickname for one of them',
            related: [{ message: `tunnel ${first.name}`, span: nicknamePlace(first, host) }],
          }),
        );
      }
    }
  }
}

/** The kernel has one policy for a pair of selectors: the tunnel that comes up last would silently take the other's place. */
function checkSelectors(made: readonly Made[], report: Report): void {
  const taken = new Map<string, Made>();
  const once = firstOfEntries();
  for (const item of made) {
    const { tunnel } = item;
    const id = selectorsOf(tunnel);
    const first = taken.get(id);
    if (!first) taken.set(id, item);
    else if (first.tunnel.name !== tunnel.name && once(first, item)) {
      report(
        error('selectors-taken', `tunnels ${first.tunnel.name} and ${tunnel.name} protect the same traffic, ${id}`, {
          span: tunnel.at(),
          fix: 'leave one of them out, or write state: absent',
          related: [{ message: `tunnel ${first.tunnel.name}`, span: first.tunnel.at() }],
        }),
      );
    }
  }
}

function selectorsOf({ ends: [a, b] }: Tunnel): string {
  const [first, second] = [a.network?.cidr ?? a.address, b.network?.cidr ?? b.address];
  return first < second ? `${first} and ${second}` : `${second} and ${first}`;
}

/** True the first time that two entries clash: two meshes of the same hosts are one mistake, not thousands. */
function firstOfEntries(): (a: Made, b: Made) => boolean {
  const seen = new Set<string>();
  return (a, b) => {
    const id = [...a.origin.pointer, ...b.origin.pointer].join('\n');
    return !seen.has(id) && Boolean(seen.add(id));
  };
}

/**
 * An SA is known by destination, protocol and SPI: RFC 4301 4.1. In one tunnel an SPI stands for one SA alone, else what
 * tcpdump and the kernel show of it could be any of them.
 */
function checkSpis(made: readonly Made[], report: Report): void {
  const taken = new Map<string, { tunnel: Tunnel; span: Span }>();
  for (const { tunnel } of made) {
    const own = new Map<number, { tunnel: Tunnel; span: Span }>();
    for (const { spi, protocol, destination, span } of sasOf(tunnel)) {
      const id = `${protocol} ${destination} ${spi}`;
      const first = taken.get(id) ?? own.get(spi);
      if (first) {
        const hex = `0x${spi.toString(16)}`;
        const where = taken.has(id) ? `for ${protocol.toUpperCase()} to ${destination}` : `in tunnel ${tunnel.name}`;
        report(
          error('spi-taken', `the SPI ${hex} is used twice ${where}`, {
            span,
            fix: 'another SPI for one of them',
            related: [{ message: `tunnel ${first.tunnel.name}`, span: first.span }],
          }),
        );
      }
      if (!taken.has(id)) taken.set(id, { tunnel, span });
      if (!own.has(spi)) own.set(spi, { tunnel, span });
    }
  }
}

function sasOf(tunnel: Tunnel) {
  if (tunnel.keying.method !== 'manual') return [];
  const { sent } = tunnel.keying;
  return tunnel.ends.flatMap((end, index) =>
    (['ah', 'esp'] as const).flatMap((protocol) => {
      const spi = sent[index]?.[protocol]?.spi;
      if (spi === undefined) return [];
      const destination = tunnel.ends[1 - index]?.address ?? '';
      return [{ spi, protocol, destination, span: tunnel.at('keying', 'manual', end.host, protocol, 'spi') }];
    }),
  );
}

function nicknamePlace(tunnel: Tunnel, host: string): Span {
  return tunnel.at('ends', host, 'nickname');
}
