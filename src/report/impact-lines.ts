import type { Colors } from 'picocolors/types';
import { ESTIMATE, type Impact, type TunnelImpact } from '../engine/impact.ts';
import { visibleLine } from './visible.ts';

/** What a run stops for a while, for who must decide on it; no lines where that is nothing. */
export function impactLines({ tunnels, services, ownPath }: Impact, colors: Colors): readonly string[] {
  if (tunnels.length + services.length + ownPath.length === 0) return [];
  const having = (effect: TunnelImpact['effect']) => tunnels.filter((tunnel) => tunnel.effect === effect);
  const lines = [
    ...section(having('drops'), ['drops', 'drop'], 'for a while'),
    ...section(having('stopped'), ['goes', 'go'], 'down, until somebody brings it up again'),
    ...section(having('removed'), ['goes', 'go'], 'down for good'),
    ...section(having('starts'), ['comes', 'come'], 'up new, and nothing passes until both ends are up'),
    ...(tunnels.some(({ seconds }) => seconds !== null) ? [`  times are ${ESTIMATE}`] : []),
    ...serviceLines(services),
    ...(ownPath.length === 0
      ? []
      : [colors.yellow('  your own SSH connections go over hosts that change; they change last:')]),
    ...ownPath.map(({ host, why }) => `    ${host}: ${why}`),
  ];
  return [colors.bold('IMPACT'), ...lines.map(visibleLine)];
}

function section(
  tunnels: readonly TunnelImpact[],
  [one, many]: readonly [string, string],
  what: string,
): readonly string[] {
  if (tunnels.length === 0) return [];
  const lines = tunnels.slice(0, MOST).map((tunnel) => {
    const why = tunnel.networkOf.length === 0 ? '' : `, by the network restart of ${tunnel.networkOf.join(' and ')}`;
    const ends = tunnel.ends.length === 0 ? '' : ` (${tunnel.ends.join(', ')})`;
    return `    ${tunnel.name}${ends}${about(tunnel.seconds)}${why}`;
  });
  const more = tunnels.length > MOST ? [`    and ${tunnels.length - MOST} more`] : [];
  const head = tunnels.length === 1 ? `1 tunnel ${one}` : `${tunnels.length} tunnels ${many}`;
  return [`  ${head} ${what}:`, ...lines, ...more];
}

/** What one reads before one says yes. */
const MOST = 20;

function about(seconds: TunnelImpact['seconds']): string {
  return seconds === null ? '' : `: about ${seconds[0]} to ${seconds[1]} s`;
}

function serviceLines(services: Impact['services']): readonly string[] {
  const names = [...new Set(services.map(({ service }) => service))];
  return names.map((name) => {
    const hosts = services.filter(({ service }) => service === name).map(({ host }) => host);
    const some = hosts.length > 8 ? `${hosts.slice(0, 7).join(', ')} and ${hosts.length - 7} more` : hosts.join(', ');
    const all = name === 'network' ? ': every connection of the host may drop, this SSH session too' : '';
    return `  service ${name} is restarted or stopped on ${some}${all}`;
  });
}
