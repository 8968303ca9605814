import type { Colors } from 'picocolors/types';
import { type HostResult, type RunResult, recapOf } from '../engine/result.ts';
import { impactLines } from './impact-lines.ts';
import { visible, visibleLine } from './visible.ts';

/**
 * The end of a run: in a check what would be stopped for a while; then a line a host, errors below it, and one sentence
 * about the whole.
 */
export function recapLines(command: 'check' | 'apply', result: RunResult, colors: Colors): readonly string[] {
  const hosts = [...result.hosts];
  const width = Math.max(4, ...hosts.map(([name]) => name.length));
  const impact = command === 'check' && result.impact !== undefined ? impactLines(result.impact, colors) : [];
  const lines = [...impact, ...(impact.length === 0 ? [] : ['']), colors.bold('RECAP')];
  for (const [name, host] of hosts) {
    const recap = recapOf(host);
    const counts = Object.entries(recap).map(([label, count]) => paintCount(`${label}=${count}`, label, count, colors));
    lines.push(`${paintHost(name.padEnd(width), host, colors)}  ${counts.join('  ')}`);
    for (const note of host.notes ?? []) lines.push(colors.yellow(`${' '.repeat(width)}  ${visibleLine(note)}`));
    if (host.error !== null)
      lines.push(
        ...visible(host.error.message)
          .split('\n')
          .map((line) => colors.red(`${' '.repeat(width)}  ${line}`)),
      );
  }
  lines.push('', summary(command, result));
  return lines;
}

function summary(command: 'check' | 'apply', { hosts, interrupted, timedOut }: RunResult): string {
  const all = [...hosts.values()];
  const count = (status: HostResult['status']) => all.filter((host) => host.status === status).length;
  const parts: string[] = [];
  const changed = count('changed');
  if (changed > 0) parts.push(`${hostsOf(changed)} ${command === 'check' ? 'would change' : 'changed and proven'}`);
  if (count('ok') > 0) parts.push(`${hostsOf(count('ok'))} in sync`);
  if (count('failed') > 0) parts.push(`${hostsOf(count('failed'))} failed`);
  if (count('unreachable') > 0) parts.push(`${hostsOf(count('unreachable'))} unreachable`);
  if (count('skipped') > 0) parts.push(`${hostsOf(count('skipped'))} not begun`);
  const cut = interrupted ? 'Interrupted. ' : timedOut ? 'Out of time (--total-timeout). ' : '';
  return `${cut}${parts.length === 0 ? 'No hosts' : parts.join(', ')}.`;
}

function hostsOf(count: number): string {
  return count === 1 ? '1 host' : `${count} hosts`;
}

function paintHost(name: string, host: HostResult, colors: Colors): string {
  if (host.status === 'ok') return colors.green(name);
  if (host.status === 'changed') return colors.yellow(name);
  return host.status === 'skipped' ? colors.cyan(name) : colors.red(name);
}

function paintCount(text: string, label: string, count: number, colors: Colors): string {
  if (count === 0) return colors.dim(text);
  if (label === 'ok') return colors.green(text);
  if (label === 'changed') return colors.yellow(text);
  return label === 'skipped' ? colors.cyan(text) : colors.red(text);
}
