import type { Proof } from '../../backend.ts';
import type { EndEvidence } from './end-evidence.ts';
import { evidenceScript } from './evidence-script.ts';
import { judge } from './judge.ts';
import { readEvidence } from './read-evidence.ts';

/** Proof by what the kernel, racoon's log and the packets show. */
export const proof: Proof<EndEvidence> = { evidence: evidenceScript, read: readEvidence, judge };
