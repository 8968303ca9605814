import type { Draw, Kept, KeyPlan } from '../../inventory/tunnels/plan-keys.ts';
import type { Diagnostic } from '../../lang/diagnostic.ts';

export interface KeygenOutcome {
  readonly file: string | null;
  /** Null where nothing was done. */
  readonly plan: KeyPlan | null;
  readonly exitCode: number;
  readonly dryRun: boolean;
}

/** What was drawn, as lines for people: the places alone, nothing of the keys. `each`: every tunnel that was kept. */
export function keygenTable({ file, plan, dryRun }: KeygenOutcome, each: boolean): string {
  if (plan === null) return '';
  const rows = plan.draws.map((draw) => [draw.origin.name, whatIsDrawn(draw)] as const);
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  const drawn = rows.map(([name, what]) => `${name.padEnd(width)}  ${what}`);
  const keys = plan.draws.filter(({ place }) => place.key.kind !== 'spi').length;
  const spis = plan.draws.length - keys;
  const counts = [count(keys, 'key'), ...(spis > 0 ? [count(spis, 'SPI')] : [])].join(' and ');
  const last =
    plan.draws.length === 0 ? 'nothing to draw' : `${counts} ${dryRun ? 'would be drawn for' : 'drawn into'} ${file}`;
  return [...drawn, ...keptLines(plan.kept, each), last].map((line) => `${line}\n`).join('');
}

/** The same as a document. */
export function keygenDocument(
  { file, plan, exitCode, dryRun }: KeygenOutcome,
  diagnostics: readonly Diagnostic[],
  output: 'json' | 'jsonl',
): string {
  const entry = ({ origin }: Draw | Kept) => ({ name: origin.name, kind: KINDS[origin.kind] });
  const drawn =
    plan?.draws.map((draw) => ({ ...entry(draw), what: whatIsDrawn(draw), place: draw.place.pointer })) ?? [];
  const kept = plan?.kept.map((each) => ({ ...entry(each), why: each.why })) ?? [];
  const document = { schema: 'ipsec-play/keygen/1', exitCode, file, dryRun, drawn, kept, diagnostics };
  return `${JSON.stringify(document, null, output === 'json' ? 2 : 0)}\n`;
}

const KINDS = { tunnels: 'tunnel', meshes: 'mesh', hubs: 'hub' } as const;

/** `psk`, `store-a esp: 3des-cbc key`. */
function whatIsDrawn({ place: { key, pointer } }: Draw): string {
  if (key.kind === 'psk') return 'psk';
  if (key.kind === 'master') return 'master of derived psks';
  const [host, protocol, name] = pointer.slice(-3);
  if (key.kind === 'spi') return `${host} ${protocol}: SPI`;
  return `${host} ${protocol}: ${key.algorithm} ${name === 'key' ? 'key' : 'authentication key'}`;
}

function keptLines(kept: readonly Kept[], each: boolean): readonly string[] {
  if (each) return kept.map(({ origin, why }) => `${origin.name}  kept: ${why}`);
  const reasons = new Map<string, string[]>();
  for (const { origin, why } of kept) reasons.set(why, [...(reasons.get(why) ?? []), origin.name]);
  return [...reasons].map(([why, names]) => `${some(names)}  kept: ${why}`);
}

function some(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 4).join(', ')} and ${names.length - 4} more`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
