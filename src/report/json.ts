import type { RunEvent } from '../engine/events.ts';
import type { Impact } from '../engine/impact.ts';
import { type HostResult, type Recap, type RunResult, recapOf } from '../engine/result.ts';
import type { Diagnostic } from '../lang/diagnostic.ts';
import type { TunnelVerdict } from '../model/verdict.ts';
import type { Output, Reporter } from './output.ts';
import { type Merged, type ShardInDocument, withShard } from './shard-document.ts';
import { type VerifyDocument, verdictsByName } from './verdict-document.ts';

export const RUN_SCHEMA = 'ipsec-play/run/1';

/** The document of `--output json`, described by schema/run.schema.json. */
export interface RunDocument {
  readonly schema: typeof RUN_SCHEMA;
  readonly command: string;
  readonly playbook: string;
  /** Names an apply for `show`, `confirm`, `rollback` and `resume`; null where nothing was to be changed. */
  readonly run: string | null;
  readonly exitCode: number;
  readonly hosts: Readonly<Record<string, HostResult>>;
  readonly recap: Readonly<Record<string, Recap>>;
  /** What is stopped for a while, and which hosts the operator's own connections go over. Not with exit code 3. */
  readonly impact?: Impact;
  /** What was seen of the tunnels that an apply has brought up, as in the document of `verify`. */
  readonly tunnels?: VerifyDocument['tunnels'];
  /** All that is wrong with the input; no host was touched. Only with exit code 3. */
  readonly diagnostics?: readonly Diagnostic[];
  /** Of --shard. */
  readonly shard?: ShardInDocument;
  /** Of `report merge`. */
  readonly merged?: Merged;
}

export function runDocument(
  command: string,
  playbook: string,
  exitCode: number,
  result: RunResult & {
    readonly run?: string | null;
    readonly verdicts?: readonly TunnelVerdict[];
    readonly shard?: ShardInDocument | null;
  },
): RunDocument {
  const { verdicts = [], shard = null } = result;
  const document: RunDocument = {
    schema: RUN_SCHEMA,
    command,
    playbook,
    run: result.run ?? null,
    exitCode,
    hosts: Object.fromEntries(result.hosts),
    recap: Object.fromEntries([...result.hosts].map(([name, host]) => [name, recapOf(host)])),
    ...(result.impact === undefined ? {} : { impact: result.impact }),
    ...(verdicts.length === 0 ? {} : { tunnels: verdictsByName(verdicts) }),
  };
  return withShard(document, shard);
}

/** The document of a run that did not begin, because the input is wrong. */
export function refusedDocument(command: string, playbook: string, diagnostics: readonly Diagnostic[]): RunDocument {
  return { schema: RUN_SCHEMA, command, playbook, run: null, exitCode: 3, hosts: {}, recap: {}, diagnostics };
}

/** The same as the one line of `--output jsonl`. */
export function refusedLine(diagnostics: readonly Diagnostic[]): string {
  return `${JSON.stringify({ type: 'run-refused', exitCode: 3, diagnostics })}\n`;
}

/** One event a line, as it happens. */
export function jsonLinesReporter(output: Output): Reporter {
  return { listen: (event) => output.results(`${JSON.stringify(plain(event))}\n`), close: async () => {} };
}

function plain(event: RunEvent): unknown {
  if (event.type !== 'run-finished') return event;
  const { hosts, interrupted, timedOut, impact } = event.result;
  return {
    type: event.type,
    interrupted,
    timedOut,
    recap: Object.fromEntries([...hosts].map(([name, host]) => [name, recapOf(host)])),
    ...(impact === undefined ? {} : { impact }),
  };
}
