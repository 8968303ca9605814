import { type Content, fromBytes, isSensitive } from '../model/content.ts';
import type { Secret } from '../model/secret.ts';
import type { Task } from '../model/task.ts';
import type { FileDiff } from './module.ts';
import type { DiffText, Problem, TaskResult, TaskStatus } from './result.ts';

/** How values become text that anybody may read. */
export interface Redaction {
  /** Takes every known secret out of a text. */
  redact(text: string): string;
  /** A keyed hash of a secret: the same secret gives the same text in one run, on all hosts. */
  fingerprint(secret: Secret): string;
}

/** A task's result, redacted. */
export function taskResult(
  task: Task,
  play: string,
  status: TaskStatus,
  redaction: Redaction,
  rest: { diff?: readonly FileDiff[]; disruptive?: string | undefined; error?: Problem | null; ms?: number } = {},
): TaskResult {
  return {
    id: task.id,
    play,
    name: redaction.redact(task.name),
    module: task.module,
    tunnel: task.tunnel,
    status,
    diff: (rest.diff ?? []).map((diff) => diffText(diff, redaction)),
    disruptive: rest.disruptive ?? null,
    error: rest.error ? problem(rest.error, redaction) : null,
    ms: rest.ms ?? 0,
  };
}

/** Cut only when no secret is in it any more: half of one would not be known for a secret. */
export function problem({ code, message }: Problem, redaction: Redaction): Problem {
  const text = redaction.redact(message);
  const isLong = text.length > LONGEST_MESSAGE;
  return { code, message: isLong ? `${text.slice(0, 400)} […] ${text.slice(400 - LONGEST_MESSAGE)}` : text };
}

/** A command may have printed megabytes without a line end. */
const LONGEST_MESSAGE = 4000;

function diffText(diff: FileDiff, redaction: Redaction): DiffText {
  return {
    path: redaction.redact(diff.path),
    before: sideText(diff.before, redaction),
    after: sideText(diff.after, redaction),
    sensitive: isSensitive(diff.before ?? []) || isSensitive(diff.after ?? []),
  };
}

/** The plain parts are redacted too: a secret may have come into them by another way. */
function sideText(side: Content | null, redaction: Redaction): string | null {
  if (side === null) return null;
  const parts = side.map((part) =>
    typeof part === 'string' ? redaction.redact(fromBytes(part)) : redaction.fingerprint(part),
  );
  return parts.join('');
}
