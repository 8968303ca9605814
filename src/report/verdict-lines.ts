import type { Colors } from 'picocolors/types';
import { type EndVerdict, type TunnelVerdict, unshown } from '../model/verdict.ts';
import { visibleLine } from './visible.ts';

/**
 * A tunnel a line with what proves it, or the first reason why not; below one that failed, and below each with `verbose`,
 * what was seen of both ends, layer by layer.
 */
export function verdictLines(verdicts: readonly TunnelVerdict[], verbose: boolean, colors: Colors): readonly string[] {
  const width = Math.max(0, ...verdicts.map(({ tunnel }) => tunnel.length));
  return verdicts.flatMap((verdict) => {
    const head = `${verdict.tunnel.padEnd(width)}  ${painted(verdict, colors)}  ${visibleLine(inShort(verdict))}`;
    const isShown = verbose || verdict.status !== 'proven';
    const below = isShown ? verdict.ends.flatMap((end) => endLines(end, verbose)) : [];
    const notes = verdict.notes.map((note) => `    ${visibleLine(note)}`);
    return [head.trimEnd(), ...below, ...notes];
  });
}

const WORDS: Readonly<Record<TunnelVerdict['status'], string>> = {
  proven: 'proven',
  failed: 'FAILED',
  unproven: 'not proven',
};

function painted({ status }: TunnelVerdict, colors: Colors): string {
  const word = WORDS[status].padEnd(10);
  return status === 'proven' ? colors.green(word) : status === 'failed' ? colors.red(word) : colors.yellow(word);
}

function inShort({ cause, ends, mtu, status }: TunnelVerdict): string {
  if (cause !== null) return cause.message;
  const wire = status === 'proven' ? lastSeen(ends) : unshown({ ends });
  return [wire, ...(mtu === null ? [] : [`packets of up to ${mtu} bytes pass`])].join('; ');
}

/** What the last layer says that is so: it presumes all others. */
function lastSeen(ends: readonly EndVerdict[]): string {
  for (const { layers } of ends) {
    const found = layers.filter(({ status }) => status === 'ok').at(-1);
    if (found !== undefined) return found.what;
  }
  return '';
}

function endLines({ host, nickname, layers }: EndVerdict, verbose: boolean): readonly string[] {
  const shown = verbose ? layers : layers.filter(({ status }) => status !== 'skipped');
  const width = Math.max(0, ...shown.map(({ layer }) => layer.length));
  return [
    `    ${visibleLine(`${host} ${nickname}`)}`,
    ...shown.map(({ layer, status, what }) =>
      `      ${layer.padEnd(width)}  ${status.padEnd(7)}  ${visibleLine(what)}`.trimEnd(),
    ),
  ];
}

/** One sentence about all of them. */
export function verdictSummary(verdicts: readonly TunnelVerdict[]): string {
  const count = (status: TunnelVerdict['status']) => verdicts.filter((verdict) => verdict.status === status).length;
  const parts = (['proven', 'failed', 'unproven'] as const)
    .filter((status) => count(status) > 0)
    .map(
      (status) =>
        `${count(status)} ${status === 'unproven' ? 'neither proven nor failed' : WORDS[status].toLowerCase()}`,
    );
  return `${verdicts.length === 1 ? '1 tunnel' : `${verdicts.length} tunnels`}: ${parts.join(', ')}.`;
}
