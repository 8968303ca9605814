import { createHmac } from 'node:crypto';
import { reveal, Secret } from '../../../../model/secret.ts';
import type { Tunnel } from '../../../../model/tunnel.ts';
import { isUnopened } from '../../../../model/unopened.ts';
import type { Cause } from '../../../../model/verdict.ts';
import type { ProofOptions } from '../../backend.ts';
import { peerConfPath } from '../paths.ts';
import { phase2Disagreement } from './phase2.ts';
import type { Proposal } from './racoon-settings.ts';
import type { View } from './view.ts';

/** Why IKE cannot agree, seen in the files of both ends: the keys, and what each proposes. null: nothing speaks against it. */
export function disagreement(here: View, there: View | null, options: Agreeing): Cause | null {
  if (here.manual !== null) return null;
  return (
    pskCause(here, there, options.keyed) ??
    (there && (phase1Cause(here, there) ?? phase2Disagreement(here, there, options, 'always')))
  );
}

type Agreeing = Pick<ProofOptions, 'keyed' | 'hostOptions'>;

/** The same digest for the same secret, in this run alone. */
export function digest(secret: Secret, keyed: string): string {
  return createHmac('sha256', keyed).update(reveal(secret), 'latin1').digest('hex');
}

function pskCause(here: View, there: View | null, keyed: string): Cause | null {
  const { tunnel, src, dst } = here.end;
  if (tunnel.keying.method !== 'psk') return null;
  const at = tunnel.at('keying', 'psk');
  for (const view of [here, there]) {
    if (view?.seen.psk !== 'absent') continue;
    const message = `psk.txt of ${view.end.src.host} has no key for ${view.traffic.peer}`;
    return { code: 'psk-differs', message, fix: 'apply the playbook: it puts psk.txt right', at };
  }
  const [own, other] = [here.seen.psk, there?.seen.psk];
  if (typeof own === 'string' || other === undefined || typeof other === 'string') return null;
  if (digest(own, keyed) === digest(other, keyed)) return null;
  const message = `${src.host} and ${dst.host} have different pre-shared keys for each other in psk.txt`;
  const wanted = isUnopened(tunnel.keying.psk) ? null : digest(tunnel.keying.psk, keyed);
  const others = [here, there].flatMap((view) => {
    const psk = view?.seen.psk;
    return psk instanceof Secret && digest(psk, keyed) !== wanted ? (view?.end.src.host ?? []) : [];
  });
  const fix =
    wanted !== null && others.length === 1
      ? `apply the playbook on ${others[0]}, whose key is not that of the inventory`
      : 'apply the playbook on both ends: it writes the same key';
  return { code: 'psk-differs', message, fix, at };
}

const PHASE1 = [
  { field: 'encryption', word: 'encryption', path: 'encryption' },
  { field: 'hash', word: 'hash', path: 'hash' },
  { field: 'dhGroup', word: 'Diffie-Hellman group', path: 'dh_group' },
  { field: 'method', word: 'authentication method', path: null },
] as const;

function phase1Cause(here: View, there: View): Cause | null {
  const [ours, theirs] = [here.seen.phase1, there.seen.phase1];
  if (ours.length === 0 || theirs.length === 0) return null;
  if (ours.some((one) => theirs.some((other) => PHASE1.every(({ field }) => one[field] === other[field])))) return null;
  const { tunnel, src, dst } = here.end;
  const differing = PHASE1.find(({ field }) => !meets(ours, theirs, field)) ?? PHASE1[0];
  const offered = (proposals: readonly Proposal[]) =>
    [...new Set(proposals.map((each) => each[differing.field]))].join(', ');
  return {
    code: 'proposal-mismatch',
    message: `phase 1 does not meet: the ${differing.word} is ${offered(ours)} on ${src.host} and ${offered(theirs)} on ${dst.host}`,
    fix: `apply the playbook on both ends; where one was edited by hand, remove it (${written(here)}, ${written(there)}), and ifup writes it anew`,
    at: differing.path === null ? tunnel.at('keying') : phase1Place(tunnel, differing.path),
  };
}

function written({ end: { src, dst } }: View): string {
  return `rm ${peerConfPath(dst.address)} on ${src.host}`;
}

/** Where nothing is written for phase 1, the cipher is that of ESP and the hash that of AH. */
export function phase1Place(tunnel: Tunnel, field: 'encryption' | 'hash' | 'dh_group') {
  const { ike, esp, ah } = tunnel;
  if (field === 'encryption' && ike.encryption === undefined && esp !== false && esp.encryption !== undefined)
    return tunnel.at('esp', 'encryption');
  if (field === 'hash' && ike.hash === undefined && ah !== false && ah.authentication !== undefined)
    return tunnel.at('ah', 'authentication');
  return tunnel.at('ike', field);
}

function meets(ours: readonly Proposal[], theirs: readonly Proposal[], field: keyof Proposal): boolean {
  return ours.some((one) => theirs.some((other) => one[field] === other[field]));
}
